"""Rows of beats of songs with a steady tempo are straightened, others are left alone."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.audio.steady import straightened

PACE = 38.1733


def row_of(beats: int, pace: float = PACE, first: float = 11.4) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Beats as the bar pointer gives them: at whole frames, uneven by one."""
    return np.round(first + pace * np.arange(beats) + np.random.default_rng(1).uniform(-0.8, 0.8, beats))


@pytest.mark.parametrize("beats", [64, 240, 8000])
@pytest.mark.parametrize("more", [0, 1, -1])
def test_a_row_that_slips_in_a_break_is_straightened(beats: int, more: int) -> None:
    """It slips by half a beat for a quarter of the song, and comes back with as many beats, one more or one less."""
    row, start, end = row_of(beats), beats // 3, beats // 3 + beats // 4
    row[start:end] += round(PACE / 2)
    row = np.delete(row, start + 5) if more < 0 else row
    row = np.insert(row, end, row[end] - 20) if more > 0 else row
    line = straightened(row.astype(np.int64))
    assert line is not None
    true = 11.4 + PACE * np.arange(beats)
    assert len(line) == beats
    assert np.abs(line - true).max() < 1.0, "within a frame, to the end of the song"


def test_a_row_that_lies_on_a_line_is_left_alone() -> None:
    assert straightened(row_of(240).astype(np.int64)) is None


def test_a_row_without_one_line_is_left_alone() -> None:
    faster = np.cumsum(PACE * np.linspace(1.03, 0.97, 240))
    assert straightened(np.round(faster).astype(np.int64)) is None
    changed = np.cumsum(np.repeat([PACE, 0.9 * PACE, 1.1 * PACE], 80))
    assert straightened(np.round(changed).astype(np.int64)) is None


def test_a_few_beats_are_left_alone() -> None:
    row = row_of(31)
    row[8:16] += 19
    assert straightened(row.astype(np.int64)) is None
