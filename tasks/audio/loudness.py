"""How loud a song is: EBU R128 integrated loudness, range and true peak, in one pass over its blocks.

Conventions
-----------
Samples are float32, full scale is 1, at any rate from `LOWEST_RATE` on. One channel counts once, two count once each.
The result does not depend on how the song is cut into blocks.

Method
------
Each channel goes through the two filters of K-weighting. The standard gives their coefficients for 48 kHz; the analog
filters behind them, found by inverting the bilinear transform, give those of any other rate. Powers are gathered in
steps of 100 ms. Integrated loudness is the mean over windows of 400 ms that pass an absolute gate of -70 LUFS and a
relative one of -10 LU; the range spans the 10th to the 95th percentile of windows of 3 s, gated at -70 LUFS and
-20 LU. The true peak is the largest value of the signal interpolated by windowed sincs, to four times a rate below
96 kHz, twice one below 192 kHz.

References
----------
ITU-R BS.1770-4; EBU R 128; EBU Tech 3342.
B. De Man: Evaluation of implementations of the EBU R128 loudness measurement, AES 145, 2018 (the filters' parameters).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tasks.domain.analysis import Loudness

Power = NDArray[np.float64]
Samples = NDArray[np.float32]

LOWEST_RATE = 8_000
"""Below this rate, in Hz, the filters come too near to half of it: no loudness is given."""

_STEPS_A_SECOND = 10
_MOMENTARY = 4  # steps: 400 ms
_SHORT_TERM = 30  # steps: 3 s
_ABSOLUTE_LUFS = -70.0
_RELATIVE_LU = -10.0
_RANGE_RELATIVE_LU = -20.0
_RANGE_PERCENT = (10, 95)
_OFFSET_LUFS = -0.691  # the standard's: a sine of 997 Hz at full scale in one channel has -3.01 LUFS

_SHELF_HZ, _SHELF_DB = 1681.974450955533, 3.999843853973347
_SHELF_Q, _SHELF_SLOPE = 0.7071752369554196, 0.4996667741545416
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773

_OVERSAMPLING = ((96_000, 4), (192_000, 2))
_TAPS = 24
_KAISER_BETA = 6.0
_TILE = 256


class LoudnessMeter:
    """Measure a song that comes in pieces."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._rate = sample_rate
        self._measures = sample_rate >= LOWEST_RATE
        self._filters = k_weighting(sample_rate) if self._measures else np.zeros((2, 5))
        self._rest = np.zeros((channels, 4))
        self._gathered = np.zeros(channels)
        self._powers: list[float] = []
        self._step, self._step_end = 0, sample_rate // _STEPS_A_SECOND
        self._samples = 0
        self._phases = _interpolators(next((times for below, times in _OVERSAMPLING if sample_rate < below), 1))
        self._most = np.float32(np.abs(self._phases).sum(axis=1).max() if len(self._phases) else 1)
        self._between = np.zeros(_TILE, np.float32)
        self._past = np.zeros((channels, _TAPS - 1), np.float32)
        self._peak = 0.0

    def push(self, block: Samples) -> None:
        """Take the next samples, shape (n, channels), float32, finite."""
        if not self._measures or not len(block):
            return
        from tasks.audio.metering import gather, peak_of  # noqa: PLC0415 - compiled; its place must be known by now

        stream = np.concatenate((self._past, block.T), axis=1)
        self._past = stream[:, -(_TAPS - 1) :].copy()
        for channel in stream:
            self._peak = float(peak_of(channel, self._phases, self._most, self._between, self._peak))
        fresh = stream[:, _TAPS - 1 :]
        at = 0
        while at < len(block):
            piece = fresh[:, at : at + self._step_end - self._samples]
            gather(piece, self._filters, self._rest, self._gathered)
            at += piece.shape[1]
            self._samples += piece.shape[1]
            if self._samples == self._step_end:
                self._close_step()

    def finish(self) -> Loudness | None:
        """Give the figures; None where nothing is louder than -70 LUFS, or the rate is below `LOWEST_RATE`."""
        self.push(np.zeros((_TAPS, len(self._past)), np.float32))
        powers = np.array(self._powers)
        integrated_lufs = _gated_lufs(_windows(powers, _MOMENTARY))
        if integrated_lufs is None:
            return None
        return Loudness(
            integrated_lufs=round(integrated_lufs, 2),
            range_lu=round(_range_lu(_windows(powers, _SHORT_TERM)), 2),
            true_peak_dbtp=round(20 * math.log10(self._peak), 2),
        )

    def _close_step(self) -> None:
        """End a step of 100 ms; where the rate is no multiple of 10 Hz steps differ by a sample."""
        start = self._step * self._rate // _STEPS_A_SECOND
        self._powers.append(float(self._gathered.sum()) / (self._step_end - start))
        self._gathered[:] = 0
        self._step += 1
        self._step_end = (self._step + 1) * self._rate // _STEPS_A_SECOND


def k_weighting(sample_rate: int) -> NDArray[np.float64]:
    """Give the two filters of K-weighting, a high shelf and a high pass.

    Parameters
    ----------
    sample_rate : int
        In Hz, at least `LOWEST_RATE`.

    Returns
    -------
    ndarray, shape (2, 5), float64
        ``b0, b1, b2, a1, a2`` of each, with ``a0 = 1``.
    """
    k = math.tan(math.pi * _SHELF_HZ / sample_rate)
    high = 10 ** (_SHELF_DB / 20)
    band = high**_SHELF_SLOPE
    a0 = 1 + k / _SHELF_Q + k * k
    shelf = (
        (high + band * k / _SHELF_Q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - band * k / _SHELF_Q + k * k) / a0,
        2 * (k * k - 1) / a0,
        (1 - k / _SHELF_Q + k * k) / a0,
    )
    k = math.tan(math.pi * _HIGH_PASS_HZ / sample_rate)
    a0 = 1 + k / _HIGH_PASS_Q + k * k
    high_pass = (1.0, -2.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / _HIGH_PASS_Q + k * k) / a0)
    return np.array((shelf, high_pass))


def _interpolators(factor: int) -> NDArray[np.float32]:
    """Make the filters that give the values between two samples, shape (factor - 1, taps)."""
    distance = np.arange(_TAPS) - (_TAPS // 2 - 1) - np.arange(1, factor)[:, None] / factor
    half = _TAPS / 2
    window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(0, 1 - (distance / half) ** 2))) / np.i0(_KAISER_BETA)
    filters = np.sinc(distance) * window
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), np.float32)


def _windows(powers: Power, steps: int) -> Power:
    """Mean power of every window of so many steps; none where the song is shorter than one."""
    if len(powers) < steps:
        return np.zeros(0)
    means: Power = np.lib.stride_tricks.sliding_window_view(powers, steps).mean(axis=1)
    return means


def _lufs(power: float) -> float:
    return _OFFSET_LUFS + 10 * math.log10(power)


def _pass(powers: Power, gate_lufs: float) -> Power:
    return powers[powers > 10 ** ((gate_lufs - _OFFSET_LUFS) / 10)]


def _gated_lufs(powers: Power) -> float | None:
    heard = _pass(powers, _ABSOLUTE_LUFS)
    if not len(heard):
        return None
    return _lufs(float(_pass(heard, _lufs(float(heard.mean())) + _RELATIVE_LU).mean()))


def _range_lu(powers: Power) -> float:
    heard = _pass(powers, _ABSOLUTE_LUFS)
    if not len(heard):
        return 0.0
    heard = _pass(heard, _lufs(float(heard.mean())) + _RANGE_RELATIVE_LU)
    low, high = np.percentile(heard, _RANGE_PERCENT)
    return _lufs(float(high)) - _lufs(float(low))
