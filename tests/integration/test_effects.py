"""Each effect is found by measurement in decoded pictures, at its amount, on exactly its frames and on none else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numba
import numpy as np
import pytest

from tasks.domain.effect import TIME_KINDS, Curve, Effect, EffectKind
from tasks.media.effects import apply_effects, warm
from tasks.media.effects.textures import textures_for
from tasks.media.frames import I420
from tests.support.fingerprints import drawn_fingerprint
from tests.support.planes import Reals, Still, centre_of, coded, colours, flat, planes, same, taken

WIDTH, HEIGHT = 320, 180
FIRST, START, END, LAST = 100, 103, 107, 110
AMOUNTS = [0.5, 1.0]
DRAWN = [kind for kind in EffectKind if kind not in TIME_KINDS]


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    warm()


def effect(kind: EffectKind, amount: float, start: int = START, end: int = END, curve: Curve = Curve.HOLD) -> Effect:
    return Effect(kind=kind, start_frame=start, end_frame=end, amount=amount, curve=curve)


def scene(width: int = WIDTH, height: int = HEIGHT) -> I420:
    """Make a grey picture with one white square near each corner."""
    picture = flat(width, height, (110, 120, 136))
    side = height // 10 // 2 * 2
    for left in (width // 5 // 2 * 2, width * 4 // 5 // 2 * 2 - side):
        for top in (height // 5 // 2 * 2, height * 4 // 5 // 2 * 2 - side):
            picture.y[top : top + side, left : left + side] = 220
            for plane in (picture.u, picture.v):
                plane[top // 2 : (top + side) // 2, left // 2 : (left + side) // 2] = 128
    return picture


def shown(folder: Path, kind: EffectKind, amount: float, picture: I420) -> list[I420]:
    """Give the decoded frames ``FIRST <= n < LAST`` of a film with the effect."""
    return coded(apply_effects(Still(picture).frames(FIRST, LAST), [effect(kind, amount)], FIRST), folder)


def corners(picture: I420) -> list[tuple[float, float]]:
    """Give the centres of the squares: upper left, upper right, lower left, lower right."""
    height, width = picture.y.shape
    halves = [(y, x) for y in (0, height // 2) for x in (0, width // 2)]
    found = [(*centre_of(picture.y[y : y + height // 2, x : x + width // 2]), y, x) for y, x in halves]
    return [(column + x, row + y) for column, row, y, x in found]


def zoom_of(picture: I420) -> float:
    squares, still = corners(picture), corners(scene())
    return (squares[1][0] - squares[0][0]) / (still[1][0] - still[0][0])


def shift_of(picture: I420) -> tuple[float, float]:
    moved = np.mean(corners(picture), axis=0) - np.mean(corners(scene()), axis=0)
    return float(moved[0]), float(moved[1])


def split_of(picture: I420) -> float:
    """Give how far red and blue of the upper left square are apart, in pixels of luma."""
    height, width = picture.u.shape
    red, _, blue = (plane[: height // 2, : width // 2] for plane in colours(picture))
    return 2 * (centre_of(red)[0] - centre_of(blue)[0])


def luma(picture: I420) -> float:
    return float(picture.y.mean())


def tint_of(picture: I420) -> tuple[float, float]:
    return float(picture.u.mean()), float(picture.v.mean())


def darkening_of(picture: I420) -> float:
    """Give the light of the corners as a share of that of the middle."""
    edge, y = 6, picture.y.astype(float) - 16
    ends = [y[:edge, :edge], y[:edge, -edge:], y[-edge:, :edge], y[-edge:, -edge:]]
    middle = y[HEIGHT // 2 - edge : HEIGHT // 2 + edge, WIDTH // 2 - edge : WIDTH // 2 + edge]
    return float(np.mean(ends) / middle.mean())


def bars_of(picture: I420) -> tuple[int, int]:
    rows = picture.y.mean(axis=1) < 24
    return int(np.argmin(rows)), int(np.argmin(rows[::-1]))


def leak_of(picture: I420) -> float:
    """Give how much more orange the most orange place is than the right edge."""
    orange: Reals = picture.v.astype(float) - picture.u
    return float(np.percentile(orange, 99.5) - orange[:, -8:].mean())


def noise_of(picture: I420) -> float:
    return float(picture.y.std())


GREY = flat(WIDTH, HEIGHT, (120, 128, 128))
MEASURED: dict[EffectKind, tuple[I420, Callable[[I420], float], Callable[[float], float], float]] = {
    EffectKind.FLASH: (GREY, luma, lambda amount: 120 + (235 - 120) * amount, 1.0),
    EffectKind.PULSE: (scene(), zoom_of, lambda amount: 1 + 0.06 * amount, 0.005),
    EffectKind.SHAKE: (scene(), zoom_of, lambda amount: 1 + 0.032 * amount, 0.006),
    EffectKind.RGB_SPLIT: (scene(), split_of, lambda amount: 4 * max(1, round(320 * 0.012 * amount / 2)), 0.5),
    EffectKind.VIGNETTE: (GREY, darkening_of, lambda amount: 1 - 0.77 * amount, 0.05),
    EffectKind.GRAIN: (GREY, noise_of, lambda amount: 10 * amount, 1.5),
    EffectKind.LETTERBOX: (GREY, lambda picture: bars_of(picture)[0], lambda amount: 2 * round(90 * 0.128 * amount), 0),
    EffectKind.GRADE_WARM: (GREY, lambda picture: tint_of(picture)[1], lambda amount: 128 + 6.6 * amount, 0.8),
    EffectKind.GRADE_COOL: (GREY, lambda picture: tint_of(picture)[0], lambda amount: 128 + 10.1 * amount, 0.8),
    EffectKind.GRADE_DREAM: (GREY, lambda picture: tint_of(picture)[1], lambda amount: 128 + 8.9 * amount, 0.8),
    EffectKind.GRADE_DARK: (GREY, luma, lambda amount: 120 - 38.8 * amount, 1.0),
    EffectKind.LIGHT_LEAK: (GREY, leak_of, lambda amount: 70 * amount, 16.0),
}


@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize("kind", DRAWN)
def test_an_effect_is_measured_at_its_amount_on_exactly_its_frames(
    tmp_path: Path, kind: EffectKind, amount: float
) -> None:
    picture, measure, expected, tolerance = MEASURED[kind]
    plain = measure(picture)
    for frame, seen in enumerate(shown(tmp_path, kind, amount, picture), FIRST):
        wanted, within = (expected(amount), tolerance) if START <= frame < END else (plain, tolerance / 4)
        assert measure(seen) == pytest.approx(wanted, abs=max(within, 0.001)), frame
    assert abs(expected(amount) - plain) > 2 * tolerance


@pytest.mark.parametrize("kind", DRAWN)
def test_no_strength_and_other_frames_leave_every_byte(kind: EffectKind) -> None:
    for chosen, frames in ((effect(kind, 0.0), range(START, END)), (effect(kind, 1.0), (START - 1, END))):
        for frame in frames:
            picture = scene()
            (seen,) = apply_effects([picture], [chosen], frame)
            assert seen is picture
            assert same(seen, scene())


@pytest.mark.parametrize("curve", list(Curve))
@pytest.mark.parametrize("kind", DRAWN)
def test_an_effect_changes_the_picture_however_its_curve_runs(kind: EffectKind, curve: Curve) -> None:
    chosen = effect(kind, 1.0, curve=curve)
    for frame, picture in enumerate(taken(apply_effects(Still(scene()).frames(FIRST, LAST), [chosen], FIRST)), FIRST):
        assert same(picture, scene()) != (START <= frame < END), frame


def test_a_shake_throws_the_picture_to_one_side_and_then_to_the_other(tmp_path: Path) -> None:
    seen = shown(tmp_path, EffectKind.SHAKE, 1.0, scene())[START - FIRST : END - FIRST]
    shifts = [shift_of(picture) for picture in seen]
    assert all(before[0] * after[0] < 0 for before, after in pairwise(shifts))
    most_x, most_y = 0.016 * WIDTH, 0.016 * HEIGHT
    assert all(0.6 * most_x - 1 <= abs(x) <= most_x + 1 and 0.2 <= abs(y) <= most_y + 1 for x, y in shifts)


def test_grain_is_new_in_every_frame_and_changes_no_mean() -> None:
    chosen = effect(EffectKind.GRAIN, 1.0, 0, 20)
    grains = [picture.y.astype(float) - 120 for picture in taken(apply_effects(Still(GREY).frames(0, 20), [chosen], 0))]
    assert max(abs(float(grain.mean())) for grain in grains) < 0.25
    likeness = [abs(float(np.corrcoef(a.ravel(), b.ravel())[0, 1])) for a, b in pairwise(grains)]
    assert max(likeness) < 0.1


def test_bars_are_black_and_equal_and_cover_what_else_is_drawn() -> None:
    everything = [effect(kind, 1.0, 0, 1) for kind in DRAWN]
    (seen,) = taken(apply_effects([scene()], everything, 0))
    rows = 2 * round(90 * 0.128)
    assert bars_of(seen) == (rows, rows)
    for plane, level, thick in zip(planes(seen), (16, 128, 128), (rows, rows // 2, rows // 2), strict=True):
        assert np.all(plane[:thick] == level)
        assert np.all(plane[-thick:] == level)


def test_a_long_effect_in_two_segments_is_the_effect_in_one() -> None:
    chosen = [effect(kind, 0.7, 0, 12, Curve.ARC) for kind in DRAWN]
    whole = taken(apply_effects(Still(scene()).frames(0, 12), chosen, 0))
    parts = [
        *taken(apply_effects(Still(scene()).frames(0, 5), chosen, 0)),
        *taken(apply_effects(Still(scene()).frames(5, 12), chosen, 5)),
    ]
    assert all(same(a, b) for a, b in zip(whole, parts, strict=True))


def test_of_two_effects_of_a_kind_the_stronger_is_drawn() -> None:
    weak, strong = effect(EffectKind.FLASH, 0.2), effect(EffectKind.FLASH, 0.6)
    (alone,) = taken(apply_effects([scene()], [strong], START))
    for both in ([weak, strong], [strong, weak]):
        (seen,) = taken(apply_effects([scene()], both, START))
        assert same(seen, alone)


@pytest.mark.parametrize("size", [(16, 16), (90, 160), (160, 90), (18, 400)])
def test_pictures_of_any_shape_stay_in_the_legal_range(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(3)
    width, height = size
    picture = I420.empty(width, height)
    for plane in planes(picture):
        plane[:] = noise.integers(0, 256, plane.shape)
    (seen,) = taken(apply_effects([picture], [effect(kind, 0.8, 0, 9, Curve.DECAY) for kind in DRAWN], 2))
    assert seen.y.shape == (height, width)
    for plane, most in zip(planes(seen), (235, 240, 240), strict=True):
        assert plane.min() >= 16
        assert plane.max() <= most


@pytest.mark.parametrize("width", range(16, 400, 14))
def test_light_is_wide_enough_for_the_farthest_place_that_it_is_taken_from(width: int) -> None:
    textures = textures_for(width, 16)
    assert textures.drift % 2 == 0
    assert textures.drift >= width // 2
    assert textures.light.shape[1] >= textures.drift + width
    assert textures.half_light.shape[1] >= (textures.drift + width) // 2


def test_the_number_of_threads_does_not_show() -> None:
    before = (cv2.getNumThreads(), numba.get_num_threads())
    seen = set()
    try:
        for of_opencv, of_numba in ((1, 1), (4, before[1])):
            cv2.setNumThreads(of_opencv)
            numba.set_num_threads(of_numba)
            seen.add(drawn_fingerprint())
    finally:
        cv2.setNumThreads(before[0])
        numba.set_num_threads(before[1])
    assert len(seen) == 1


@pytest.mark.full
def test_a_processor_without_wide_registers_draws_the_same() -> None:
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "OPENCV_CPU_DISABLE": "AVX2,FMA3,AVX"}
    script = "from tests.support.fingerprints import drawn_fingerprint; print(drawn_fingerprint())"
    child = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **plain, "MALLOC_PERTURB_": "170"},  # nor does what lies in unwritten memory
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.strip() == drawn_fingerprint()
