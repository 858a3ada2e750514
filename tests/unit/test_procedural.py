"""The built-in looks: the same bytes everywhere, change at cuts, no standstill, no flashes."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from tasks.domain.analysis import Analysis, Beat, Engine, Section
from tasks.domain.features import CURVES, Features
from tasks.domain.style import PaletteName, StyleName, StyleShot
from tasks.media.frames import I420, FrameSource
from tasks.procedural.composition import MODES, compose
from tasks.procedural.drive import beat_times, drive_of
from tasks.procedural.engine import open_style, warm
from tasks.procedural.palette import palette_of
from tasks.procedural.styles import ink, silk, swiss

RATE = Fraction(30)
FEATURE_RATE = 50
LABELS = {"intro": 0.3, "verse": 0.5, "chorus": 0.95, "bridge": 0.45, "outro": 0.3}
SECTION_S = 8
STYLES = tuple(StyleName)


def song(bpm: float = 120.0, *, silent: bool = False) -> tuple[Features, Analysis]:
    """Make a song of five sections with a kick on every beat, or of digital silence."""
    duration_s = SECTION_S * len(LABELS)
    beats = () if silent else tuple(np.arange(0.0, duration_s - 0.01, 60.0 / bpm).tolist())
    time_s = np.arange(duration_s * FEATURE_RATE) / FEATURE_RATE
    energy = np.array(list(LABELS.values()))[(time_s // SECTION_S).astype(int)]
    curves = {name: (0.6 * energy).astype(np.float32) for name in CURVES}
    curves["kick"] = (energy * np.exp(-9.0 * ((time_s * bpm / 60.0) % 1.0))).astype(np.float32)
    if silent:
        curves = {name: np.zeros_like(curve) for name, curve in curves.items()}
    sections = tuple(
        Section(
            start_s=float(index * SECTION_S),
            end_s=float((index + 1) * SECTION_S),
            label=label,
            cluster="A",
            confidence=1.0,
            energy=0.0 if silent else loud,
            valence=None,
            arousal=None,
            reason="",
        )
        for index, (label, loud) in enumerate(LABELS.items())
    )
    analysis = Analysis(
        samples=duration_s * 1000,
        sample_rate=1000,
        channels=2,
        tempo_bpm=None if silent else bpm,
        tempo_confidence=1.0,
        meter=None,
        key=None,
        beats=tuple(Beat(time_s=t, position=i % 4 + 1, confidence=1.0) for i, t in enumerate(beats)),
        downbeats=beats[::4],
        sections=sections,
        mood=None,
        genre=None,
        loudness=None,
        hooks=(),
        alternatives=(),
        engine=Engine(name="made by hand", version="1"),
    )
    return Features(frame_rate=Fraction(FEATURE_RATE), curves=curves), analysis


def shot_of(style: StyleName, *, seed: int = 3, shot: int = 1, film_frame: int = 500) -> StyleShot:
    """Describe a shot; the colours go with the seed."""
    palette = tuple(PaletteName)[seed % len(PaletteName)]
    return StyleShot(
        style=style, palette=palette, seed=seed, shot=shot, film_frame=film_frame, song_start_s=Fraction(0)
    )


def opened(
    shot: StyleShot, size: tuple[int, int] = (96, 54), *, bpm: float = 120.0, silent: bool = False
) -> FrameSource:
    """Open a shot of the made song."""
    features, analysis = song(bpm, silent=silent)
    return open_style(shot, features, analysis, width=size[0], height=size[1], frame_rate=RATE)


def digests(frames: Iterator[I420]) -> list[str]:
    """Name each picture by its bytes."""
    return [hashlib.sha256(p.y.tobytes() + p.u.tobytes() + p.v.tobytes()).hexdigest() for p in frames]


def lumas(frames: Iterator[I420]) -> NDArray[np.float32]:
    """Stack luma planes at 160x90, in 8-bit steps."""
    return np.stack([cv2.resize(p.y, (160, 90), interpolation=cv2.INTER_AREA).astype(np.float32) for p in frames])


@pytest.mark.parametrize("style", STYLES)
def test_a_frame_depends_on_its_number_alone(style: StyleName) -> None:
    whole = digests(opened(shot_of(style)).frames(-3, 6))
    source = opened(shot_of(style))
    assert digests(source.frames(4, 6)) == whole[7:9]
    assert digests(source.frames(-3, -1)) == whole[0:2]
    assert digests(source.frames(2, 3)) == whole[5:6]


def test_another_process_draws_the_same_bytes() -> None:
    here = [digests(opened(shot_of(style)).frames(7, 8)) for style in STYLES]
    code = (
        f"import runpy; m = runpy.run_path({__file__!r}); "
        "print([m['digests'](m['opened'](m['shot_of'](style)).frames(7, 8)) for style in m['STYLES']])"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert there.stdout.strip() == repr(here)


@pytest.mark.parametrize("style", STYLES)
def test_the_picture_changes_at_a_cut_far_more_than_within_a_shot(style: StyleName) -> None:
    at_cuts, within = [], []
    for seed in (0, 5, 11):
        shots = [shot_of(style, seed=seed, shot=shot, film_frame=230 + 45 * shot) for shot in range(6)]
        stacks = [lumas(opened(shot, (160, 90)).frames(43, 47)) for shot in shots]
        firsts = [lumas(opened(shot, (160, 90)).frames(0, 1))[0] for shot in shots]
        at_cuts += [np.abs(after - before[1]).mean() for before, after in zip(stacks, firsts[1:], strict=False)]
        within += [np.abs(after - before).mean() for stack in stacks for before, after in pairwise(stack)]
    assert min(at_cuts) >= 12.0
    assert float(np.median(within)) <= 5.0
    assert min(at_cuts) > 2.0 * max(within)


@pytest.mark.parametrize("style", STYLES)
def test_no_picture_repeats_in_silence(style: StyleName) -> None:
    names = digests(opened(shot_of(style), (64, 36), silent=True).frames(-2, 28))
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("style", STYLES)
def test_the_picture_drifts_in_silence(style: StyleName) -> None:
    first, later = lumas(opened(shot_of(style), (160, 90), silent=True).frames(0, 91))[[0, 90]]
    assert float(np.abs(cv2.blur(later, (9, 9)) - cv2.blur(first, (9, 9))).mean()) > 1.0


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "size", [(854, 480), (480, 854), (480, 480), (1280, 720), (160, 90), (16, 16), (18, 200), (200, 18)]
)
def test_any_even_size_is_drawn_within_legal_levels(style: StyleName, size: tuple[int, int]) -> None:
    (picture,) = opened(shot_of(style), size).frames(5, 6)
    width, height = size
    assert picture.y.shape == (height, width)
    assert picture.u.shape == picture.v.shape == (height // 2, width // 2)
    assert picture.y.min() >= 16
    assert picture.y.max() <= 235
    assert min(picture.u.min(), picture.v.min()) >= 16
    assert max(picture.u.max(), picture.v.max()) <= 240
    assert np.ptp(picture.y) > 60


@pytest.mark.parametrize("style", STYLES)
def test_the_ends_of_the_song_do_not_end_the_pictures(style: StyleName) -> None:
    last = int(RATE) * SECTION_S * len(LABELS)
    shot = shot_of(style, film_frame=last - 4)
    stack = lumas(opened(shot, (160, 90)).frames(0, 12))
    assert max(np.abs(after - before).mean() for before, after in pairwise(stack)) < 20.0
    names = digests(opened(shot_of(style, film_frame=0)).frames(-4, 4))
    assert len(set(names)) == len(names)


def tile_luminance(frames: Iterator[I420]) -> NDArray[np.float64]:
    """Average relative luminance over 16x9 tiles."""
    tiles = []
    for picture in frames:
        y, u, v = (
            cv2.resize(plane, (64, 36), interpolation=cv2.INTER_AREA).astype(np.float64) - offset
            for plane, offset in ((picture.y, 16), (picture.u, 128), (picture.v, 128))
        )
        rgb = np.stack([1.1644 * y + 1.7927 * v, 1.1644 * y - 0.2132 * u - 0.5329 * v, 1.1644 * y + 2.1124 * u])
        linear = np.clip(rgb / 255.0, 0.0, 1.0) ** 2.2
        light = np.tensordot([0.2126, 0.7152, 0.0722], linear, axes=1)
        tiles.append(cv2.resize(light, (16, 9), interpolation=cv2.INTER_AREA))
    return np.stack(tiles)


def swings(light: NDArray[np.float64]) -> list[int]:
    """List the frames at which a course of luminance completes a change of 0.1 against the one before."""
    found, low, high, last = [], light[0], light[0], 0
    for frame, value in enumerate(light):
        low, high = min(low, value), max(high, value)
        if last <= 0 and value - low >= 0.1 and low < 0.8:
            found.append(frame)
            last, low, high = 1, value, value
        elif last >= 0 and high - value >= 0.1 and value < 0.8:
            found.append(frame)
            last, low, high = -1, value, value
    return found


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("bpm", [128.0, 168.0])
def test_no_more_than_three_flashes_a_second_on_a_quarter_of_the_picture(style: StyleName, bpm: float) -> None:
    for seed in (2, 7):
        light = tile_luminance(opened(shot_of(style, seed=seed), (160, 90), bpm=bpm).frames(0, 90))
        courses = light.reshape(light.shape[0], -1).T
        changes = np.zeros(courses.shape)
        for tile, course in enumerate(courses):
            changes[tile, swings(course)] = 1.0
        flashes = np.stack([changes[:, start : start + 30].sum(axis=1) / 2.0 for start in range(61)])
        assert float((flashes > 3.0).mean(axis=1).max()) <= 0.25
        assert float(np.abs(np.diff(light.mean(axis=(1, 2)))).max()) < 0.05


@pytest.mark.parametrize("mode_style", STYLES)
def test_neighbouring_shots_are_composed_apart(mode_style: StyleName) -> None:
    _, analysis = song()
    for seed in range(20):
        made = [compose(shot_of(mode_style, seed=seed, shot=shot), analysis, 10.0) for shot in range(30)]
        for before, after in pairwise(made):
            assert before.mode != after.mode
            assert abs(before.scale - after.scale) >= 0.3
            assert abs(before.angle - after.angle) >= 0.3


def test_a_bridge_has_a_mode_of_its_own() -> None:
    _, analysis = song()
    assert compose(shot_of(StyleName.SILK), analysis, 25.0).mode == MODES


def test_flow_never_stops_and_kicks_peak_on_beats() -> None:
    features, analysis = song()
    drive = drive_of(shot_of(StyleName.SILK, film_frame=480), features, analysis, RATE)
    moments = [drive.at(frame) for frame in range(-30, 1300)]
    assert all(after.flow > before.flow for before, after in pairwise(moments))
    assert moments[30 + 480].flow == 0.0
    kicks = np.array([moment.kick for moment in moments[30:1230]])
    on_beat = kicks.reshape(-1, 15)
    assert (on_beat[:, :3].max(axis=1) > 2.0 * on_beat[:, 10:14].max(axis=1)).all()
    assert on_beat[40, 0] == pytest.approx(0.5 * on_beat[40, 1], rel=0.1)
    beats = np.array([moment.beat for moment in moments[30:1230]])
    assert beats[::15] == pytest.approx(np.arange(80), abs=1e-6)


def test_a_fast_song_moves_the_picture_on_every_second_beat() -> None:
    _, slow = song(168.0)
    _, fast = song(176.0)
    assert beat_times(slow)[0].size == len(slow.beats)
    assert beat_times(fast)[0].tolist() == [beat.time_s for beat in fast.beats[::2]]


def test_palettes_stay_within_the_colours_that_exist_and_turn_with_the_seed() -> None:
    for name in PaletteName:
        palette = palette_of(name, 1)
        x = np.linspace(-1.0, 1.0, 65)
        channels = np.stack([np.polynomial.polynomial.polyval(x, np.array(channel)) ** 2 for channel in palette.ramp])
        assert float(channels.max()) < 1.15
        luminance = np.array([0.2126, 0.7152, 0.0722]) @ channels
        assert (np.diff(luminance[::8]) > 0).all()
        assert palette.keys != palette_of(name, 2).keys


@pytest.mark.parametrize(
    ("style", "kernel"),
    [
        (StyleName.SILK, silk.fold),
        (StyleName.SILK, silk.shine),
        (StyleName.INK, ink.paint),
        (StyleName.SWISS, swiss.compose_cells),
    ],
)
def test_pixel_loops_are_vector_code(style: StyleName, kernel: Any) -> None:
    warm(style)
    fresh = njit(error_model="numpy")(kernel.py_func)
    fresh.compile(kernel.signatures[0])
    (assembly,) = fresh.inspect_asm().values()
    vectors = ("ymm", "zmm") if platform.machine() in {"x86_64", "AMD64"} else (".4s",)
    assert sum(assembly.count(register) for register in vectors) > 100
