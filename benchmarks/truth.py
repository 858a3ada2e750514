"""Songs whose truth is known, in a folder: audio files and beside each a JSON file of the same name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.audio.analysis import hear
from tasks.audio.decode import Decoder
from tasks.audio.features import Spectra
from tasks.media.ffmpeg import locate
from tasks.media.probe import sound_header

_MAX_S = 900
SOUNDS = (".flac", ".mp3", ".wav", ".ogg", ".m4a", ".opus")


def songs_of(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give each song's file and its truth, in the order of their names."""
    for truth in sorted(folder.glob("*.json")):
        for ending in SOUNDS:
            sound = truth.with_suffix(ending)
            if sound.exists():
                yield sound, json.loads(truth.read_text(encoding="utf-8"))
                break


def spectra_of(path: Path) -> Spectra:
    """Hear a song, but do not understand it."""
    return hear(Decoder(path, sound_header(path, None), ffmpeg=locate(), max_s=_MAX_S))
