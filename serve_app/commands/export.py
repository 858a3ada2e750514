"""``vibecraft export``: a finished film for an editor: its timeline, and its segments, footage and song as files."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cluster.db.engine import reading
from cluster.services import Services, open_services
from cluster.settings import load_settings
from serve_app import output
from tasks.domain.errors import InvalidInput
from tasks.export.otio import FORMATS, Reel, library, segment_name, write_timeline
from tasks.steps import exporting
from tasks.steps.exporting import Parts


def export(
    video: Annotated[str, typer.Argument(help="The video's id, as `render --json` and `jobs show` tell it.")],
    otio: Annotated[Path | None, typer.Option(help="Write OpenTimelineIO here, .otio.")] = None,
    fcpxml: Annotated[Path | None, typer.Option(help="Write Final Cut's XML here, .fcpxml.")] = None,
    edl: Annotated[Path | None, typer.Option(help="Write a CMX 3600 list here, .edl.")] = None,
    media: Annotated[
        Path | None, typer.Option(help="Put the files here. [default: beside the timeline, NAME.media]")
    ] = None,
) -> None:
    """Write VIDEO as a timeline that editors open, with a file for each shot, and the song."""
    wanted = {".otio": otio, ".fcpxml": fcpxml, ".edl": edl}
    targets = [output.expect_target(path, None, ending) for ending, path in wanted.items() if path is not None]
    if not targets:
        raise InvalidInput(
            f"Name what to write: {', '.join('--' + each[1:] for each in FORMATS)}.", code="option_invalid"
        )
    library()
    folder = media or targets[0].with_suffix(".media")
    services = open_services(load_settings(), migrate=True)
    with reading(services.engine) as session:
        parts = exporting.parts_of(session, video, services.settings.owner_id)
    write_export(services, parts, folder, targets)
    sys.stdout.writelines(f"{path}\n" for path in (*targets, folder))


def write_export(services: Services, parts: Parts, folder: Path, targets: list[Path]) -> None:
    """Write the film's files into ``folder``, and the timelines that name them."""
    _write_media(services, parts, folder)
    for target in targets:
        fill = partial(write_timeline, _reel(parts, folder, target), ending=target.suffix.lower())
        output.publish(target, fill)


def _reel(parts: Parts, folder: Path, target: Path) -> Reel:
    """Say where the files are, from the place of the timeline."""
    beside = Path(os.path.relpath(folder, target.parent))
    return Reel(
        video_id=parts.video_id,
        title=parts.title,
        timeline=parts.timeline,
        segments=parts.segments,
        segment_files=[beside / segment_name(plan.index) for plan in parts.segments],
        song_file=beside / parts.song_name,
        analysis=parts.analysis,
    )


def _write_media(services: Services, parts: Parts, folder: Path) -> None:
    """Write every segment, the footage that they show, and the song, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for plan, key in zip(parts.segments, parts.segment_keys, strict=True):
        output.fetch(services, key, folder / segment_name(plan.index))
    for key in parts.footage_keys:
        (folder / "footage").mkdir(exist_ok=True)
        output.fetch(services, key, folder / "footage" / Path(key).name)
    output.fetch(services, parts.song_key, folder / parts.song_name)
