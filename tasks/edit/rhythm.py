"""Where an editor would like to cut inside a section: on the beats of its bars, in figures that make phrases.

Method
------
A section's part in the song and its energy say how long a shot should last. The unit of the section's cuts is the
number of bars (1/4 to 16) that comes nearest to it. Four units make a phrase, counted from the section's first
downbeat, and the seed chooses a figure for each: evenly, long-short-short, with quick accents at its end. Sections
that return are cut in the same figures. The last bar before a louder section quickens towards it, except before a
drop, where the picture is held.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from tasks.edit.chance import pick
from tasks.edit.passages import FilmBeat, Passage, Role

Figure = tuple[Fraction, ...]

_LONGEST_S = {Role.OPEN: 10.0, Role.CALM: 10.0, Role.STORY: 6.5, Role.BUILD: 4.5, Role.LOUD: 3.5}
_UNITS = (Fraction(1, 4), Fraction(1, 2), *map(Fraction, (1, 2, 4, 8, 16)))
_SHOT_S = {
    Role.OPEN: (7.5, 4.8),
    Role.CALM: (7.0, 4.5),
    Role.STORY: (5.0, 2.1),
    Role.BUILD: (3.4, 1.7),
    Role.LOUD: (2.3, 1.1),
}
"""Seconds of a shot at no energy and at full energy."""
_FINALE, _DROP = 0.75, 0.8
_HALF, _ONE, _TWO = Fraction(1, 2), Fraction(1), Fraction(2)
_EVEN: Figure = (_ONE,) * 4
_HOLD: Figure = (_TWO, _ONE, _ONE)
_REST: Figure = (_ONE, _ONE, _TWO)
_PUSH: Figure = (_ONE, _ONE, _ONE, _HALF, _HALF)
_RUSH: Figure = (_ONE, _ONE, _HALF, _HALF, _HALF, _HALF)
_FIGURES: dict[Role, tuple[Figure, ...]] = {
    Role.OPEN: (_EVEN, _REST),
    Role.CALM: (_EVEN, _HOLD),
    Role.STORY: (_EVEN, _HOLD, _REST, _PUSH),
    Role.BUILD: (_PUSH, _RUSH),
    Role.LOUD: (_EVEN, _HOLD, _PUSH, _REST, _RUSH),
}
_FILL_AT = (Fraction(1, 2), Fraction(3, 4))


class Weight(IntEnum):
    """How much a mark matters where not all can be kept; the least number matters most."""

    PHRASE = 0
    FILL = 1
    STEP = 2
    ACCENT = 3


@dataclass(frozen=True, slots=True)
class Mark:
    """A beat that a cut is wished on, how much it matters, and why."""

    beat: FilmBeat
    weight: Weight
    reason: str


def shot_length_s(passage: Passage) -> float:
    """Say how long a shot of the passage should last, in seconds."""
    still, wild = _SHOT_S[passage.role]
    wanted = still + (wild - still) * passage.level
    return wanted * (_FINALE if passage.is_finale else 1.0) * (_DROP if is_drop(passage) else 1.0)


def is_drop(passage: Passage) -> bool:
    """Say whether the passage is a drop by its name."""
    return passage.label.casefold().startswith("drop")


def marks(passage: Passage, following: Passage | None, *, shortest_s: Fraction, seed: int) -> Iterator[Mark]:
    """Give the beats inside ``passage`` that cuts are wished on; its first beat is not among them."""
    bars = passage.bars()
    if not bars:
        return
    unit = _unit(passage, shortest_s)
    leads = following is not None and following.role is Role.LOUD and passage.role is not Role.LOUD
    free_until = len(bars) - 1 if leads else len(bars)
    for place, weight in _places(passage, unit, shortest_s, seed):
        if place >= len(bars):
            break
        beat = _beat_at(bars, place, passage.bar_beats)
        if beat is not None and (place < free_until or place.denominator == 1):
            yield Mark(beat, weight, _reason(passage, place, unit, weight))
    if following is not None and _quickens(passage, following):
        for part in _FILL_AT:
            beat = _beat_at(bars, len(bars) - 1 + part, passage.bar_beats)
            if beat is not None:
                why = f"a fill at the end of the {passage.label} that leads into the {following.label}"
                yield Mark(beat, Weight.FILL, why)


def _quickens(passage: Passage, following: Passage) -> bool:
    rises = following.role is Role.LOUD and following.level > passage.level
    return rises and passage.role in {Role.STORY, Role.BUILD} and not is_drop(following)


def _unit(passage: Passage, shortest_s: Fraction) -> Fraction:
    """Choose the bars of a shot: those nearest to the wished length that are not too short and not too long."""
    bar_s, wanted = passage.bar_beats * passage.beat_s(), shot_length_s(passage)
    allowed = [unit for unit in _UNITS if unit * passage.bar_beats >= 1 and float(unit) * bar_s >= float(shortest_s)]
    allowed = allowed or [_UNITS[-1]]
    short = [unit for unit in allowed if float(unit) * bar_s <= _LONGEST_S[passage.role]] or allowed[:1]
    return min(short, key=lambda unit: abs(math.log(float(unit) * bar_s / wanted)))


def _places(passage: Passage, unit: Fraction, shortest_s: Fraction, seed: int) -> Iterator[tuple[Fraction, Weight]]:
    """Give places in bars from the first downbeat, without end, and how much each matters."""
    figures = [figure for figure in _FIGURES[passage.role] if _is_playable(figure, passage, unit, shortest_s)]
    place, phrase, before = Fraction(0), 0, _EVEN
    while True:
        fresh = [figure for figure in figures if figure is _EVEN or figure is not before] or [_EVEN]
        before = pick(fresh, seed, "figure", passage.label, passage.cluster, passage.returns % 2, phrase)
        first = place
        for step in before:
            is_between = ((place - first) / unit).denominator != 1
            yield place, Weight.PHRASE if place == first else Weight.ACCENT if is_between else Weight.STEP
            place += step * unit
        phrase += 1


def _is_playable(figure: Figure, passage: Passage, unit: Fraction, shortest_s: Fraction) -> bool:
    """Say whether each step of the figure is a beat or more, long enough, and not too long unless all are alike."""
    least, most = min(figure) * unit * passage.bar_beats, max(figure) * unit * passage.bar_beats
    is_short = figure == _EVEN or float(most) * passage.beat_s() <= _LONGEST_S[passage.role]
    return least >= 1 and float(least) * passage.beat_s() >= float(shortest_s) and is_short


def _beat_at(bars: tuple[tuple[FilmBeat, ...], ...], place: Fraction, bar_beats: int) -> FilmBeat | None:
    """Give the beat at a place in bars; a share of a bar is the beat nearest to it."""
    bar, is_last = math.floor(place), place >= len(bars) - 1
    beats = bars[bar] if is_last else (*bars[bar], bars[bar + 1][0])
    length = max(len(beats), bar_beats) if is_last else len(beats) - 1
    at = math.floor((place - bar) * length + _HALF)
    return beats[at] if at < len(beats) else None


def _reason(passage: Passage, place: Fraction, unit: Fraction, weight: Weight) -> str:
    where = f"bar {math.floor(place) + 1} of the {passage.label}"
    if weight is Weight.ACCENT:
        return f"{where}: an accent between two cuts of its phrase"
    if weight is Weight.PHRASE:
        where += " begins a phrase"
    return f"{where}: a cut every {_length(unit, passage.bar_beats)} at energy {passage.level:.2f}"


def _length(unit: Fraction, bar_beats: int) -> str:
    if unit >= 1:
        return "bar" if unit == 1 else f"{unit} bars"
    beats = unit * bar_beats
    if beats == 1:
        return "beat"
    return f"{beats} beats" if beats.denominator == 1 else f"{unit} of a bar"
