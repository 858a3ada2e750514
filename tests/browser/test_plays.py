"""Chromium plays a film from its first frame to its last, with sound, and shows the right frame after a seek."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.domain.film import Chapter, FilmTags
from tasks.domain.segment import Codec, Preset, SegmentSpec
from tasks.domain.timebase import FrameRange
from tasks.media.encode import encode_segment
from tasks.media.frames import I420
from tasks.media.mux import assemble
from tasks.media.sound import Sound
from tests.support.chromium import ask_page

WIDTH, HEIGHT, BITS = 384, 128, 12
LENGTHS = [1, 40, 7, 100, 2]
SEEKS = [0, 1, 40, 41, 47, 48, 100, 147, 149]

SCRIPT = """
const film = document.getElementById("film");
film.src = "/film.mp4";
await new Promise((done, fail) => { film.oncanplay = done; film.onerror = () => fail(film.error.message); });
const canvas = new OffscreenCanvas(WIDTH, HEIGHT), draw = canvas.getContext("2d", {willReadFrequently: true});
const number = () => {
  draw.drawImage(film, 0, 0);
  let code = 0;
  for (let bit = 0; bit < BITS; bit++) {
    const x = Math.floor((bit + 0.5) * WIDTH / BITS);
    if (draw.getImageData(x, HEIGHT / 2, 1, 1).data[0] > 125) code |= 1 << bit;
  }
  let value = 0;
  for (; code; code >>= 1) value ^= code;
  return value;
};
const shown = [];
for (const frame of SEEKS) {
  const seeked = new Promise((done) => { film.onseeked = done; });
  film.currentTime = (frame + 0.5) / RATE;
  await seeked;
  for (let tries = 0; number() !== frame && tries < 100; tries++)  // the screen follows
    await new Promise((done) => setTimeout(done, 20));
  shown.push(number());
}
const rewound = new Promise((done) => { film.onseeked = done; });
film.currentTime = 0;
await rewound;
const ended = new Promise((done) => { film.onended = done; });
await film.play();
await ended;
return {shown, duration: film.duration, width: film.videoWidth, sound: film.webkitAudioDecodedByteCount,
        last: number(), pictures: film.webkitDecodedFrameCount};
"""


def numbered(first: int, count: int) -> Iterator[I420]:
    """Give pictures that carry their number as a Gray code of black and white bars."""
    for number in range(first, first + count):
        picture = I420.empty(WIDTH, HEIGHT)
        picture.u[:] = picture.v[:] = 128
        code = number ^ (number >> 1)
        for bit in range(BITS):
            bar = slice(bit * WIDTH // BITS, (bit + 1) * WIDTH // BITS)
            picture.y[:, bar] = 235 if code >> bit & 1 else 16
        yield picture


@pytest.mark.full
@pytest.mark.parametrize("codec", [Codec.H264, Codec.AV1])
@pytest.mark.parametrize("rate", [Fraction(30), Fraction(24000, 1001)], ids=str)
def test_a_film_plays_and_seeks(tmp_path: Path, codec: Codec, rate: Fraction) -> None:
    form = SegmentSpec.for_preset(Preset.STANDARD, (WIDTH, HEIGHT), rate, codec)
    paths, first = [], 0
    for index, length in enumerate(LENGTHS):
        paths.append(tmp_path / f"{index}.mp4")
        encode_segment(numbered(first, length), form, paths[-1])
        first += length
    song = tmp_path / "song.flac"
    seconds = float(first / rate)
    soundfile.write(song, np.random.default_rng(1).uniform(-0.3, 0.3, (round(seconds * 44_100), 2)), 44_100)
    chapters = (Chapter(title="Intro", frames=FrameRange(0, 41)), Chapter(title="Verse", frames=FrameRange(41, first)))
    film = tmp_path / "film.mp4"
    assemble(paths, form, Sound(pcm=song, original=None, window=None), film, tags=FilmTags(chapters=chapters))
    named = {"WIDTH": WIDTH, "HEIGHT": HEIGHT, "BITS": BITS, "SEEKS": SEEKS, "RATE": float(rate)}
    script = "".join(f"const {name} = {value};" for name, value in named.items()) + SCRIPT
    found = ask_page(script, {"film.mp4": film}, tmp_path / "profile")
    assert "error" not in found, found
    assert found["shown"] == SEEKS
    assert abs(found["duration"] - seconds) < 0.05
    assert found["width"] == WIDTH
    assert found["sound"] > 0
    assert found["last"] == first - 1
