"""What the rules of the effects see, and how they write effects down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.timeline import Shot
from tasks.domain.transition import Transition
from tasks.edit.score import Scene, Score, calmest, loudest


@dataclass(frozen=True, slots=True)
class Stage:
    """A film whose effects are to be chosen.

    Attributes
    ----------
    score : Score
        Its shots, scenes and beats.
    transitions : tuple of Transition or None
        How each of its shots begins.
    is_full : bool
        The owner named the effects: each is used wherever its rule applies, and not as taste would.
    is_wide : bool
        The picture is wider than high.
    """

    score: Score
    transitions: tuple[Transition | None, ...]
    is_full: bool
    is_wide: bool

    def effect(self, kind: EffectKind, start: int, end: int, amount: float, curve: Curve) -> Iterator[Effect]:
        """Give the effect, cut to the film; nothing if no frame of it is left."""
        start, end = max(start, 0), min(end, self.score.frames)
        if start < end:
            yield Effect(kind=kind, start_frame=start, end_frame=end, amount=round(amount, 3), curve=curve)

    def hit(self, kind: EffectKind, frame: int, amount: float, within: Shot | None = None) -> Iterator[Effect]:
        """Give an effect that strikes on ``frame`` and decays to the next beat, or to the end of ``within``."""
        end = self.score.next_beat(frame)
        yield from self.effect(kind, frame, end if within is None else min(end, within.frames.end), amount, Curve.DECAY)

    def loud(self) -> tuple[Scene, ...]:
        """Give the loud scenes; if the owner named the effects and none is loud, the loudest."""
        scenes = self.score.scenes
        return loudest(scenes) if self.is_full else tuple(scene for scene in scenes if scene.is_loud)

    def calm(self) -> tuple[Scene, ...]:
        """Give the calm scenes; if the owner named the effects and none is calm, the quietest."""
        scenes = self.score.scenes
        return calmest(scenes) if self.is_full else tuple(scene for scene in scenes if scene.is_calm)

    def blend(self, shot: Shot) -> int:
        """Count the first frames of ``shot`` in which the shot before it is still seen."""
        transition = self.transitions[shot.index]
        return 0 if transition is None else transition.frames
