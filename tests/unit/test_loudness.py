"""Loudness and flaws of signals whose figures are known: those of EBU Tech 3341 and 3342, and made ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.audio.flaws import FlawMeter
from tasks.audio.loudness import LOWEST_RATE, LoudnessMeter, k_weighting
from tasks.domain.analysis import Loudness, Sound

RATE = 48_000
Block = NDArray[np.float32]


def sine(*parts: tuple[float, float], rate: int = RATE, hz: float = 1000.0, channels: int = 2) -> Block:
    """Make a sine whose level, in dB of full scale, changes: parts of level and seconds."""
    level = np.concatenate([np.full(round(seconds * rate), 10 ** (db / 20)) for db, seconds in parts])
    wave = level * np.sin(2 * np.pi * hz * np.arange(len(level)) / rate)
    return np.repeat(wave.astype(np.float32)[:, None], channels, axis=1)


def measured(block: Block, rate: int = RATE, *, cut: Sequence[int] = ()) -> Loudness | None:
    meter = LoudnessMeter(rate, block.shape[1])
    for piece in np.split(block, cut):
        meter.push(piece)
    return meter.finish()


def looked_at(block: Block, rate: int = RATE, block_s: int = 1) -> Sound:
    meter = FlawMeter(rate, block.shape[1])
    for at in range(0, len(block), block_s * rate):
        meter.push(block[at : at + block_s * rate])
    return meter.finish()


@pytest.mark.parametrize(
    ("parts", "lufs"),
    [
        ([(-23, 20)], -23),
        ([(-33, 20)], -33),
        ([(-36, 10), (-23, 60), (-36, 10)], -23),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
    ],
)
def test_integrated_loudness_of_the_standards_signals(parts: list[tuple[float, float]], lufs: float) -> None:
    figures = measured(sine(*parts))
    assert figures is not None
    assert figures.integrated_lufs == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize(
    ("parts", "range_lu"),
    [
        ([(-20, 20), (-30, 20)], 10),
        ([(-20, 20), (-15, 20)], 5),
        ([(-40, 20), (-20, 20)], 20),
        ([(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)], 15),
    ],
)
def test_loudness_range_of_the_standards_signals(parts: list[tuple[float, float]], range_lu: float) -> None:
    figures = measured(sine(*parts))
    assert figures is not None
    assert figures.range_lu == pytest.approx(range_lu, abs=0.5)


@pytest.mark.parametrize(("divisor", "degrees"), [(4, 0), (4, 45), (6, 60), (8, 67.5)])
def test_the_true_peak_lies_between_the_samples(divisor: int, degrees: float) -> None:
    angle = 2 * np.pi * np.arange(2 * RATE) / divisor + np.deg2rad(degrees)
    fade = np.interp(np.arange(2 * RATE), (0, RATE // 2, 3 * RATE // 2, 2 * RATE), (0, 1, 1, 0))
    figures = measured((0.5 * fade * np.sin(angle)).astype(np.float32)[:, None])
    assert figures is not None
    assert figures.true_peak_dbtp == pytest.approx(-6.02, abs=0.2)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 96_000, 192_000])
def test_a_tone_is_as_loud_at_every_rate(rate: int) -> None:
    figures = measured(sine((-23, 5), rate=rate), rate)
    assert figures is not None
    assert figures.integrated_lufs == pytest.approx(-23, abs=0.1)
    assert figures.true_peak_dbtp == pytest.approx(-23, abs=0.1)


def test_one_channel_counts_once() -> None:
    one, two = measured(sine((-20, 4), channels=1)), measured(sine((-20, 4)))
    assert one is not None
    assert two is not None
    assert two.integrated_lufs - one.integrated_lufs == pytest.approx(3.01, abs=0.01)


def test_the_filters_are_those_of_the_standard() -> None:
    shelf, high_pass = k_weighting(48_000)
    assert shelf == pytest.approx(
        (1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585), abs=1e-9
    )
    assert high_pass == pytest.approx((1, -2, 1, -1.99004745483398, 0.99007225036621), abs=1e-9)


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_silence_has_no_loudness(level: float) -> None:
    random = np.random.default_rng(5).standard_normal((4 * RATE, 2))
    assert measured((level * random).astype(np.float32)) is None


def test_below_the_lowest_rate_there_is_no_loudness() -> None:
    assert measured(sine((-10, 3), rate=LOWEST_RATE - 1), LOWEST_RATE - 1) is None


def test_what_starts_and_ends_at_full_scale_has_its_peak() -> None:
    block = np.zeros((RATE, 1), np.float32)
    block[[0, -1]] = -0.5
    block[RATE // 4 : RATE // 2] = sine((-20, 0.25), channels=1)
    figures = measured(block)
    assert figures is not None
    assert figures.true_peak_dbtp == pytest.approx(-6.02, abs=0.02)


def test_how_a_song_is_cut_does_not_show() -> None:
    random = np.random.default_rng(7)
    block = (0.3 * random.standard_normal((5 * RATE, 2)) * np.linspace(0, 1, 5 * RATE)[:, None]).astype(np.float32)
    whole = measured(block)
    for pieces in (3, 40, 400):
        assert measured(block, cut=np.sort(random.integers(0, len(block), pieces)).tolist()) == whole


def test_runs_at_full_scale_are_clipping_and_single_peaks_are_none() -> None:
    block = sine((-6, 4), channels=2)
    block[100] = 1.0
    block[[RATE - 2, RATE - 1, RATE, RATE + 1], 0] = 1.2
    block[3000:3003, 1] = -1.0
    found = looked_at(block)
    assert (found.clipped_runs, found.clipped_share) == (2, round(7 / block.size, 6))
    assert looked_at(np.sign(sine((0, 4), hz=100))).clipped_share == pytest.approx(1, abs=0.01)
    assert looked_at(sine((-0.1, 4))) == Sound(dc=(0.0, 0.0))


def test_digital_silence_is_told_from_quiet_sound() -> None:
    block = sine((-20, 6), channels=2) + np.float32(0.2)
    block[: RATE // 2] = 0
    block[2 * RATE : 3 * RATE, 0] = 0  # one channel alone is not silence
    block[3 * RATE : 3 * RATE + RATE // 4] = 0  # too short
    block[5 * RATE + 1 :] = 0
    assert looked_at(block).silences == ((0.0, 0.5), (5 + 1 / RATE, 6.0))


def test_a_constant_offset_is_measured_in_each_channel() -> None:
    block = sine((-20, 3), channels=2)
    block += np.array([0.25, -0.01], np.float32)
    assert looked_at(block).dc == pytest.approx((0.25, -0.01), abs=1e-5)


def test_flaws_do_not_depend_on_the_length_of_blocks() -> None:
    random = np.random.default_rng(9)
    block = np.clip(random.standard_normal((13 * RATE + 77, 2)), -1, 1).astype(np.float32)
    block[3 * RATE - 50 : 5 * RATE + 9] = 0
    found = [looked_at(block, block_s=block_s) for block_s in (1, 5, 300)]
    assert found[0] == found[1] == found[2]
    assert found[0].clipped_runs > 10
