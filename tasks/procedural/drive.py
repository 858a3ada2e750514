"""The curves that move the pictures: one value per frame of the film, from what was heard in the song.

All motion follows ``flow``, the sum of a speed that the song sets, so a change of speed never jumps. Beats displace,
turn and thicken; none of these curves is meant for the exposure of a whole picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tasks.domain.analysis import Analysis
from tasks.domain.features import Features
from tasks.domain.style import StyleShot
from tasks.domain.timebase import frame_count

Curve = NDArray[np.float64]
Moving = TypeVar("Moving", float, Curve)

REST_SPEED = 0.35
FAST_BPM = 170.0
"""Above this tempo every second beat counts."""
SLOW_BEAT_S = 2.0
"""Length of a made-up beat where there are none: for slow change only, nothing is struck on it."""
KICK_DECAY_S = 0.24
SNARE_DECAY_S = 0.2
NEAR_BEAT_S = 0.07
ENERGY_WINDOW_S = 0.5


class Moment(NamedTuple):
    """What moves the picture at one frame.

    Attributes
    ----------
    clock : float
        Seconds since the first frame of the shot.
    flow : float
        Distance travelled since the first frame of the shot; about 1 a second.
    beat : float
        Beats since the song's first one; the fraction is the phase between two real beats.
    bar : float
        Phase within the bar, 0..1.
    kick, snare, bass, mid, treble, energy : float
        0..1; kick and snare rise within two frames and decay.
    """

    clock: float
    flow: float
    beat: float
    bar: float
    kick: float
    snare: float
    bass: float
    mid: float
    treble: float
    energy: float


@dataclass(frozen=True, slots=True)
class Drive:
    """The curves of a film as one shot sees them.

    Attributes
    ----------
    frame_rate : float
        Frames per second.
    film_frame : int
        The film's frame at which the shot begins.
    flow, beat, bar : ndarray, shape (n,), float64
        One value per frame of the film.
    levels : ndarray, shape (6, n), float64
        Kick, snare, bass, mid, treble and energy.
    """

    frame_rate: float
    film_frame: int
    flow: Curve
    beat: Curve
    bar: Curve
    levels: NDArray[np.float64]

    def at(self, frame: int) -> Moment:
        """Look a frame of the film up; before its first and after its last the song rests but time goes on."""
        last = len(self.flow) - 1
        inside = min(max(frame, 0), last)
        over_s = (frame - inside) / self.frame_rate
        origin = self._flow_at(self.film_frame)
        kick, snare, bass, mid, treble, energy = (float(level) for level in self.levels[:, inside])
        rest = _decay(abs(over_s) / KICK_DECAY_S)
        step = float(self.beat[min(inside + 1, last)] - self.beat[max(min(inside, last - 1), 0)])
        beat = float(self.beat[inside]) + (frame - inside) * step
        return Moment(
            clock=(frame - self.film_frame) / self.frame_rate,
            flow=self._flow_at(frame) - origin,
            beat=beat,
            bar=float(self.bar[inside]) if over_s == 0.0 else (beat / 4.0) % 1.0,
            kick=kick * rest,
            snare=snare * rest,
            bass=bass * rest,
            mid=mid * rest,
            treble=treble * rest,
            energy=energy,
        )

    def _flow_at(self, frame: int) -> float:
        inside = min(max(frame, 0), len(self.flow) - 1)
        return float(self.flow[inside]) + (frame - inside) * REST_SPEED / self.frame_rate


def drive_of(shot: StyleShot, features: Features, analysis: Analysis, frame_rate: Fraction) -> Drive:
    """Compute the curves of the film that ``shot`` belongs to."""
    rate = float(frame_rate)
    frames = max(frame_count(analysis.duration_s - shot.song_start_s, frame_rate), 2)
    time_s = float(shot.song_start_s) + np.arange(frames, dtype=np.float64) / rate
    curves = {name: _sampled(features, name, time_s) for name in ("rms", "bass", "mid", "treble")}
    beats, thinned = beat_times(analysis)
    kick = (
        _kicks(features, beats, time_s, rate) if beats.size else _follow(_sampled(features, "kick", time_s), rate) / 2
    )
    snare = _follow(_sampled(features, "snare", time_s), rate) * (0.5 if thinned else 1.0)
    energy = _energy(analysis, curves["rms"], time_s, rate)
    speed = (REST_SPEED + 0.9 * energy + 0.8 * kick) / rate
    beat = _position(beats, time_s)
    return Drive(
        frame_rate=rate,
        film_frame=shot.film_frame,
        flow=np.cumsum(speed) - speed,
        beat=beat,
        bar=_bars(analysis, beat, time_s),
        levels=np.stack([kick, snare, curves["bass"], curves["mid"], curves["treble"], energy]),
    )


def beat_times(analysis: Analysis) -> tuple[Curve, bool]:
    """Give the beats that pictures react to, in seconds, and whether every second one was left out."""
    times = np.array([beat.time_s for beat in analysis.beats], dtype=np.float64)
    if times.size < 2:
        return times[:0], False
    if 60.0 / float(np.median(np.diff(times))) <= FAST_BPM:
        return times, False
    firsts = [index % 2 for index, beat in enumerate(analysis.beats) if beat.position == 1]
    return times[1 if 2 * sum(firsts) > len(firsts) else 0 :: 2], True


def _sampled(features: Features, name: str, time_s: Curve) -> Curve:
    """Read a curve at the film's frames, held at both ends."""
    curve = features.curves[name].astype(np.float64)
    return np.interp(time_s * float(features.frame_rate), np.arange(curve.size), curve)


def _decay(x: Moving) -> Moving:
    """exp(-x) for x >= 0 in plain arithmetic: (1 + x/16)**-16."""
    y = 1.0 / (1.0 + x / 16.0)
    y = y * y
    y = y * y
    y = y * y
    return y * y


def _kicks(features: Features, beats: Curve, time_s: Curve, rate: float) -> Curve:
    """Strike an envelope on each beat, as hard as the kick that was heard around it."""
    kick, feature_rate = features.curves["kick"], float(features.frame_rate)
    envelope = np.zeros_like(time_s)
    attack_s = 2.0 / rate
    for beat_s in beats:
        lo = max(int((beat_s - NEAR_BEAT_S) * feature_rate), 0)
        hi = max(int((beat_s + NEAR_BEAT_S) * feature_rate) + 2, lo + 1)
        heard = float(kick[lo:hi].max()) if lo < kick.size else 0.0
        first = max(math.ceil((beat_s - time_s[0]) * rate - 1.0), 0)
        stretch = slice(first, max(first + int(6.0 * KICK_DECAY_S * rate), 0))
        since = time_s[stretch] - beat_s
        rise = np.clip((since + attack_s / 2.0) / attack_s, 0.0, 1.0)
        fall = _decay(np.maximum(since - attack_s / 2.0, 0.0) / KICK_DECAY_S)
        envelope[stretch] = np.maximum(envelope[stretch], min(heard, 1.0) * rise * fall)
    return envelope


def _follow(curve: Curve, rate: float) -> Curve:
    """Follow the peaks of a curve: up within two frames, down by a decay."""
    keep = _decay(1.0 / (rate * SNARE_DECAY_S))
    followed = np.empty_like(curve)
    value = 0.0
    for index, heard in enumerate(np.clip(curve, 0.0, 1.0)):
        value = max(min(float(heard), value + 0.5), value * keep)
        followed[index] = value
    return followed


def _box(curve: Curve, width: int) -> Curve:
    """Average over ``width`` frames around each one."""
    half = width // 2
    padded = np.concatenate([np.full(half + 1, curve[0]), curve, np.full(half, curve[-1])])
    total: Curve = np.cumsum(padded)
    return (total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1)


def _energy(analysis: Analysis, rms: Curve, time_s: Curve, rate: float) -> Curve:
    """Blend the energy of sections, smoothed across their borders, with the level of the moment."""
    starts = np.array([section.start_s for section in analysis.sections], dtype=np.float64)
    energies = np.array([section.energy for section in analysis.sections], dtype=np.float64)
    of_section = energies[np.clip(np.searchsorted(starts, time_s, side="right") - 1, 0, starts.size - 1)]
    width = max(round(ENERGY_WINDOW_S * rate), 1)
    return np.clip(0.6 * _box(of_section, width) + 0.4 * _box(rms, width), 0.0, 1.0)


def _position(times: Curve, time_s: Curve) -> Curve:
    """Count beats continuously: whole numbers on the beats, straight lines between, before and after them."""
    if times.size < 2:
        return time_s / SLOW_BEAT_S
    step = float(np.median(np.diff(times)))
    counted: Curve = np.interp(time_s, times, np.arange(times.size, dtype=np.float64))
    counted += np.minimum(time_s - times[0], 0.0) / step
    counted += np.maximum(time_s - times[-1], 0.0) / step
    return counted


def _bars(analysis: Analysis, beat: Curve, time_s: Curve) -> Curve:
    """Give the phase within the bar, or within four beats where bars are not known."""
    downbeats = np.array(analysis.downbeats, dtype=np.float64)
    return (_position(downbeats, time_s) if downbeats.size >= 2 else beat / 4.0) % 1.0
