"""How a shot is composed: what the section asks for, and what a cut changes.

Every choice that makes shots differ walks along a Weyl sequence (multiples of an irrational number, modulo 1), so the
next shot always lies at least 0.38 of the whole range away. Independent draws would often give twins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.domain.analysis import Analysis, Section
from tasks.domain.style import StyleShot

MODES = 3
"""Compositions that shots take in turn; one more belongs to bridges."""
GOLDEN = 0.6180339887498949
SILVER = 0.4142135623730951
BRONZE = 0.5615528128088303
HIGH_ENERGY = 0.62


@dataclass(frozen=True, slots=True)
class Framing:
    """What a kind of section asks of the picture.

    Attributes
    ----------
    near : float
        Magnification, 1 for a verse.
    density : float
        Amount of things in the picture, 1 for a verse.
    accent : float
        Share of the accent colour, 1 for a verse.
    travel : float
        Slow zoom in (above 0) or out, as a share of the magnification per unit of flow.
    """

    near: float
    density: float
    accent: float
    travel: float


INTRO = Framing(near=0.78, density=0.72, accent=0.5, travel=0.006)
VERSE = Framing(near=1.0, density=1.0, accent=0.9, travel=0.005)
CHORUS = Framing(near=1.22, density=1.3, accent=1.6, travel=0.008)
BRIDGE = Framing(near=1.08, density=0.85, accent=1.2, travel=-0.004)
OUTRO = Framing(near=0.95, density=0.7, accent=0.6, travel=-0.012)

NAMED = {
    "intro": INTRO,
    "chorus": CHORUS,
    "drop": CHORUS,
    "hook": CHORUS,
    "bridge": BRIDGE,
    "break": BRIDGE,
    "breakdown": BRIDGE,
    "solo": BRIDGE,
    "outro": OUTRO,
    "end": OUTRO,
}


@dataclass(frozen=True, slots=True)
class Composition:
    """The choices of one shot, the same for all of its frames.

    Attributes
    ----------
    mode : int
        0 <= mode < MODES, or MODES in a bridge; differs from the shot before.
    scale, angle, place : float
        In 0..1; each lies at least 0.38 from the shot before.
    chance : tuple of 8 float
        Free numbers in 0..1.
    framing : Framing
        What the section asks for.
    """

    mode: int
    scale: float
    angle: float
    place: float
    chance: tuple[float, ...]
    framing: Framing

    def zoom(self, flow: float) -> float:
        """Give the magnification after travelling ``flow``."""
        return self.framing.near * (1.0 + self.framing.travel * min(max(flow, -12.0), 24.0))


def compose(shot: StyleShot, analysis: Analysis, start_s: float) -> Composition:
    """Choose a composition for the shot that begins at ``start_s`` seconds of the song."""
    film = np.random.Generator(np.random.PCG64([shot.seed])).random(4)
    free = np.random.Generator(np.random.PCG64([shot.seed, shot.shot])).random(8)
    scale, angle, place, mode = (
        (float(offset) + shot.shot * step) % 1.0
        for offset, step in zip(film, (SILVER, GOLDEN, BRONZE, GOLDEN), strict=True)
    )
    framing = framing_of(analysis.sections[analysis.section_at(start_s)])
    return Composition(
        mode=MODES if framing is BRIDGE else int(mode * MODES),
        scale=scale,
        angle=angle,
        place=place,
        chance=tuple(float(number) for number in free),
        framing=framing,
    )


def framing_of(section: Section) -> Framing:
    """Read a section's label; a label that says nothing counts as a verse or, if loud, as a chorus."""
    label = section.label.lower()
    for name, framing in NAMED.items():
        if label.startswith(name):
            return framing
    return CHORUS if section.energy >= HIGH_ENERGY and label != "verse" else VERSE
