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
from serve_app.targets import expect_target, fetch, publish
from tasks.domain.errors import InvalidInput
from tasks.export.otio import FORMATS, library, timeline_text
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
    targets = [expect_target(path, None, ending) for ending, path in wanted.items() if path is not None]
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
    """Write the film's files into ``folder``, and the timelines that name them from their own place."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, key in parts.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        fetch(services, key, folder / name)
    for target in targets:
        beside = Path(os.path.relpath(folder, target.parent))
        text = timeline_text(parts.reel(beside), target.suffix.lower())
        publish(target, partial(Path.write_text, data=text, encoding="utf-8"))
