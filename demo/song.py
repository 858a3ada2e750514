"""Synthesize the demonstration song, with the truth about it: `python demo/song.py OUT.wav OUT.json`.

Numpy and a fixed seed make every sample: bells, chords, bass, drums and a melody in A minor at 128 beats per minute.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

Sound = NDArray[np.float64]

RATE = 44_100
TEMPO_BPM = 128.0
BEAT_S = 60.0 / TEMPO_BPM
BAR_BEATS = 4
FORM = (("intro", 4), ("verse", 4), ("chorus", 4), ("verse", 4), ("chorus", 4), ("outro", 4))
CHORDS = {  # one chord a bar, as semitones above A
    "verse": ((0, 3, 7, 10), (-4, 0, 3, 7), (3, 7, 10, 14), (-2, 2, 5, 10)),
    "chorus": ((-4, 0, 3, 8), (-2, 2, 5, 10), (0, 3, 7, 12), (3, 7, 10, 15)),
}
MELODY = (  # (beat in four bars, length in beats, semitones above A)
    (0, 1.5, 15), (1.5, 0.5, 14), (2, 1, 12), (3, 1, 10), (4, 1.5, 14), (5.5, 0.5, 12), (6, 2, 10),
    (8, 1, 12), (9, 0.5, 14), (9.5, 0.5, 15), (10, 1, 19), (11, 1, 17), (12, 1.5, 15), (13.5, 0.5, 14), (14, 1.5, 10),
)  # fmt: skip


class Song:
    """Tracks of stereo sound that voices are placed on, beat by beat."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.length = round(sum(bars for _, bars in FORM) * BAR_BEATS * BEAT_S * RATE)
        self.dry, self.wet, self.drums = np.zeros((3, self.length, 2))
        self.duck = np.ones(self.length)
        self._notes: dict[tuple[str, float, float], Sound] = {}

    def play(
        self, voice: Callable[[float, float], Sound], note: float, beat: float, length: float, gain: float,
        *, pan: float = 0.0, room: float = 0.0,
    ) -> None:  # fmt: skip
        """Play a note (semitones above A) for ``length`` beats; ``room`` is its share in the reverberation."""
        key = (voice.__name__, note, length)
        if key not in self._notes:
            self._notes[key] = voice(220.0 * 2 ** (note / 12), length * BEAT_S)
        self._add(self.dry, self._notes[key], beat, gain, pan)
        self._add(self.wet, self._notes[key], beat, gain * room, pan)

    def kick(self, beat: float, gain: float) -> None:
        """Strike the bass drum and let all but the drums give way to it."""
        time, at = _time(0.32), round(beat * BEAT_S * RATE)
        body = np.sin(2 * np.pi * (48 * time + 3.3 * (1 - np.exp(-time / 0.03)))) * np.exp(-time / 0.13)
        body += 0.3 * np.sin(2 * np.pi * 1800 * time) * np.exp(-time / 0.003)
        self._add(self.drums, body, beat, gain, 0.0)
        under = self.duck[at : at + len(time)]
        np.minimum(under, (1 - 0.55 * np.exp(-time / 0.09))[: len(under)], out=under)

    def noise(self, beat: float, fall_s: float, bright: float, gain: float, pan: float = 0.0) -> None:
        """Strike a hat, a clap or a cymbal; the nearer ``bright`` is to 1, the more of its lows are missing."""
        raw = self.random.standard_normal(round(6 * fall_s * RATE))
        raw[1:] -= bright * raw[:-1]
        self._add(self.drums, 0.3 * raw * np.exp(-np.arange(len(raw)) / RATE / fall_s), beat, gain, pan)

    def _add(self, track: Sound, sound: Sound, beat: float, gain: float, pan: float) -> None:
        at = round(beat * BEAT_S * RATE)
        part = sound[: self.length - at, None] * gain
        track[at : at + len(part)] += part * np.sqrt([(1 - pan) / 2, (1 + pan) / 2])


def _time(seconds: float) -> Sound:
    return np.asarray(np.arange(round(seconds * RATE)) / RATE, np.float64)


def _tone(hz: float, seconds: float, levels: Any, decay: Any, shape: tuple[float, ...]) -> Sound:
    """Add partials of the given levels and decay times (s); ``shape`` is attack (s), release (s) and detuning."""
    time, (attack, release, detune) = _time(seconds), shape
    total = np.zeros(len(time))
    for order, (level, fall) in enumerate(np.broadcast(levels, decay), start=1):
        for bend in {1 - detune, 1 + detune} if order * hz < RATE / 2.5 else ():
            total += level * np.exp(-time / fall) * np.sin(2 * np.pi * hz * order * bend * time + order)
    return np.asarray(total * np.clip(time / attack, 0, 1) * np.clip((time[-1] - time) / release, 0, 1), np.float64)


def bell(hz: float, seconds: float) -> Sound:
    """Give a plucked, glassy note."""
    return _tone(hz, seconds + 0.6, (1, 0.1, 0.35, 0.05, 0.12), (0.5, 0.3, 0.2, 0.1, 0.08), (0.002, 0.3, 0))


def pad(hz: float, seconds: float) -> Sound:
    """Give a slow and wide note."""
    orders = np.arange(1, 9)
    return _tone(hz, seconds + 0.4, np.exp(-orders / 3) / orders, 9.0, (0.08, 0.4, 0.0025))


def stab(hz: float, seconds: float) -> Sound:
    """Give a short, bright note."""
    orders = np.arange(1, 15)
    return _tone(hz, seconds + 0.1, np.exp(-orders / 7) / orders, 0.5 / orders**0.5, (0.004, 0.1, 0.003))


def bass(hz: float, seconds: float) -> Sound:
    """Give a round note with a little edge, an octave lower."""
    orders = np.arange(1, 7)
    return np.tanh(1.5 * _tone(hz / 2, seconds, 1 / orders**1.6, 1.2 / orders**0.5, (0.004, 0.04, 0)))


def lead(hz: float, seconds: float) -> Sound:
    """Give a hollow note with a vibrato that comes late."""
    time = _time(seconds + 0.15)
    phase = 2 * np.pi * hz * time + 0.35 * np.sin(2 * np.pi * 5.2 * time) * np.clip(time / 0.5, 0, 1)
    tone = np.sum([np.sin(order * phase) / order**1.4 for order in (1, 2, 3, 5, 7)], axis=0)
    return np.asarray(tone * np.clip(time / 0.012, 0, 1) * np.clip((time[-1] - time) / 0.15, 0, 1), np.float64)


def synthesize(seed: int = 7) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Make the song: samples of shape (n, 2) at 44.1 kHz, and its tempo, beats, downbeats and sections."""
    song, sections, first = Song(seed), [], 0
    last = sum(bars for _, bars in FORM) - 1
    for label, bars in FORM:
        for bar in range(first, first + bars):
            if bar == last:
                _play_end(song, bar * BAR_BEATS)
                continue
            _play_harmony(song, label, bar * BAR_BEATS, CHORDS["chorus" if label == "chorus" else "verse"][bar % 4])
            _play_drums(song, label, bar * BAR_BEATS, bar - first, bars)
        start_s, end_s = (round(edge * BAR_BEATS * BEAT_S, 9) for edge in (first, first + bars))
        sections.append({"start_s": start_s, "end_s": end_s, "label": label})
        first += bars
    beats = [round(beat * BEAT_S, 9) for beat in range(first * BAR_BEATS)]
    found = {"tempo_bpm": TEMPO_BPM, "beats": beats, "downbeats": beats[::BAR_BEATS], "sections": sections}
    return _mixed(song), {"schema": 1, "duration_s": song.length / RATE, "sample_rate": RATE, **found}


def _play_harmony(song: Song, label: str, beat: int, chord: tuple[int, ...]) -> None:
    for place, note in enumerate(chord):
        song.play(pad, note, beat, 4, 0.07 if label == "chorus" else 0.05, pan=(place - 1.5) / 2, room=0.5)
    for step, place in enumerate((0, 2, 1, 3, 2, 3, 1, 2)):
        gain, pan = (0.07, 0.6) if step % 2 else (0.13, -0.4)
        song.play(bell, chord[place] + 12, beat + step / 2, 0.5, gain, pan=pan, room=0.5)
        if label in {"verse", "chorus"}:
            leap = 12 if label == "chorus" and step % 2 else 0
            song.play(bass, chord[0] - 12 + leap, beat + step / 2, 0.45, 0.24 if step % 2 else 0.3)
    if label == "chorus":
        for onset in (0.0, 0.75, 1.5, 2.0, 2.75, 3.5):
            for place, note in enumerate(chord):
                song.play(stab, note + 12, beat + onset, 0.3, 0.06, pan=(place - 1.5) / 1.8, room=0.3)
        for start, length, tone in MELODY:
            if 0 <= start - beat % 16 < BAR_BEATS:
                song.play(lead, tone + 12, beat - beat % 16 + start, length, 0.12, room=0.5)
                song.play(lead, tone + 12, beat - beat % 16 + start + 0.75, length, 0.03, pan=0.7, room=0.6)


def _play_drums(song: Song, label: str, beat: int, bar: int, bars: int) -> None:
    is_full, has_fill = label in {"verse", "chorus"}, label == "verse" and bar == bars - 1
    if label == "chorus" and bar == 0:
        song.noise(beat, 0.5, 0.9, 0.5)
    for step in range(BAR_BEATS):
        if label in {"chorus", "outro"} or (label == "verse" and step % 2 == 0):
            song.kick(beat + step, 0.6 if label == "outro" else 0.9)
        if step % 2 and is_full and not (has_fill and step == BAR_BEATS - 1):
            song.noise(beat + step, 0.07, 0.75, 0.5 if label == "verse" else 0.75)
        song.noise(beat + step, 0.02, 0.97, 0.2 if is_full else 0.1, 0.2)
        if is_full:
            song.noise(beat + step + 0.5, 0.05 if label == "chorus" else 0.02, 0.97, 0.22, -0.2)
        if has_fill:
            song.noise(beat + 3 + step / 4, 0.07, 0.75, 0.35 + 0.1 * step)


def _play_end(song: Song, beat: int) -> None:
    for note in (*CHORDS["verse"][0], -12):
        song.play(pad, note, beat, 3.4, 0.09, room=0.8)
        song.play(bell, note + 12, beat, 2, 0.1, room=0.8)
    song.kick(beat, 0.9)


def _mixed(song: Song) -> NDArray[np.float32]:
    """Add reverberation, duck under the bass drum, limit softly and fade the end."""
    tail = song.random.standard_normal((round(1.2 * RATE), 2)) * np.exp(-_time(1.2) / 0.28)[:, None]
    tail[: round(0.015 * RATE)] = 0
    size = 1 << (song.length + len(tail)).bit_length()
    spectrum = np.fft.rfft(song.wet, size, axis=0) * np.fft.rfft(tail / np.linalg.norm(tail, axis=0), size, axis=0)
    room = np.fft.irfft(spectrum, size, axis=0)[: song.length]
    mix = np.tanh(1.1 * ((song.dry + 0.5 * room) * song.duck[:, None] + song.drums))
    fade = np.clip((song.length - np.arange(song.length)) / (0.6 * RATE), 0, 1)[:, None]
    return np.asarray(mix * fade * (0.89 / np.abs(mix).max()), np.float32)


if __name__ == "__main__":
    if len(sys.argv) != 3:  # noqa: PLR2004
        sys.exit("usage: python demo/song.py OUT.wav OUT.json")
    music, truth = synthesize()
    soundfile.write(sys.argv[1], music, RATE, subtype="PCM_16")
    Path(sys.argv[2]).write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
