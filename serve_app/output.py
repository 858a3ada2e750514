"""A film on the user's disk, with its timeline, its poster and its words beside it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.services import Services
from serve_app.targets import fetch, publish
from tasks.domain.lyrics import Lyrics
from tasks.media.poster import poster_key
from tasks.notation.lyrics import LyricsFormat
from tasks.notation.lyrics import write as write_lyrics

if TYPE_CHECKING:
    from serve_app.film import Film

_BESIDE = (LyricsFormat.SRT, LyricsFormat.VTT, LyricsFormat.LRC)
"""What a film's words are written as, beside it."""


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
