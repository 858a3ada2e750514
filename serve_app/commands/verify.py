"""``vibecraft verify``: measures a finished film from its own frames and sound."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cluster.settings import Settings, load_settings
from serve_app import targets
from serve_app.problems import ExitCode
from tasks import notation
from tasks.domain.errors import InvalidInput, InvalidRecord
from tasks.domain.timeline import Timeline
from tasks.media.ffmpeg import locate
from tasks.media.probe import sound_header
from tasks.media.verify import OwnSound
from tasks.media.verify import verify as judge
from tasks.media.verify.page import draw_page

_LONGEST_S = 86_400.0  # what beats are held against where no song says how long it is


def verify(
    video: Annotated[Path, typer.Argument(help="The finished film, ours or anybody's.")],
    song: Annotated[
        Path | None, typer.Option(help="The song that it was made of; without it the sound's lag is not measured.")
    ] = None,
    plan: Annotated[Path | None, typer.Option(help="OUT.timeline.json: where the cuts should be.")] = None,
    beats: Annotated[
        Path | None,
        typer.Option(help="Beats of the song: csv, lab, txt, svl, jams, mid. [default: those heard in the film]"),
    ] = None,
    report_to: Annotated[Path | None, typer.Option("--report", help="Write one page for people, HTML.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Measure VIDEO, against its song and its plan where they are given; exit 1 if it is not right."""
    if report_to is not None:
        targets.expect_target(report_to, song or video, ".html", ".htm")
    settings = load_settings()
    ffmpeg = locate(settings.ffmpeg_bin)
    timeline = None if plan is None else read_timeline(plan)
    given = None if beats is None else read_beats(beats, song)
    report = judge(video, song, ffmpeg=ffmpeg, timeline=timeline, beats=given, own=listen_to(video, ffmpeg, settings))
    if report_to is not None:
        page = draw_page(video.name, report)
        targets.publish(report_to, lambda path: path.write_text(page, encoding="utf-8"))
    if as_json:
        sys.stdout.write(json.dumps(report.to_json()) + "\n")
    else:
        sys.stdout.write(report.line() + "\n")
        sys.stdout.writelines(f"  {problem}\n" for problem in report.problems)
        sys.stdout.writelines(f"  note: {warning}\n" for warning in report.warnings)
    if not report.ok:
        raise typer.Exit(ExitCode.FAILED)


def listen_to(video: Path, ffmpeg: str, settings: Settings) -> OwnSound | None:
    """Hear the film's own sound, as a song is heard; None where there is none to hear."""
    from tasks.audio.analysis import listen  # noqa: PLC0415 - loads compiled kernels, which other commands do without

    try:
        analysis = listen(video, ffmpeg=ffmpeg, max_s=settings.max_analysis_s).analysis
    except InvalidInput:  # a film that cannot be listened to is the judge's to refuse or to report
        return None
    return OwnSound(beats=tuple(beat.time_s for beat in analysis.beats), loudness=analysis.loudness)


def read_beats(path: Path, song: Path | None) -> tuple[float, ...]:
    """Read the beats of a song from the file of any program that we read.

    Raises
    ------
    InvalidInput
        If it cannot be read, or holds no beats.
    """
    promised = None if song is None else sound_header(song).promised_s
    beats = notation.load(path, _LONGEST_S if promised is None else float(promised)).beats
    if not beats:
        raise InvalidInput(f"{path.name} holds sections but no beats; give a file with beats.", code="import_empty")
    return beats


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
