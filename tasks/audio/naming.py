"""What the sections of a song are called, and why.

Names are guesses from energy, repetition and place; each carries the sentence that led to it. The confidence of a name
is how often its rule was right on generated songs, times how sure it is that the section belongs to its kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tasks.domain.analysis import Section

_FEW = 2
_QUIETER = 0.9
_MUCH_QUIETER = 0.72
_LATE = 0.45
_BARE = 0.4  # of the song's usual bass drum
_DRIVEN = 0.9
_SHORT_LEAD = 8  # bars
_RETURNS_GAIN = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """A section before it has a name.

    Attributes
    ----------
    start_s, end_s : float
    units : int
        Its length in bars, or what stands for them.
    cluster : int
        Its kind, from 1 on; sections of one kind are alike.
    sure : float
        How sure that is, in 0..1.
    energy : float
        In 0..1 of the song's loud parts.
    kick : float
        How much of the bass drum it has, 1 for what is usual where the song has one.
    valence, arousal : float
        In 0..1.
    """

    start_s: float
    end_s: float
    units: int
    cluster: int
    sure: float
    energy: float
    kick: float
    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class _Name:
    label: str
    confidence: float
    reason: str


def named(portraits: list[Portrait]) -> tuple[Section, ...]:
    """Name the sections of a song, given in order."""
    song = _Song(portraits)
    names = [song.name(index) for index in range(len(portraits))]
    return tuple(
        Section(
            start_s=portrait.start_s,
            end_s=portrait.end_s,
            label=name.label,
            cluster=_letter(portrait.cluster),
            confidence=round(name.confidence * portrait.sure, 3),
            energy=portrait.energy,
            valence=portrait.valence,
            arousal=portrait.arousal,
            reason=name.reason,
        )
        for portrait, name in zip(portraits, names, strict=True)
    )


class _Song:
    """All sections together, because each is named by its place among the others."""

    def __init__(self, portraits: list[Portrait]) -> None:
        self._parts = portraits
        self._usual = float(np.median([part.energy for part in portraits]))
        self._chorus = self._find_chorus()
        self._rules: tuple[Callable[[int], _Name | None], ...] = (
            self._ends, self._drop_or_break, self._as_chorus, self._lead, self._alone,
        )  # fmt: skip

    def name(self, index: int) -> _Name:
        """Give the label of one section, the confidence in it and the reason: by the first rule that fits."""
        if len(self._parts) == 1:
            return _Name("verse", 0.2, "Nothing in the song sets one part apart from another.")
        for rule in self._rules:
            found = rule(index)
            if found is not None:
                return found
        if self._alike(index) > 1:
            return _Name("verse", 0.75, f"Comes {self._alike(index)} times, with less energy than the chorus.")
        return _Name("verse", 0.5, "A part with less energy than the chorus.")

    def _ends(self, index: int) -> _Name | None:
        part = self._parts[index]
        apart = part.cluster != self._chorus and (self._alike(index) == 1 or part.energy < _QUIETER * self._usual)
        if index == 0 and apart:
            return _Name("intro", 0.8, "The first part, quieter than or unlike what follows.")
        if index == len(self._parts) - 1 and apart:
            return _Name("outro", 0.85, "The last part, quieter than or unlike what came before.")
        return None

    def _drop_or_break(self, index: int) -> _Name | None:
        if self._is_break(index):
            return _Name("break", 0.6, "In the middle of the song the energy falls and the bass drum leaves.")
        if self._parts[index].cluster == self._chorus and self._is_dropped(index):
            return _Name("drop", 0.7, "The bass drum and the energy come back after a break.")
        return None

    def _is_break(self, index: int) -> bool:
        part = self._parts[index]
        inside = 0 < index < len(self._parts) - 1
        return inside and part.energy < _MUCH_QUIETER * self._usual and part.kick < _BARE

    def _is_dropped(self, index: int) -> bool:
        """Tell whether every time this kind comes with a bass drum at least once a break leads into it."""
        kind = self._parts[index].cluster
        return self._parts[index].kick >= _DRIVEN and any(
            other.cluster == kind and number > 0 and self._is_break(number - 1)
            for number, other in enumerate(self._parts)
        )

    def _as_chorus(self, index: int) -> _Name | None:
        if self._parts[index].cluster != self._chorus:
            return None
        times = self._alike(index)
        again = f"comes {times} times" if times > 1 else "comes once"
        return _Name("chorus", 0.8 if times > 1 else 0.5, f"The most energetic part that stands out; it {again}.")

    def _lead(self, index: int) -> _Name | None:
        """Recognise what is short and always stands between something that returns and the chorus."""
        kind = self._parts[index].cluster
        places = [number for number, part in enumerate(self._parts) if part.cluster == kind]
        if len(places) < _FEW or not all(self._leads(number) for number in places):
            return None
        return _Name("pre-chorus", 0.7, f"Short, and leads from the verse into the chorus all {len(places)} times.")

    def _leads(self, index: int) -> bool:
        if not 0 < index < len(self._parts) - 1:
            return False
        before, here, after = self._parts[index - 1 : index + 2]
        returns = self._alike(index - 1) >= _FEW and before.cluster not in {self._chorus, here.cluster}
        return returns and after.cluster == self._chorus and here.units <= _SHORT_LEAD

    def _alone(self, index: int) -> _Name | None:
        if self._alike(index) > 1 or len(self._parts) <= _FEW:
            return None
        if self._parts[index].start_s > _LATE * self._parts[-1].end_s:
            return _Name("bridge", 0.3, "A part of its own in the second half of the song.")
        if index and self._parts[index - 1].cluster == self._chorus:
            return _Name("instrumental", 0.2, "A part of its own between a chorus and what follows.")
        return None

    def _alike(self, index: int) -> int:
        return sum(part.cluster == self._parts[index].cluster for part in self._parts)

    def _find_chorus(self) -> int:
        """Find the kind with the most energy, where kinds that return are preferred; 0 if there is one kind only."""
        kinds = sorted({part.cluster for part in self._parts})
        if len(kinds) == 1:
            return 0

        def weight(kind: int) -> float:
            energies = [part.energy for part in self._parts if part.cluster == kind]
            return float(np.mean(energies)) + (_RETURNS_GAIN if len(energies) > 1 else 0.0)

        return max(kinds, key=weight)


def _letter(cluster: int) -> str:
    return chr(ord("A") + cluster - 1) if cluster <= 26 else f"Z{cluster}"  # noqa: PLR2004
