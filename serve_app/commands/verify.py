"""``vibecraft verify``: measures a finished film from its own frames and sound."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cluster.settings import load_settings
from serve_app.problems import ExitCode
from tasks.domain.errors import InvalidInput, InvalidRecord
from tasks.domain.timeline import Timeline
from tasks.media.ffmpeg import locate
from tasks.media.verify import read_beats
from tasks.media.verify import verify as judge


def verify(
    video: Annotated[Path, typer.Argument(help="The finished film.")],
    song: Annotated[Path, typer.Option(help="The song that it was made of.")],
    plan: Annotated[Path | None, typer.Option(help="OUT.timeline.json: where the cuts should be.")] = None,
    beats: Annotated[Path | None, typer.Option(help="Times of beats in the song, one a line, in seconds.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Measure VIDEO against its song and its plan; exit 1 if it is not right."""
    report = judge(
        video,
        song,
        ffmpeg=locate(load_settings().ffmpeg_bin),
        timeline=None if plan is None else read_timeline(plan),
        beats=None if beats is None else read_beats(beats),
    )
    if as_json:
        sys.stdout.write(json.dumps(report.to_json()) + "\n")
    else:
        sys.stdout.write(report.line() + "\n")
        sys.stdout.writelines(f"  {problem}\n" for problem in report.problems)
    if not report.ok:
        raise typer.Exit(ExitCode.FAILED)


def read_timeline(path: Path) -> Timeline:
    """Read a timeline's file.

    Raises
    ------
    InvalidInput
        If it cannot be read or is no timeline.
    """
    try:
        return Timeline.from_json(json.loads(path.read_bytes()))
    except OSError as error:
        raise InvalidInput(f"The plan {path} cannot be read ({error.strerror}).", code="option_invalid") from error
    except (ValueError, AttributeError, InvalidRecord) as error:
        raise InvalidInput(
            f"The plan {path} is no timeline that render wrote ({error}).", code="option_invalid"
        ) from error
