"""``vibecraft analyze``: what is heard in a song, and setting it right."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cluster.scratch import scratch
from cluster.services import Services, open_services
from cluster.settings import load_settings
from serve_app import hearing, targets
from serve_app.analysis_table import print_analysis
from serve_app.hearing import Heard
from tasks import notation
from tasks.domain.corrections import Corrections
from tasks.media.ffmpeg import locate
from tasks.steps.heard import waveform_key


def analyze(
    song: Annotated[Path, typer.Argument(help="The song: mp3, wav, flac, m4a, aac, ogg, opus, webm, mp4 or mov.")],
    as_json: Annotated[bool, typer.Option("--json", help="The whole record as one JSON object on stdout.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw waveform, beats, sections and energy, PNG.")] = None,
    clicks: Annotated[Path | None, typer.Option(help="Write the song with clicks on its beats, WAV.")] = None,
    corrections: Annotated[
        Path | None, typer.Option(help="Keep the corrections of this YAML or JSON file for the song.")
    ] = None,
    imported: Annotated[
        Path | None,
        typer.Option("--import", help="Keep beats or sections of another program: csv, lab, txt, svl, jams, mid."),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write beats or sections for another program, by the name's end.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes side by side; more than 1 use Ray.")] = None,
) -> None:
    """Show tempo, key, meter and sections of SONG; what you set right is kept, and videos follow it."""
    if plot is not None:
        targets.expect_target(plot, song, ".png")
    if clicks is not None:
        targets.expect_target(clicks, song, ".wav")
    if export is not None:
        targets.expect_target(export, song, f".{notation.format_of(export.name)}", ".midi")
    given: Corrections | None = None
    if corrections is not None:
        from serve_app.corrections_file import read_corrections  # noqa: PLC0415 - YAML is seldom asked

        given = read_corrections(corrections)
    if imported is not None:
        notation.format_of(imported.name)
    settings = load_settings()
    locate(settings.ffmpeg_bin)
    services = open_services(settings, migrate=True)
    row = hearing.hear(services, song, workers=workers, console=Console(file=sys.stderr))
    heard = hearing.set_right(services, row, given, imported)
    _write(services, heard, export=export, clicks=clicks, plot=plot)
    if as_json:
        sys.stdout.write(json.dumps(heard.analysis.to_json()) + "\n")
    else:
        print_analysis(heard, Console(file=sys.stdout))


def _write(services: Services, heard: Heard, *, export: Path | None, clicks: Path | None, plot: Path | None) -> None:
    if export is not None:
        data = notation.export(heard.analysis, notation.format_of(export.name))
        targets.publish(export, lambda path: path.write_bytes(data))
    if clicks is not None:
        from tasks.media.clicks import write_clicks  # noqa: PLC0415 - pictures and sound load much that is seldom asked

        with scratch(services.settings.scratch_dir) as folder:
            sound = services.storage.fetch_file(heard.sound_key, folder / "sound.flac")
            targets.publish(clicks, lambda path: write_clicks(sound, heard.analysis, path))
    if plot is not None:
        from tasks.domain.features import Features  # noqa: PLC0415
        from tasks.media.analysis_picture import draw_analysis  # noqa: PLC0415
        from tasks.media.waveform import Peaks  # noqa: PLC0415

        features = Features.from_bytes(_bytes(services, heard.features_key))
        peaks = Peaks.from_bytes(_bytes(services, waveform_key(heard.sound_key)))
        title = heard.song.title or heard.song.filename
        targets.publish(plot, lambda path: draw_analysis(title, heard.analysis, features, peaks, path))


def _bytes(services: Services, key: str) -> bytes:
    return b"".join(services.storage.open_range(key))
