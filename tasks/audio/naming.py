"""What the sections of a song are called, and why.

Names are guesses from energy, repetition and place; each carries the sentence that led to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.domain.analysis import Section

_FEW = 2
_QUIETER = 0.9
_LATE = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """A section before it has a name; sections of one ``cluster`` (from 1 on) are alike."""

    start_s: float
    end_s: float
    cluster: int
    energy: float


def named(portraits: list[Portrait]) -> tuple[Section, ...]:
    """Name the sections of a song, given in order."""
    labels = [_name(index, portraits) for index in range(len(portraits))]
    return tuple(
        Section(
            start_s=portrait.start_s,
            end_s=portrait.end_s,
            label=label,
            cluster=_letter(portrait.cluster),
            confidence=confidence,
            energy=portrait.energy,
            valence=None,
            arousal=None,
            reason=reason,
        )
        for portrait, (label, confidence, reason) in zip(portraits, labels, strict=True)
    )


def _name(index: int, portraits: list[Portrait]) -> tuple[str, float, str]:
    """Give the label of one section, the confidence in it and the reason."""
    here = portraits[index]
    count = len(portraits)
    if count == 1:
        return "verse", 0.2, "Nothing in the song sets one part apart from another."
    chorus = _chorus(portraits)
    usual = float(np.median([portrait.energy for portrait in portraits]))
    alike = sum(portrait.cluster == here.cluster for portrait in portraits)
    if here.cluster == chorus:
        again = f"comes {alike} times" if alike > 1 else "comes once"
        return "chorus", 0.8 if alike > 1 else 0.5, f"The most energetic part that stands out; it {again}."
    if index == 0 and (alike == 1 or here.energy < _QUIETER * usual):
        return "intro", 0.7, "The first part, quieter than or unlike what follows."
    if index == count - 1 and (alike == 1 or here.energy < _QUIETER * usual):
        return "outro", 0.7, "The last part, quieter than or unlike what came before."
    if alike == 1 and count > _FEW and here.start_s > _LATE * portraits[-1].end_s:
        return "bridge", 0.5, "A part of its own in the second half of the song."
    return "verse", 0.6 if alike > 1 else 0.4, "A part with less energy than the chorus."


def _chorus(portraits: list[Portrait]) -> int:
    """Find the kind with the most energy, where kinds that return are preferred; 0 if there is one kind only."""
    kinds = sorted({portrait.cluster for portrait in portraits})
    energy = {
        kind: float(np.mean([portrait.energy for portrait in portraits if portrait.cluster == kind])) for kind in kinds
    }
    if len(kinds) == 1:
        return 0
    returns = {kind: sum(portrait.cluster == kind for portrait in portraits) > 1 for kind in kinds}
    return max(kinds, key=lambda kind: energy[kind] + (0.12 if returns[kind] else 0.0))


def _letter(cluster: int) -> str:
    return chr(ord("A") + cluster - 1) if cluster <= 26 else f"Z{cluster}"  # noqa: PLR2004
