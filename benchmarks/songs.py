"""Songs of many styles with the exact truth about them.

usage: python -m benchmarks.songs DIR [--count N] [--seed N] [--style NAME ...]

Everything is a function of the style and the seed. The truth is in the format of `benchmarks.scoring`: beats, place of
each in its bar, downbeats, tempo and sections with letters (sections of one letter are alike) and names.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from demo.song import RATE, bass, bell, lead, pad, stab

Sound = NDArray[np.float64]
Pattern = tuple[float, ...]

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
PROGRESSIONS = {  # degrees of the scale, a bar each
    MAJOR: ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (3, 4, 2, 5), (1, 4, 0, 5), (0, 2, 3, 4), (0, 3, 0, 4)),
    MINOR: ((0, 5, 2, 6), (0, 3, 4, 0), (5, 6, 0, 0), (0, 6, 5, 4), (3, 0, 4, 0), (0, 2, 5, 6)),
}
FORMS = (
    "intro verse chorus verse chorus bridge chorus outro",
    "intro verse prechorus chorus verse prechorus chorus chorus outro",
    "verse verse chorus verse chorus instrumental chorus",
    "intro verse chorus instrumental verse chorus outro",
    "intro chorus verse chorus verse bridge chorus outro",
)
DANCE_FORM = "intro verse break drop verse break drop outro"
ENERGY = {
    "intro": 0.45, "verse": 0.62, "prechorus": 0.75, "chorus": 1.0, "drop": 1.0, "bridge": 0.6,
    "instrumental": 0.8, "break": 0.4, "outro": 0.45,
}  # fmt: skip
BARS = {
    "intro": (4, 8), "verse": (8, 12, 16), "prechorus": (4, 6), "chorus": (8, 8, 10), "drop": (8, 16),
    "bridge": (4, 8), "instrumental": (4, 8), "break": (8, 4), "outro": (4, 8),
}  # fmt: skip
SUNG = ("verse", "prechorus", "chorus", "bridge")
_LONGEST_S = 110.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a kind of music goes; patterns are in beats from the start of a bar, one pattern for each of several bars."""

    bpm: tuple[float, float]
    beats: int = 4
    kick: tuple[Pattern, ...] = ()
    snare: tuple[Pattern, ...] = ()
    hat: Pattern = ()
    chords: Pattern = (0, 1, 2, 3)
    low: Pattern = (0, 2)
    grain: float = 0.5  # of the melody, in beats
    swing: float = 0.5  # where the second half of a beat falls
    loose_s: float = 0.005  # how unevenly it is played
    voice: Callable[[float, float], Sound] = bell
    dance: bool = False
    tempo: str = "steady"
    also: tuple[float, ...] = ()  # other tempos a listener would accept, over the true one
    silence_s: float = 0.0
    lift: int = 0  # semitones up in the last chorus
    open_intro: bool = False  # no drums in the intro
    sung: bool = True
    snare_bright: float = 0.6  # how much of the snare's lows are missing
    bars: bool = True  # whether anything tells where a bar begins


EIGHTHS, QUARTERS = tuple(np.arange(8) / 2), (0.0, 1.0, 2.0, 3.0)
SIXTEENTHS = tuple(np.arange(16) / 4)
_POP = Style(bpm=(92, 128), kick=((0, 2, 2.5), (0, 1.5, 2.5)), snare=((1, 3),), hat=EIGHTHS)
_PLAIN = Style(bpm=(76, 168), kick=((0,),), chords=(0,), low=(), voice=pad, loose_s=0.0, sung=False, snare_bright=0.0)
STYLES: dict[str, Style] = {
    "pop": _POP,
    "rock": replace(_POP, bpm=(105, 150), chords=EIGHTHS, low=EIGHTHS, voice=stab, loose_s=0.007),
    "ballad": replace(_POP, bpm=(58, 82), kick=((0, 2),), open_intro=True, loose_s=0.008),
    "house": Style(
        bpm=(118, 130), kick=(QUARTERS,), snare=((1, 3),), hat=(0.5, 1.5, 2.5, 3.5), chords=(0, 0.75, 1.5, 2.5),
        low=(0.5, 1.5, 2.5, 3.5), voice=stab, loose_s=0.001, dance=True,
    ),
    "trance": Style(
        bpm=(132, 142), kick=(QUARTERS,), hat=(0.5, 1.5, 2.5, 3.5), chords=(0,), low=EIGHTHS, grain=0.25, loose_s=0.001,
        voice=pad, dance=True,
    ),
    "hip-hop": Style(
        bpm=(72, 98), kick=((0, 0.75, 2.5), (0, 1.75, 2.5, 3.75)), snare=((1, 3),), hat=EIGHTHS, swing=0.58,
        chords=(0, 2.5), low=(0, 0.75, 2.5), loose_s=0.008,
    ),
    "trap": Style(
        bpm=(65, 76), kick=((0, 0.75, 2.5), (0, 1.75)), snare=((2,),), hat=SIXTEENTHS, chords=(0,), low=(0, 1.75, 2.5),
        voice=pad, loose_s=0.001, also=(2.0,),
    ),
    "drum and bass": Style(
        bpm=(168, 176), kick=((0, 2.5),), snare=((1, 3),), hat=EIGHTHS, chords=(0,), low=(0, 1.5, 2.5), grain=1.0,
        voice=pad, loose_s=0.001, dance=True, also=(0.5,),
    ),
    "funk": Style(
        bpm=(94, 118), kick=((0, 0.75, 2.25), (0, 1.75, 2.5)), snare=((1, 3), (1, 2.75, 3)), hat=SIXTEENTHS,
        chords=(0.5, 1.25, 2.5, 3.75), low=(0, 0.75, 1.5, 2.25, 3.5), grain=0.25, voice=stab,
    ),
    "sixteenth kicks": replace(
        _POP, bpm=(104, 126), kick=((0, 0.25, 0.75, 1.5, 2.25, 3.5), (0, 0.75, 1.25, 2.5, 3.25)), hat=SIXTEENTHS
    ),
    "reggae": Style(
        bpm=(66, 88), kick=((2,),), snare=((2,),), hat=EIGHTHS, chords=(0.5, 1.5, 2.5, 3.5), low=(0, 1.5, 2, 3),
        swing=0.56, voice=stab, also=(2.0,),
    ),
    "bossa": Style(
        bpm=(112, 148), kick=((0, 1.5, 2, 3.5),), snare=((0, 1.5, 3), (1, 2.5)), hat=EIGHTHS, chords=(0, 1.5, 2.5, 3),
        low=(0, 1.5, 2, 3.5), loose_s=0.008, also=(0.5,),
    ),
    "swing": Style(
        bpm=(120, 190), kick=(QUARTERS,), snare=((1.5,), (2.5,), ()), hat=(0, 1, 1.5, 2, 3, 3.5), swing=0.64,
        chords=(0, 1.5), low=QUARTERS, loose_s=0.009,
    ),
    "shuffle": replace(_POP, bpm=(88, 128), swing=0.66, chords=EIGHTHS, voice=stab, loose_s=0.008),
    "folk": Style(bpm=(76, 116), chords=EIGHTHS, loose_s=0.010),
    "chorale": Style(bpm=(66, 96), chords=QUARTERS, low=QUARTERS, grain=1.0, voice=pad, loose_s=0.010),
    "march": Style(
        bpm=(100, 126), beats=2, kick=((0,),), snare=((0.5, 1, 1.5), (1, 1.5)), chords=(0.5, 1.5), low=(0, 1),
        voice=stab,
    ),
    "waltz": Style(
        bpm=(86, 176), beats=3, kick=((0,),), snare=((1, 2),), hat=(0, 1, 2), chords=(1, 2), low=(0,), loose_s=0.008
    ),
    "slow waltz": Style(bpm=(74, 100), beats=3, chords=(0, 0.5, 1, 1.5, 2, 2.5), low=(0,), loose_s=0.010),
    "six-eight": Style(
        bpm=(46, 70), beats=2, kick=((0,),), snare=((1,),), hat=tuple(np.arange(6) / 3), chords=tuple(np.arange(6) / 3),
        low=(0, 1), grain=1 / 3, loose_s=0.008, also=(3.0,),
    ),
    "twelve-eight": Style(
        bpm=(58, 80), kick=((0, 2), (0, 1 + 2 / 3, 2)), snare=((1, 3),), hat=tuple(np.arange(12) / 3),
        chords=tuple(np.arange(12) / 3), grain=1 / 3, loose_s=0.008, also=(3.0,),
    ),
    "five": Style(
        bpm=(104, 168), beats=5, kick=((0, 2.5), (0, 1.5)), snare=((3,), (3, 4)), hat=tuple(np.arange(10) / 2),
        chords=(0, 3), low=(0, 1.5, 3),
    ),
    "drift": replace(_POP, bpm=(88, 132), tempo="drift"),
    "tempo change": replace(_POP, bpm=(88, 124), tempo="change"),
    "slowing": replace(_POP, bpm=(96, 132), tempo="slowing", chords=EIGHTHS),
    "free intro": replace(_POP, bpm=(84, 116), tempo="free intro", open_intro=True),
    "silence": replace(_POP, bpm=(96, 130), silence_s=8.0),
    "key change": replace(_POP, bpm=(84, 124), lift=2),
    "metronome": Style(bpm=(58, 178), hat=QUARTERS, chords=(), low=(), loose_s=0.0, sung=False, bars=False),
    "plain three": replace(_PLAIN, beats=3, snare=((1, 2),), hat=(0.5, 1.5, 2.5)),
    "plain four": replace(_PLAIN, kick=((0, 2),), snare=((1, 3),), hat=(0.5, 1.5, 2.5, 3.5)),
    "plain five": replace(_PLAIN, beats=5, snare=((1, 2, 3, 4),), hat=(0.5, 1.5, 2.5, 3.5, 4.5)),
}  # fmt: skip


class _Mix:
    """A stereo track that sounds are placed on."""

    def __init__(self, seconds: float, loose_s: float, random: np.random.Generator) -> None:
        self.track = np.zeros((round(seconds * RATE), 2))
        self.random = random
        self._loose_s = loose_s
        self._notes: dict[tuple[str, float, float], Sound] = {}

    def note(
        self, voice: Callable[[float, float], Sound], pitch: float, time_s: float, length_s: float, gain: float
    ) -> None:
        """Play a note, ``pitch`` in semitones above A3."""
        key = (voice.__name__, pitch, round(length_s, 2))
        if key not in self._notes:
            self._notes[key] = voice(220.0 * 2 ** (pitch / 12), max(0.08, key[2]))
        self.put(self._notes[key], time_s, gain)

    def put(self, sound: Sound, time_s: float, gain: float) -> None:
        """Place a sound where a player would who is not quite even."""
        at = max(0, round((time_s + self.random.normal(0, self._loose_s)) * RATE))
        part = sound[: max(0, len(self.track) - at), None] * gain
        self.track[at : at + len(part)] += part


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kit:
    kick: Sound
    snare: Sound
    hat: Sound
    crash: Sound


def _kit(style: Style, random: np.random.Generator) -> _Kit:
    def noise(fall_s: float, bright: float) -> Sound:
        raw = random.standard_normal(round(6 * fall_s * RATE))
        raw[1:] -= bright * raw[:-1]
        return np.asarray(raw * np.exp(-np.arange(len(raw)) / RATE / fall_s) / np.abs(raw).max(), np.float64)

    time = np.arange(round(0.35 * RATE)) / RATE
    phase = 2 * np.pi * (random.uniform(42, 56) * time + random.uniform(2, 5) * (1 - np.exp(-time / 0.03)))
    kick = np.sin(phase) * np.exp(-time / random.uniform(0.08, 0.16))
    skin = noise(random.uniform(0.05, 0.11), style.snare_bright)
    skin += (
        0.5
        * np.sin(2 * np.pi * random.uniform(170, 240) * np.arange(len(skin)) / RATE)
        * np.exp(-np.arange(len(skin)) / RATE / 0.06)
    )
    return _Kit(kick=kick, snare=skin, hat=noise(random.uniform(0.012, 0.05), 0.95), crash=noise(0.5, 0.9))


def make(style_name: str, seed: int) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Make a song: samples of shape (n, 2) at `demo.song.RATE`, and the truth about it."""
    style = STYLES[style_name]
    random = np.random.default_rng([seed, list(STYLES).index(style_name)])
    bpm = float(random.uniform(*style.bpm))
    form = _form(style, bpm, random)
    starts = np.concatenate(([0], np.cumsum([bars for _, bars in form]))) * style.beats
    beats = _beat_times(style, bpm, int(starts[-1]), form[0][1] * style.beats, random)
    pause = int(starts[len(form) // 2]) if style.silence_s else len(beats)
    beats = beats + float(random.uniform(0, 1.2)) + style.silence_s * (np.arange(len(beats)) >= pause)
    mix = _Mix(float(beats[-1]) + 2.0, style.loose_s, random)
    parts = _Parts(style, beats, pause, mix, random)
    for (label, bars), start in zip(form, starts[:-1], strict=True):
        lift = style.lift if style.lift and start >= starts[_last(form)] else 0
        for bar in range(bars):
            parts.play_bar(label, int(start) + bar * style.beats, bar, bars, lift)
    parts.end()
    samples = _mastered(mix.track, random)
    return samples, _truth(style_name, seed, style, beats, form, starts, pause, len(samples) / RATE)


class _Parts:
    """The players of a song."""

    def __init__(self, style: Style, beats: Sound, pause: int, mix: _Mix, random: np.random.Generator) -> None:
        self._style, self._beats, self._pause, self._mix, self._random = style, beats, pause, mix, random
        self._kit = _kit(style, random)
        self._scale = MINOR if random.random() < 0.4 else MAJOR
        self._key = int(random.integers(-7, 5))
        choices = PROGRESSIONS[self._scale]
        order = random.permutation(len(choices))
        names = list(ENERGY)
        shared = {"drop": "chorus", "intro": "verse" if random.random() < 0.5 else "intro"}
        self._chords = {name: choices[order[names.index(shared.get(name, name)) % len(choices)]] for name in names}
        steps = round(4 * style.beats / style.grain)
        self._tune = {
            name: (random.integers(0, 7, steps), random.random(steps) < (0.55 if name == "chorus" else 0.4))
            for name in SUNG
        }
        self._levels = random.uniform(0.7, 1.3, 5)

    def play_bar(self, label: str, first: int, bar: int, bars: int, lift: int) -> None:
        """Play one bar of a section."""
        style, energy = self._style, ENERGY[label]
        self._key_now = self._key + lift
        root = self._chords[label][bar % 4]
        for place, beat in enumerate(style.chords):
            length = (style.chords[place + 1] if place + 1 < len(style.chords) else style.beats) - beat
            for step in (0, 2, 4):
                gain = (0.10 if beat == 0 else 0.08) * self._levels[0] * energy
                self._note(style.voice, root + step, first, beat, length, gain)
        if label != "break" and not (label == "intro" and style.open_intro):
            for beat in style.low:
                self._note(bass, root - 7, first, beat, style.beats / len(style.low) * 0.9, 0.3 * self._levels[1])
        if label in SUNG and style.sung:
            self._sing(label, first, bar)
        if not (label == "intro" and style.open_intro):
            self._drum(label, first, bar, bars)

    def end(self) -> None:
        """Play the last chord on the last beat."""
        if not self._style.chords:
            return
        for step in (0, 2, 4):
            self._note(self._style.voice, step, len(self._beats) - 2, 1, 2, 0.12)
        self._note(bass, -7, len(self._beats) - 2, 1, 2, 0.3)

    def _sing(self, label: str, first: int, bar: int) -> None:
        grain, (degrees, sung) = self._style.grain, self._tune[label]
        steps = round(self._style.beats / grain)
        for step in range(steps):
            at = (bar % 4) * steps + step
            if sung[at]:
                up = 7 if label == "chorus" else 0
                self._note(lead, int(degrees[at]) + 7 + up, first, step * grain, grain, 0.12 * self._levels[2])

    def _drum(self, label: str, first: int, bar: int, bars: int) -> None:
        style, kit, force = self._style, self._kit, 0.5 + 0.5 * ENERGY[label]
        if not style.hat and not style.kick and not style.snare:
            return
        fill = bar == bars - 1 and style.beats > 2 and style.snare and not style.dance and self._random.random() < 0.7
        if style.bars and bar == 0 and self._random.random() < (0.9 if label in {"chorus", "drop"} else 0.4):
            self._hit(kit.crash, first, 0, 0.3 * force)
        for beat in style.kick[bar % len(style.kick)] if style.kick and label != "break" else ():
            self._hit(kit.kick, first, beat, 0.9 * force * self._levels[3])
        for beat in style.snare[bar % len(style.snare)] if style.snare and label != "break" else ():
            if not (fill and beat >= style.beats - 1):
                self._hit(kit.snare, first, beat, 0.6 * force)
        for beat in style.hat:
            self._hit(kit.hat, first, beat, (0.3 if beat % 1 == 0 else 0.22) * force * self._levels[4])
        for quarter in range(4 if fill else 0):
            self._hit(kit.snare, first, style.beats - 1 + quarter / 4, (0.35 + 0.1 * quarter) * force)

    def _hit(self, sound: Sound, first: int, beat: float, gain: float) -> None:
        self._mix.put(sound, self._at(first, beat), gain)

    def _note(
        self, voice: Callable[[float, float], Sound], degree: int, first: int, beat: float, length: float, gain: float
    ) -> None:
        octave, step = divmod(degree, 7)
        pitch = self._key_now + self._scale[step] + 12 * octave
        start_s = self._at(first, beat)
        self._mix.note(voice, pitch, start_s, max(0.05, (self._at(first, beat + length) - start_s) * 0.9), gain)

    def _at(self, first: int, beat: float) -> float:
        """Time of a place in a bar, swung."""
        swung = int(beat) + self._style.swing if beat % 1 == 0.5 else beat
        position = first + swung
        before = min(int(position), len(self._beats) - 2)
        step = self._beats[before + 1] - self._beats[before]
        if before + 1 == self._pause:
            step -= self._style.silence_s
        return float(self._beats[before] + (position - before) * step)


def _form(style: Style, bpm: float, random: np.random.Generator) -> list[tuple[str, int]]:
    names = (DANCE_FORM if style.dance else FORMS[int(random.integers(len(FORMS)))]).split()
    lengths = {name: int(random.choice(BARS[name])) for name in dict.fromkeys(names)}
    bar_s = style.beats * 60 / bpm
    if bar_s > 2.8:  # long bars come in shorter sections
        lengths = {name: max(4, bars // 2) for name, bars in lengths.items()}
    if bar_s < 1.2:
        lengths = {name: 2 * bars for name, bars in lengths.items()}
    while sum(lengths[name] for name in names) * bar_s > _LONGEST_S and len(names) > 4:
        names.pop(-2)
    return [(name, lengths[name]) for name in names]


def _last(form: list[tuple[str, int]]) -> int:
    """Index of the last chorus, or of the last section where there is none."""
    return max([index for index, (name, _) in enumerate(form) if name == "chorus"], default=len(form) - 1)


def _beat_times(style: Style, bpm: float, count: int, intro: int, random: np.random.Generator) -> Sound:
    number = np.arange(count)
    steps = np.full(count, 60.0 / bpm)
    if style.loose_s > 0.003:  # played by people
        steps *= 1 + 0.004 * random.standard_normal(count)
    if style.tempo == "drift":
        steps *= 1 + 0.03 * np.sin(2 * np.pi * number / random.uniform(60, 120) + random.uniform(0, 6))
    elif style.tempo == "change":
        steps[count // 2 // style.beats * style.beats :] *= float(random.choice((0.75, 0.8, 0.85, 1.2, 1.3)))
    elif style.tempo == "slowing":
        steps[-4 * style.beats :] *= np.linspace(1, 1.6, 4 * style.beats)
    elif style.tempo == "free intro":
        walk = np.cumsum(random.standard_normal(intro)) / np.sqrt(np.arange(1, intro + 1))
        steps[:intro] *= 1 + np.clip(0.1 * walk, -0.18, 0.25)
    return np.concatenate(([0.0], np.cumsum(steps)))


def _mastered(track: Sound, random: np.random.Generator) -> NDArray[np.float32]:
    loud = track / np.quantile(np.abs(track), 0.999)
    squeezed = np.tanh(random.uniform(0.7, 2.0) * loud) + 1e-4 * random.standard_normal(loud.shape)
    return np.asarray(0.89 * squeezed / np.abs(squeezed).max(), np.float32)


def _truth(
    name: str, seed: int, style: Style, beats: Sound, form: list[tuple[str, int]], starts: NDArray[np.int64],
    pause: int, duration_s: float,
) -> dict[str, Any]:  # fmt: skip
    steps = np.diff(beats)
    tempo = 60.0 / float(np.median(steps))
    accepted = [tempo, *(tempo * ratio for ratio in style.also)]
    if style.tempo == "change":
        accepted = [
            60.0 / float(np.median(steps[: len(steps) // 2])),
            60.0 / float(np.median(steps[len(steps) // 2 :])),
        ]
    edges = [0.0, *beats[starts[1:-1]].tolist(), duration_s]
    letters = {label: chr(ord("A") + number) for number, label in enumerate(dict.fromkeys(label for label, _ in form))}
    sections: list[dict[str, Any]] = []
    for (label, _), start, end, border in zip(form, edges[:-1], edges[1:], starts[1:], strict=True):
        stop = end - style.silence_s if border == pause else end
        sections.append({"start": start, "end": stop, "label": label, "letter": letters[label]})
        if border == pause:
            sections.append({"start": stop, "end": end, "label": "silence", "letter": "-"})
    silences = [[float(beats[pause]) - style.silence_s, float(beats[pause])]] if pause < len(beats) else []
    return {
        "name": f"own_{name.replace(' ', '-')}_{seed}", "genre": name, "duration": duration_s, "beats": beats.tolist(),
        "beat_pos": (np.arange(len(beats)) % style.beats + 1).tolist(),
        "downbeats": beats[:: style.beats].tolist() if style.bars else [],
        "meter": style.beats, "tempo_bpm": tempo, "tempo_ok": accepted, "sections": sections, "silences": silences,
    }  # fmt: skip


def songs(
    count: int, seed: int, names: tuple[str, ...] = tuple(STYLES)
) -> Iterator[tuple[NDArray[np.float32], dict[str, Any]]]:
    """Make so many songs, one style after the other."""
    for number in range(count):
        yield make(names[number % len(names)], seed + number)


def write(folder: Path, samples: NDArray[np.float32], truth: dict[str, Any]) -> Path:
    """Write a song and its truth into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    sound = folder / f"{truth['name']}.flac"
    soundfile.write(sound, samples, RATE)
    sound.with_suffix(".json").write_text(json.dumps(truth), encoding="utf-8")
    return sound


def main() -> None:
    """Write songs into a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=len(STYLES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--style", action="append", choices=list(STYLES))
    arguments = parser.parse_args()
    for samples, truth in songs(arguments.count, arguments.seed, tuple(arguments.style or STYLES)):
        print(write(arguments.folder, samples, truth))


if __name__ == "__main__":
    main()
