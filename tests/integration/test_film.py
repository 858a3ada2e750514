"""Segments are exact, and joining loses nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tasks.domain.effect import TIME_KINDS, Curve, Effect, EffectKind
from tasks.domain.errors import MediaError, ToolMissing
from tasks.domain.segment import Codec, Preset, SegmentSpec
from tasks.domain.timeline import Window
from tasks.media.effects import apply_effects
from tasks.media.encode import encode_segment
from tasks.media.encoders import can_encode
from tasks.media.ffmpeg import locate
from tasks.media.frames import I420
from tasks.media.join import parameter_sets
from tasks.media.mux import assemble
from tasks.media.sound import Sound
from tests.support.planes import same

WIDTH, HEIGHT, BITS = 192, 64, 12
RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(60), Fraction(24000, 1001), Fraction(30000, 1001)]
LENGTHS = [1, 2, 3, 5, 17, 1, 48, 7]


def spec(rate: Fraction = Fraction(30), crf: int = 21) -> SegmentSpec:
    return SegmentSpec(width=WIDTH, height=HEIGHT, frame_rate=rate, crf=crf)


def numbered(first: int, count: int) -> Iterator[I420]:
    """Give pictures that carry their number as a Gray code of black and white bars."""
    picture = I420.empty(WIDTH, HEIGHT)
    picture.u[:] = 128
    picture.v[:] = 128
    bar = WIDTH // BITS
    for number in range(first, first + count):
        code = number ^ (number >> 1)
        for bit in range(BITS):
            picture.y[:, bit * bar : (bit + 1) * bar] = 235 if code >> bit & 1 else 16
        yield picture


def number_of(y: NDArray[Any]) -> int:
    bar = WIDTH // BITS
    code = sum(1 << bit for bit in range(BITS) if y[:, bit * bar + 4 : (bit + 1) * bar - 4].mean() > 125)
    number = 0
    while code:
        number ^= code
        code >>= 1
    return number


def segments_of(folder: Path, rate: Fraction) -> list[Path]:
    paths, first = [], 0
    for index, length in enumerate(LENGTHS):
        path = folder / f"{index}.mp4"
        assert encode_segment(numbered(first, length), spec(rate), path) == length
        paths.append(path)
        first += length
    return paths


def song(folder: Path, seconds: float, channels: int = 2, rate: int = 44_100) -> Path:
    path = folder / "song.flac"
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, (round(seconds * rate), channels))
    soundfile.write(path, noise, rate)
    return path


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_joined_segments_hold_every_frame_at_its_exact_time(tmp_path: Path, rate: Fraction) -> None:
    total = sum(LENGTHS)
    sound = Sound(pcm=song(tmp_path, float(total / rate)), original=None, window=None)
    film = tmp_path / "film.mp4"
    assert assemble(segments_of(tmp_path, rate), spec(rate), sound, film) == total
    with av.open(str(film)) as container:
        video = container.streams.video[0]
        assert video.average_rate == rate
        assert video.frames == total
        context = video.codec_context
        assert (context.profile, context.pix_fmt) == ("High", "yuv420p")
        tags = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
        assert tags == (1, 1, 1, 1)
        frames = list(container.decode(video))
        assert video.time_base is not None
        assert [frame.pts * video.time_base for frame in frames if frame.pts is not None] == [
            number / rate for number in range(total)
        ]
        assert [number_of(frame.to_ndarray(format="gray")) for frame in frames] == list(range(total))
    strict = [locate(), "-v", "warning", "-xerror", "-err_detect", "explode", "-i", str(film), "-f", "null", "-"]
    played = subprocess.run(strict, capture_output=True, text=True, timeout=60, check=False)
    assert (played.returncode, played.stderr) == (0, "")


def test_the_index_comes_first_and_the_sound_is_as_long_as_the_song(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    sound = Sound(pcm=song(tmp_path, 2.8), original=None, window=None)
    assemble(segments_of(tmp_path, Fraction(30)), spec(), sound, film)
    data = film.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(film)) as container:
        track = container.streams.audio[0]
        assert track.duration is not None
        assert track.time_base is not None
        assert abs(track.duration * track.time_base - Fraction("2.8")) < Fraction(1, 1000)
        assert track.start_time == 0


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000])
def test_sound_of_any_rate_keeps_its_channels(tmp_path: Path, channels: int, rate: int) -> None:
    film = tmp_path / "film.mp4"
    sound = Sound(pcm=song(tmp_path, 2.8, channels, rate), original=None, window=None)
    assemble(segments_of(tmp_path, Fraction(30)), spec(), sound, film)
    with av.open(str(film)) as container:
        assert container.streams.audio[0].channels == 2
        blocks = [frame.to_ndarray() for frame in container.decode(container.streams.audio[0])]
    left, right = np.concatenate(blocks, axis=1)
    likeness = float(np.corrcoef(left, right)[0, 1])
    assert likeness > 0.99 if channels == 1 else likeness < 0.5


def test_a_window_of_the_song_begins_at_its_sample(tmp_path: Path) -> None:
    rate, seconds = 48_000, 4
    samples = np.zeros((rate * seconds, 2), np.float32)
    samples[rate * 2 : rate * 2 + 480] = 0.8
    soundfile.write(tmp_path / "song.flac", samples, rate)
    window = Window(start_s=Fraction(3, 2), end_s=Fraction(4))
    sound = Sound(pcm=tmp_path / "song.flac", original=None, window=window)
    film = tmp_path / "film.mp4"
    assemble(segments_of(tmp_path, Fraction(30)), spec(), sound, film)
    with av.open(str(film)) as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(container.streams.audio[0])])
    loud = np.flatnonzero(np.abs(heard) > 0.4)
    assert abs(int(loud[0]) - rate // 2) < 48


def test_segments_of_other_settings_are_never_joined(tmp_path: Path) -> None:
    paths = segments_of(tmp_path, Fraction(30))
    encode_segment(numbered(0, 5), spec(crf=30), paths[3])
    assert parameter_sets(paths[3]) != parameter_sets(paths[0])
    sound = Sound(pcm=song(tmp_path, 2.0), original=None, window=None)
    with pytest.raises(MediaError, match="other settings"):
        assemble(paths, spec(), sound, tmp_path / "film.mp4")


def test_nothing_and_pictures_of_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="at least one"):
        encode_segment([], spec(), tmp_path / "a.mp4")
    with pytest.raises(MediaError):
        encode_segment([I420.empty(64, 64)], spec(), tmp_path / "b.mp4")


def test_the_same_pictures_give_the_same_bytes_whatever_lies_in_memory(tmp_path: Path) -> None:
    films = set()
    for junk in ("1", "85", "170"):
        out = tmp_path / f"{junk}.mp4"
        # the C library fills memory that is handed out with this byte, so that reading it unwritten shows
        environment = {**os.environ, "MALLOC_PERTURB_": junk, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", _ENCODE_NOISE, str(out)], env=environment, check=True, timeout=120)
        films.add(out.read_bytes())
    assert len(films) == 1


_ENCODE_NOISE = """
import sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from tasks.domain.segment import SegmentSpec
from tasks.media.encode import encode_segment
from tasks.media.encoders import can_encode
from tasks.media.frames import I420
noise = np.random.default_rng(4).integers(16, 235, (544, 918), np.uint8)
grey = np.full((240, 427), 120, np.uint8)
pictures = [I420(np.ascontiguousarray(noise[n : n + 480, 2 * n : 2 * n + 854]), grey, grey) for n in range(12)]
encode_segment(pictures, SegmentSpec(width=854, height=480, frame_rate=Fraction(30)), Path(sys.argv[1]))
"""


def grey(count: int) -> Iterator[I420]:
    ramp = np.tile(np.linspace(40, 200, WIDTH).astype(np.uint8), (HEIGHT, 1))
    for _ in range(count):
        yield I420(
            ramp.copy(),
            np.full((HEIGHT // 2, WIDTH // 2), 90, np.uint8),
            np.full((HEIGHT // 2, WIDTH // 2), 160, np.uint8),
        )


@pytest.mark.parametrize("kind", sorted(set(EffectKind) - TIME_KINDS))
def test_an_effect_is_on_exactly_its_frames(kind: EffectKind) -> None:
    effect = Effect(kind=kind, start_frame=103, end_frame=107, amount=0.5, curve=Curve.HOLD)
    plain = next(grey(1))
    changed = [
        100 + place for place, picture in enumerate(apply_effects(grey(10), [effect], 100)) if not same(picture, plain)
    ]
    assert changed == [103, 104, 105, 106]


def test_a_flash_brightens_and_a_pulse_enlarges() -> None:
    flash = Effect(kind=EffectKind.FLASH, start_frame=0, end_frame=1, amount=0.5, curve=Curve.HOLD)
    pulse = Effect(kind=EffectKind.PULSE, start_frame=0, end_frame=1, amount=1.0, curve=Curve.HOLD)
    plain = next(grey(1))
    bright = next(apply_effects(grey(1), [flash], 0))
    assert bright.y.mean() == pytest.approx(plain.y.mean() / 2 + 235 / 2, abs=1)
    assert bright.u.mean() == pytest.approx((90 + 128) / 2, abs=1)
    large = next(apply_effects(grey(1), [pulse], 0))
    slope = np.diff(large.y[0].astype(float)).mean() / np.diff(plain.y[0].astype(float)).mean()
    assert slope == pytest.approx(1 / 1.06, abs=0.01)


@pytest.mark.parametrize(("codec", "tag"), [(Codec.HEVC, "hvc1"), (Codec.AV1, "av01")])
def test_further_codecs_join_as_exactly(tmp_path: Path, codec: Codec, tag: str) -> None:
    rate = Fraction(30000, 1001)
    form = SegmentSpec.for_preset(Preset.DRAFT, (WIDTH, HEIGHT), rate, codec)
    paths, first = [], 0
    for index, length in enumerate(LENGTHS):
        paths.append(tmp_path / f"{index}.mp4")
        encode_segment(numbered(first, length), form, paths[-1])
        first += length
    film = tmp_path / "film.mp4"
    sound = Sound(pcm=song(tmp_path, float(first / rate)), original=None, window=None)
    assert assemble(paths, form, sound, film) == first
    with av.open(str(film)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.codec_tag, video.average_rate, video.frames) == (tag, rate, first)
        frames = list(container.decode(video))
        assert video.time_base is not None
        times = [frame.pts * video.time_base for frame in frames if frame.pts is not None]
        assert times == [number / rate for number in range(first)]
        assert [number_of(frame.to_ndarray(format="gray")) for frame in frames] == list(range(first))


def test_a_gpu_is_used_only_where_a_short_encode_succeeds(tmp_path: Path) -> None:
    assert can_encode(Codec.H264)
    form = SegmentSpec.for_preset(Preset.DRAFT, (256, 144), Fraction(30), Codec.H264_NVENC)
    pictures = (I420(*(np.full(each, 90, np.uint8) for each in ((144, 256), (72, 128), (72, 128)))) for _ in range(3))
    if can_encode(Codec.H264_NVENC):
        assert encode_segment(pictures, form, tmp_path / "a.mp4") == 3
    else:
        with pytest.raises(ToolMissing, match="Choose the codec h264"):
            encode_segment(pictures, form, tmp_path / "a.mp4")


def test_long_segments_have_a_keyframe_every_two_seconds(tmp_path: Path) -> None:
    form = SegmentSpec.for_preset(Preset.STANDARD, (WIDTH, HEIGHT), Fraction(24))
    encode_segment(numbered(0, 130), form, tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as container:
        keys = [packet.pts or 0 for packet in container.demux(video=0) if packet.size and packet.is_keyframe]
    assert len(keys) >= 3
    assert max(np.diff(keys)) <= 48 * 512
