"""How one shot becomes the next: mostly by a cut.

Method
------
What a cut stands for decides what may soften or mark it: a turn into a loud section is marked (zoom, whip, flash,
glitch, match), a turn into a calm one dissolves, other turns now and then match, wipe or dissolve; inside calm sections
every second cut may dissolve, inside others a few that begin a bar are marked. Except at turns no two transitions
follow each other, two turns that follow each other are not marked alike, and wipes are far apart. How long a
transition lasts follows from its kind and the beat, at most half of the shot that it brings in: so no picture ever
mixes three shots.

Kinds that the owner asked for are each used at least once where there are cuts enough, and no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from tasks.domain.timeline import Shot
from tasks.domain.transition import Transition, TransitionKind
from tasks.edit.chance import chance, pick
from tasks.edit.flash_limit import LONGEST_RUSH
from tasks.edit.parts import parts_of
from tasks.edit.passages import Role
from tasks.edit.rhythm import is_drop
from tasks.edit.score import Scene, Score

Kind = TransitionKind
Transitions = tuple[Transition | None, ...]

_WIPES_APART_S = 20
_LEAST_FRAMES = 2
_RUSHING = frozenset({Kind.WHIP, Kind.MATCH, Kind.GLITCH})


class _Place(Enum):
    """What a cut stands for: how often it is more than a cut, and the kinds that suit it."""

    INTO_DROP = (1.0, (Kind.FLASH, Kind.GLITCH, Kind.ZOOM))
    INTO_LOUD = (0.85, (Kind.ZOOM, Kind.WHIP, Kind.FLASH, Kind.MATCH, Kind.GLITCH))
    INTO_CALM = (1.0, (Kind.DISSOLVE,))
    TURN = (0.6, (Kind.MATCH, Kind.WIPE, Kind.DISSOLVE, Kind.WHIP))
    IN_CALM = (0.7, (Kind.DISSOLVE,))
    IN_LOUD = (0.15, (Kind.WHIP, Kind.ZOOM, Kind.MATCH, Kind.GLITCH))
    IN_STORY = (0.1, (Kind.MATCH,))
    OFF_BAR = (0.0, ())

    @property
    def is_turn(self) -> bool:
        return self in {_Place.INTO_DROP, _Place.INTO_LOUD, _Place.INTO_CALM, _Place.TURN}


@dataclass(frozen=True, slots=True)
class _Length:
    beats: float
    least_s: float
    most_s: float


_LENGTHS = {
    Kind.DISSOLVE: _Length(1.0, 0.4, 0.7),
    Kind.WHIP: _Length(0.5, 0.2, 0.4),
    Kind.ZOOM: _Length(0.5, 0.2, 0.45),
    Kind.FLASH: _Length(0.5, 0.2, 0.4),
    Kind.GLITCH: _Length(0.5, 0.2, 0.35),
    Kind.WIPE: _Length(1.0, 0.35, 0.7),
    Kind.MATCH: _Length(0.5, 0.2, 0.4),
}
_CALM_DISSOLVE = _Length(2.0, 0.8, 1.5)


def plan_transitions(
    score: Score, allowed: Sequence[TransitionKind] | None, seed: int, *, has_flashes: bool = False
) -> Transitions:
    """Choose how each shot begins: None is a cut, as the first shot's begin always is.

    Parameters
    ----------
    allowed : sequence of TransitionKind or None
        The kinds that may be used; None leaves the choice to taste.
    has_flashes : bool
        The owner asked for flashes as an effect, which mark the same turns: taste marks them otherwise then.
    """
    places = _places(score)
    chosen: list[Transition | None] = [None]
    turned: TransitionKind | None = None
    wiped = -score.frames_of(_WIPES_APART_S)
    for shot, place in zip(score.timeline.cuts, places, strict=True):
        probability, kinds = _suited(place, allowed)
        if allowed is None and has_flashes:
            kinds = tuple(kind for kind in kinds if kind is not Kind.FLASH)
        if shot.frames.start - wiped < score.frames_of(_WIPES_APART_S):
            kinds = tuple(kind for kind in kinds if kind is not Kind.WIPE or kinds == (Kind.WIPE,))
        fresh = tuple(kind for kind in kinds if kind is not turned) or kinds
        wanted = chance(seed, "transition", shot.frames.start) < probability
        if not fresh or not wanted or (chosen[-1] is not None and not place.is_turn):
            chosen.append(None)
            continue
        made = _made(score, shot, place, pick(fresh, seed, "kind of transition", shot.frames.start))
        chosen.append(made)
        if made is not None:
            turned = made.kind if place.is_turn else turned
            wiped = shot.frames.start if made.kind is Kind.WIPE else wiped
    return _with_all_asked(score, places, chosen, allowed or ())


def _places(score: Score) -> list[_Place]:
    places: list[_Place] = []
    before: Scene | None = None
    for scene in score.scenes:
        if before is not None:
            places.append(_turn(before, scene))
        places.extend(_inside(score, scene, shot) for shot in scene.shots[1:])
        before = scene
    return places


def _turn(before: Scene, after: Scene) -> _Place:
    if after.is_loud:
        return _Place.INTO_DROP if is_drop(after.passage) else _Place.INTO_LOUD
    if after.is_calm and not before.is_calm:
        return _Place.INTO_CALM
    return _Place.TURN


def _inside(score: Score, scene: Scene, shot: Shot) -> _Place:
    if not scene.is_calm and not score.is_downbeat(shot.frames.start):
        return _Place.OFF_BAR
    match scene.role:
        case Role.OPEN | Role.CALM:
            return _Place.IN_CALM
        case Role.LOUD:
            return _Place.IN_LOUD
        case _:
            return _Place.IN_STORY


def _suited(place: _Place, allowed: Sequence[TransitionKind] | None) -> tuple[float, tuple[TransitionKind, ...]]:
    """Give the probability of a transition and its kinds; a turn takes any allowed kind before it takes none."""
    probability, kinds = place.value
    if allowed is None:
        return probability, kinds
    kept = tuple(kind for kind in kinds if kind in allowed)
    return probability, kept or (tuple(dict.fromkeys(allowed)) if place.is_turn else ())


def _made(score: Score, shot: Shot, place: _Place, kind: TransitionKind) -> Transition | None:
    """Make a transition as long as its kind, the beat and the shot allow; None where the shot is too short."""
    is_calm = place in {_Place.INTO_CALM, _Place.IN_CALM} and kind is Kind.DISSOLVE
    length = _CALM_DISSOLVE if is_calm else _LENGTHS[kind]
    wanted = round(length.beats * score.beat_length(shot.frames.start))
    bounded = min(max(wanted, score.frames_of(length.least_s)), score.frames_of(length.most_s))
    most = LONGEST_RUSH if kind in _RUSHING else bounded
    frames = min(bounded, most, len(shot.frames) // 2, len(parts_of(len(shot.frames))[0]))
    return Transition(kind=kind, frames=frames) if frames >= _LEAST_FRAMES else None


def _with_all_asked(
    score: Score, places: list[_Place], chosen: list[Transition | None], asked: Sequence[TransitionKind]
) -> Transitions:
    """Give each asked kind that was not used yet a plain cut: turns first, then where the shot is longest."""
    used = {transition.kind for transition in chosen if transition is not None}
    free = [
        (not place.is_turn, -len(shot.frames), shot.index)
        for shot, place in zip(score.timeline.cuts, places, strict=True)
        if chosen[shot.index] is None
    ]
    for kind, (_, _, index) in zip(
        (kind for kind in Kind if kind in asked and kind not in used), sorted(free), strict=False
    ):
        chosen[index] = _made(score, score.timeline.shots[index], places[index - 1], kind)
    return tuple(chosen)
