"""A song is heard the same, byte for byte, however it is cut into blocks and whatever machine hears it."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks import audio
from tasks.domain.document import canonical
from tasks.media.ffmpeg import locate
from tests.support.audio import RATE, Sound, noise, pulse_song, silence, write

_HEAR = """
import hashlib, sys
from pathlib import Path
from tasks import audio
from tasks.domain.document import canonical
from tasks.media.ffmpeg import locate

heard = audio.listen(Path(sys.argv[1]), ffmpeg=locate())
print(hashlib.sha256(canonical(heard.analysis.to_json()) + heard.features.to_bytes()).hexdigest())
"""


def cancelling() -> Sound:
    """Make a song whose channels cancel each other now and then, so that what is heard changes over."""
    sound, _ = pulse_song(112, 41)
    for second in (3, 4, 9, 17, 29, 30, 31):
        sound[second * RATE + 700 : (second + 1) * RATE + 700, 1] *= -1
    return sound


def pieces() -> Sound:
    """Make a song of unlike parts, clipped, with a pause and an end within a second."""
    song, _ = pulse_song(150, 17.3, channels=1)
    return np.concatenate((noise(7.7), 1.8 * song, silence(3.1), np.sign(song[: 4 * RATE]), song[: 8 * RATE + 123]))


SONGS = [
    ("song.mp3", lambda: pulse_song(128, 38)[0], "libmp3lame", {}),
    ("cancelling.flac", cancelling, "flac", {}),
    ("pieces.wav", pieces, "pcm_f32le", {}),
    ("resampled.opus", lambda: pulse_song(84, 33, beats_a_bar=3)[0], "libopus", {"coded_rate": 48_000}),
    ("slow.wav", lambda: pulse_song(100, 36, rate=11_025, channels=1)[0], "pcm_s16le", {"rate": 11_025}),
]
each_song = pytest.mark.parametrize(("name", "make", "codec", "options"), SONGS, ids=[song[0] for song in SONGS])


def heard_bytes(song: Path, block_s: int = 1) -> bytes:
    heard = audio.listen(song, ffmpeg=locate(), block_s=block_s)
    return canonical(heard.analysis.to_json()) + heard.features.to_bytes()


@each_song
def test_the_length_of_blocks_does_not_show(
    tmp_path: Path, name: str, make: Callable[[], Sound], codec: str, options: dict[str, Any]
) -> None:
    song = write(tmp_path / name, make(), codec, **options)
    by_the_second = heard_bytes(song)
    for block_s in (5, 30, 300):
        assert heard_bytes(song, block_s) == by_the_second


@pytest.mark.parametrize("threads", ["1", "4"])
def test_another_process_with_other_threads_hears_the_same(tmp_path: Path, threads: str) -> None:
    song = write(tmp_path / "cancelling.flac", cancelling(), "flac")
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, threads), "PYTHONHASHSEED": threads}
    child = subprocess.run(
        [sys.executable, "-c", _HEAR, str(song)],
        env=environment,
        cwd=Path(audio.__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.strip() == hashlib.sha256(heard_bytes(song)).hexdigest()


def test_other_processes_that_do_the_work_do_not_show(tmp_path: Path) -> None:
    song = write(tmp_path / "song.flac", pulse_song(121, 61)[0], "flac")
    asked: list[int] = []
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:

        def elsewhere(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
            given = list(items)
            asked.append(len(given))
            return pool.map(function, given)

        heard = audio.listen(song, ffmpeg=locate(), map=elsewhere)
    assert canonical(heard.analysis.to_json()) + heard.features.to_bytes() == heard_bytes(song)
    assert len(asked) == 4
    # stretches of 24 s, ranges of tempo, steady tempos, sections
    assert (asked[0], asked[1], asked[2] > 0, asked[3]) == (3, 4, True, len(heard.analysis.sections))
