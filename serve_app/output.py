"""Where files go on the user's disk, each whole or not at all; a film has its timeline, poster and words beside it."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.services import Services
from tasks.domain.errors import InvalidInput
from tasks.domain.lyrics import Lyrics
from tasks.media.poster import poster_key
from tasks.notation.lyrics import LyricsFormat
from tasks.notation.lyrics import write as write_lyrics

if TYPE_CHECKING:
    from serve_app.film import Film

_BESIDE = (LyricsFormat.SRT, LyricsFormat.VTT, LyricsFormat.LRC)
"""What a film's words are written as, beside it."""


def expect_target(path: Path, song: Path | None, *endings: str) -> Path:
    """Refuse a place where no file can be written, before any work is done.

    Raises
    ------
    InvalidInput
        If the folder is not there, the path is a folder or the song itself, or its name has none of ``endings``.
    """
    if path.suffix.lower() not in endings:
        raise InvalidInput(
            f"The output {path} does not end in {' or '.join(endings)}; give a name that does.", code="output_invalid"
        )
    if path.is_dir():
        raise InvalidInput(f"The output {path} is a folder; name a file in it.", code="output_invalid")
    if not path.parent.is_dir():
        raise InvalidInput(f"There is no folder {path.parent}; make it first.", code="output_invalid")
    if not os.access(path.parent, os.W_OK):
        raise InvalidInput(f"The folder {path.parent} cannot be written; choose another.", code="output_invalid")
    if song is not None and path.exists() and song.exists() and path.samefile(song):
        raise InvalidInput("The output is the song itself; name another file.", code="output_invalid")
    return path


def timeline_path(film: Path) -> Path:
    """Give the place of the timeline that belongs to ``film``."""
    return film.with_name(f"{film.stem}.timeline.json")


def poster_path(film: Path) -> Path:
    """Give the place of the poster that belongs to ``film``."""
    return film.with_name(f"{film.stem}.poster.jpg")


def write(services: Services, made: Film, target: Path) -> list[str]:
    """Write the film, its timeline, its poster and its words; each file appears whole or not at all.

    Returns
    -------
    list of str
        Names of files of words that stood there before and are not ours: they are left as they are.
    """
    words, left = write_words(made.lyrics, target)
    timeline = {**made.timeline.to_json(), "words": words}
    document = json.dumps(timeline, indent=1).encode() + b"\n"
    publish(timeline_path(target), lambda path: path.write_bytes(document))
    fetch(services, poster_key(made.video_key), poster_path(target))
    fetch(services, made.video_key, target)
    return left


def fetch(services: Services, key: str, target: Path) -> None:
    """Write a stored object to ``target``, whole or not at all."""

    def fill(path: Path) -> None:
        stored = services.storage.fetch_file(key, path)
        if stored != path:
            shutil.copyfile(stored, path)

    publish(target, fill)


def write_words(lyrics: Lyrics | None, target: Path) -> tuple[list[str], list[str]]:
    """Write a film's words beside it.

    Returns
    -------
    tuple of list of str
        Names of what was written, and of what stood there before and is not ours: it is left as it is.
    """
    written: list[str] = []
    left: list[str] = []
    ours = _written_before(target)
    for form in _BESIDE if lyrics is not None and lyrics.lines else ():
        place = target.with_suffix(f".{form}")
        if place.exists() and place.name not in ours:
            left.append(place.name)
            continue
        assert lyrics is not None
        publish(place, partial(_fill, data=write_lyrics(lyrics, form)))
        written.append(place.name)
    return written, left


def _written_before(target: Path) -> list[str]:
    """Read which files of words an earlier film of this name came with."""
    try:
        names = json.loads(timeline_path(target).read_bytes()).get("words", [])
    except (OSError, ValueError, AttributeError):
        return []
    return names if isinstance(names, list) else []


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def publish(target: Path, fill: Callable[[Path], object]) -> None:
    """Let ``fill`` write a file beside ``target`` and put it there whole, or not at all."""
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        fill(temporary)
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
