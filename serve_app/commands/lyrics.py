"""``vibecraft lyrics``: a song's words, kept with it for its videos."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cluster.db.engine import reading, writing
from cluster.db.tables import Song
from cluster.errors import NotFound
from cluster.services import Services, open_services
from cluster.settings import load_settings
from serve_app import hearing, targets
from tasks.domain.lyrics import Lyrics
from tasks.edit.lyrics import place_lyrics
from tasks.media.ffmpeg import locate
from tasks.notation import lyrics as files
from tasks.steps import songs
from tasks.steps.heard import corrected, heard_in
from tasks.steps.lyrics import drop_lyrics, keep_lyrics, lyrics_of


def lyrics(
    song: Annotated[Path, typer.Argument(help="The song: mp3, wav, flac, m4a, aac, ogg, opus, webm, mp4 or mov.")],
    imported: Annotated[
        Path | None, typer.Option("--import", help="Keep this file's words: lrc, srt, vtt, ass or plain text.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write the words, by the name's end; lines without times are placed.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the words away.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole record as one JSON object on stdout.")] = False,
) -> None:
    """Show, keep, write or remove the words of SONG."""
    form = None if export is None else files.format_of(export.name)
    if export is not None:
        targets.expect_target(export, song, f".{form}", ".ssa", ".text")
    given = None if imported is None else files.load(imported)
    settings = load_settings()
    locate(settings.ffmpeg_bin)
    services = open_services(settings, migrate=True)
    row = songs.take_in(services, song, settings.owner_id, max_s=settings.max_analysis_s)
    found = _settle(services, row, given, remove=remove)
    if export is not None and form is not None:
        if files.FORMATS[form].needs_times:
            found = _placed(services, song, row, found)
        data = files.write(found, form)
        targets.publish(export, lambda path: path.write_bytes(data))
    if as_json:
        sys.stdout.write(json.dumps(found.to_json()) + "\n")
    elif not remove:
        _show(found, Console(file=sys.stdout))


def _settle(services: Services, row: Song, given: Lyrics | None, *, remove: bool) -> Lyrics:
    with writing(services.engine) as session:
        if given is not None:
            keep_lyrics(session, row, given)
        found, _ = lyrics_of(session, row.id)
        if found is None:
            raise NotFound(f"{row.filename} has no lyrics; give them with --import FILE.")
        if remove:
            drop_lyrics(session, row.id)
        return found


def _placed(services: Services, path: Path, row: Song, found: Lyrics) -> Lyrics:
    """Give lines without times those that a video would show them at; the song is heard for it."""
    if found.is_timed:
        return found
    hearing.hear(services, path, workers=None, console=Console(file=sys.stderr))
    with reading(services.engine) as session:
        heard = heard_in(session, row.id)
        assert heard is not None
        return place_lyrics(found, corrected(session, heard))


def _show(found: Lyrics, console: Console) -> None:
    table = Table("start", "end", "line", box=None, pad_edge=False)
    for line in found.lines:
        times = ("" if time is None else f"{int(time // 60)}:{time % 60:05.2f}" for time in (line.start_s, line.end_s))
        table.add_row(*times, Text(line.text))
    console.print(table, highlight=False)
    told = [found.format, found.encoding, found.language or "", "with words" if found.has_words else ""]
    console.print(f"{len(found.lines)} lines ({', '.join(one for one in told if one)})", highlight=False)
