"""Previews of finished films: where the best moment is, and keeping what was made once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import PurePath

from sqlmodel import Session

from cluster.db.tables import Composition
from cluster.scratch import scratch
from cluster.services import Services
from tasks.domain.timeline import Timeline
from tasks.media.preview import SECONDS, PreviewFormat, write_preview
from tasks.steps.songs import analysis_of


def best_moment(session: Session, composition: Composition) -> Fraction:
    """Give the time of the film at which its loudest section that lasts long enough begins."""
    analysis = analysis_of(session, composition)
    timeline = Timeline.from_json(composition.timeline or {})
    length_s = Fraction(timeline.frames) / timeline.frame_rate
    start_s = timeline.window.start_s if timeline.window else Fraction(0)
    sections = analysis.sections if analysis is not None else ()
    starts = {Fraction(section.start_s) - start_s: section.energy for section in sections}
    fitting = {start: energy for start, energy in starts.items() if 0 <= start <= length_s - SECONDS}
    return max(fitting, key=lambda start: fitting[start], default=Fraction(0))


def kept(services: Services, film_key: str, form: PreviewFormat, start_s: Fraction) -> str:
    """Give the key of a film's preview, which is made unless it was before."""
    key = f"previews/{PurePath(film_key).stem}.{form.value}"
    if not services.storage.exists(key):
        with scratch(services.settings.scratch_dir) as folder:
            film = services.storage.fetch_file(film_key, folder / "film.mp4")
            path = folder / f"preview.{form.value}"
            write_preview(film, path, form, start_s=start_s)
            services.storage.put_file(path, key)
    return key
