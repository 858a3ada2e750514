"""Keep what is planned within WCAG 2.3.1: no more than three general and three red flashes in any one second.

Method
------
A flash is a pair of opposing changes of relative luminance by a tenth or more. The plan does not know the pictures,
so each change is taken at its worst: a cut changes every picture's brightness once, and a flash, a flash or glitch
transition and a swell of light under two seconds change it twice. So do a pulse, a shake and an RGB split, which move
bright edges and the red of a picture. What begins on one frame is one event, with the cut that lies there.

In no second, both ends counted in, do events make more than six changes, which is three flashes, and no more than two
of them brighten the whole picture: one flash a second is left to the pictures themselves, and where a shot's footage
flashes more often, so many events less may lie within a second of it. The same bound holds for red flashes, since
every event is counted as one of a red picture. A flash that is too much is softened until it is no
flash by definition, a flash or glitch transition becomes a cut, anything else is left out.

References
----------
https://www.w3.org/TR/WCAG22/#three-flashes-or-below-threshold
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction

from tasks.domain.document import Document
from tasks.domain.effect import Effect, EffectKind
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Timeline
from tasks.domain.transition import Transition, TransitionKind

MOST_CHANGES, MOST_BRIGHT = 6, 2
_LEFT_TO_PICTURES = 1
LONGEST_RUSH = MOST_CHANGES
"""Frames that a whip, a match, a glitch or a shake lasts at most: they change every place with every frame."""
SOFT_FLASH = 0.15
"""White mixed in by this share changes no picture's relative luminance by more than 0.077, a tenth being a flash."""
_SWELL_S = 2
_CUT, _EVENT = 1, 2
_BRIGHT_TRANSITIONS = frozenset({TransitionKind.FLASH, TransitionKind.GLITCH})
_JOLTS = (EffectKind.SHAKE, EffectKind.RGB_SPLIT, EffectKind.PULSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Softened:
    """What was changed at the film's frame ``frame``, and why; ``amount`` is what is left of it, 0 for nothing."""

    frame: int
    kind: str
    planned: float
    amount: float
    reason: str

    def to_json(self) -> Document:
        """Write the note."""
        return asdict(self)


@dataclass
class _Seconds:
    """How many changes each frame of the film brings, and which frames brighten the whole picture."""

    rate: Fraction
    changes: dict[int, int]
    frames: list[int]
    restless: list[tuple[FrameRange, int]]
    bright: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, timeline: Timeline, own: Sequence[float]) -> _Seconds:
        cuts = [shot.frames.start for shot in timeline.cuts]
        more = [math.ceil(flashes) - _LEFT_TO_PICTURES for flashes in own]
        shots = zip(timeline.shots, more, strict=False)
        restless = [(shot.frames, flashes) for shot, flashes in shots if flashes > 0]
        return cls(timeline.frame_rate, dict.fromkeys(cuts, _CUT), list(cuts), restless)

    def add(self, frame: int, *, bright: bool) -> str | None:
        """Add an event, or give the reason for which it has no room."""
        second = math.floor(self.rate)
        own = max((f for shot, f in self.restless if shot.start - second <= frame < shot.end + second), default=0)
        because = ": the footage flashes as well" if own else ""
        if bright and frame not in self.bright and _most(self.bright, frame, second) > MOST_BRIGHT - own:
            return f"more than {MOST_BRIGHT} flashes would lie within one second{because}"
        more = _EVENT - self.changes.get(frame, 0)
        if more > 0 and self._fullest(frame, second) + more > MOST_CHANGES - _EVENT * own:
            return f"more than {MOST_CHANGES // 2} flashes would lie within one second, cuts counted in{because}"
        if frame not in self.changes:
            insort(self.frames, frame)
        self.changes[frame] = _EVENT
        if bright and frame not in self.bright:
            insort(self.bright, frame)
        return None

    def _fullest(self, frame: int, second: int) -> int:
        """Count the changes of the fullest second that holds ``frame``."""
        near = self.frames[bisect_left(self.frames, frame - second) : bisect_right(self.frames, frame + second)]
        starts = [*(start for start in near if start < frame), frame]
        return max(sum(self.changes[at] for at in near if start <= at <= start + second) for start in starts)


def _most(frames: list[int], frame: int, second: int) -> int:
    """Count ``frame`` and the others of the fullest second that holds it."""
    near = [at for at in frames if abs(at - frame) <= second] + [frame]
    return max(sum(start <= at <= start + second for at in near) for start in near if start <= frame)


@dataclass(frozen=True, slots=True)
class Limited:
    """What is left of transitions and effects, and what was changed."""

    transitions: tuple[Transition | None, ...]
    effects: tuple[Effect, ...]
    notes: tuple[Softened, ...]


def limit_flashes(
    timeline: Timeline,
    transitions: Sequence[Transition | None],
    effects: Iterable[Effect],
    own: Sequence[float] = (),
) -> Limited:
    """Thin and soften a plan until it keeps the bound; transitions go before effects and strong flashes before weak.

    Parameters
    ----------
    transitions : sequence of Transition or None
        One for each shot.
    own : sequence of float, optional
        Flashes a second that the pictures of each shot have themselves, at most 3; none by default.
    """
    seconds = _Seconds.of(timeline, own)
    kept_transitions, notes = [], []
    for shot, transition in zip(timeline.shots, transitions, strict=True):
        is_bright = transition is not None and transition.kind in _BRIGHT_TRANSITIONS
        why = seconds.add(shot.frames.start, bright=True) if is_bright else None
        if transition is not None and why is not None:
            notes.append(_note(shot.frames.start, transition.kind, 1.0, 0.0, why))
        kept_transitions.append(None if why is not None else transition)
    kept = []
    for effect in sorted(effects, key=_order):
        left, note = _limited(effect, seconds)
        kept.extend(left)
        notes.extend(note)
    notes.extend(_too_many_cuts(timeline))
    kept.sort(key=lambda effect: (effect.start_frame, effect.end_frame, list(EffectKind).index(effect.kind)))
    return Limited(tuple(kept_transitions), tuple(kept), tuple(sorted(notes, key=lambda note: (note.frame, note.kind))))


def _too_many_cuts(timeline: Timeline) -> list[Softened]:
    """Tell of seconds whose cuts alone are too many; they are the owner's, so they stay."""
    cuts, second = [shot.frames.start for shot in timeline.cuts], math.floor(timeline.frame_rate)
    reason = f"more than {MOST_CHANGES} cuts lie within one second; longer shots are safer"
    return [
        _note(first, "cut", 1.0, 1.0, reason)
        for first, beyond in zip(cuts, cuts[MOST_CHANGES:], strict=False)
        if beyond - first <= second
    ]


def _limited(effect: Effect, seconds: _Seconds) -> tuple[list[Effect], list[Softened]]:
    is_bright, is_jolt = _is_bright(effect, seconds.rate), effect.kind in _JOLTS
    why = seconds.add(effect.start_frame, bright=is_bright) if is_bright or is_jolt else None
    if why is None:
        return [effect], []
    if effect.kind is EffectKind.FLASH:
        soft = replace(effect, amount=SOFT_FLASH)
        return [soft], [_note(effect.start_frame, effect.kind, effect.amount, SOFT_FLASH, why)]
    return [], [_note(effect.start_frame, effect.kind, effect.amount, 0.0, why)]


def _is_bright(effect: Effect, rate: Fraction) -> bool:
    """Say whether an effect makes a flash of the whole picture."""
    if effect.kind is EffectKind.LIGHT_LEAK:
        return effect.end_frame - effect.start_frame < _SWELL_S * rate
    return effect.kind is EffectKind.FLASH and effect.amount > SOFT_FLASH


def _order(effect: Effect) -> tuple[int, float, int]:
    kinds = (EffectKind.FLASH, EffectKind.LIGHT_LEAK, *_JOLTS)
    place = kinds.index(effect.kind) if effect.kind in kinds else len(kinds)
    return place, -effect.amount, effect.start_frame


def _note(frame: int, kind: str, planned: float, amount: float, reason: str) -> Softened:
    return Softened(frame=frame, kind=kind, planned=planned, amount=amount, reason=reason)
