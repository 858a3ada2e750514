"""Which clip each shot shows, which part of it, and how it is brought to the shot's length.

Method
------
In order: clips follow each other as they were given, and begin anew when all were shown. By motion: each shot takes
the clip whose place among the clips by motion is nearest to the shot's place among the shots by energy, unless that
clip was shown more than its share or shortly before; no clip is shown twice in a row if there are two.

A clip that is shown n times is parted into n equal stretches, and each time shows the best part of its next stretch:
in loud shots the liveliest, in calm ones the calmest, between by the shot's energy. A part is as long as the shot and
what the next transition still shows of it. A shorter clip is slowed down, to half its speed at most; what is missing
then is its pictures backwards and forwards again if it is lively, or its last picture if it is still.

Where flashes are limited, a part with more than three within a second is passed by if its stretch has another; if not,
the shot shows one picture of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import fmean

from tasks.domain.clip import SLOWEST, Beyond, ClipShot, Fit
from tasks.domain.footage import MOTION_EVERY_S, FootageFacts
from tasks.domain.request import Deal
from tasks.domain.timeline import Shot
from tasks.edit.chance import chance
from tasks.edit.flash_limit import MOST_CHANGES
from tasks.edit.score import Score
from tasks.edit.transitions import Transitions

_LIVELY = 0.3
_STILL_MOTION = 0.0
_OVERUSED, _RECENT, _TIE = 0.6, 0.3, 0.01
_SPEED_STEPS = 1000


@dataclass(frozen=True, slots=True)
class _Stretch:
    """One showing of a clip: the part of its clock that it may choose from."""

    start_s: Fraction
    end_s: Fraction


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How long a part a shot needs, how loud the shot is, 0..1, and how many flashes a second the part may have."""

    length_s: Fraction
    energy: float
    most_flashes: float


@dataclass(frozen=True, slots=True)
class Dealt:
    """What a shot shows; ``flashes`` are those that its part of the clip has within a second.

    ``is_held`` if they were too many, so that one picture is shown.
    """

    clip: ClipShot
    flashes: float
    is_held: bool


def deal_footage(
    score: Score,
    transitions: Transitions,
    footage: Sequence[FootageFacts],
    *,
    deal: Deal,
    fit: Fit,
    seed: int,
    limit_flashes: bool = True,
) -> tuple[Dealt, ...]:
    """Give each shot its clip.

    Parameters
    ----------
    transitions : tuple of Transition or None
        How each shot begins; what the next one still shows of a shot is part of its need.
    footage : sequence of FootageFacts
        At least one, in the order in which they were given.
    """
    shots, energies = score.timeline.shots, _energies(score)
    dealt = _in_order(shots, footage) if deal is Deal.ORDER else _by_motion(energies, footage, seed)
    total = [dealt.count(place) for place in range(len(footage))]
    shown = [0] * len(footage)
    clips = []
    for shot, place in zip(shots, dealt, strict=True):
        clip, following = footage[place], transitions[shot.index + 1 : shot.index + 2]
        handle = following[0].frames if following and following[0] is not None else 0
        need_s = (len(shot.frames) + handle) / score.frame_rate
        stretch = _stretch(clip, shown[place], total[place], need_s)
        shown[place] += 1
        wanted = _Wanted(need_s, energies[shot.index], MOST_CHANGES // 2 if limit_flashes else math.inf)
        clips.append(_fitted(clip, stretch, wanted, fit))
    return tuple(clips)


def _energies(score: Score) -> list[float]:
    return [scene.passage.level for scene in score.scenes for _ in scene.shots]


def _in_order(shots: Sequence[Shot], footage: Sequence[FootageFacts]) -> list[int]:
    return [shot.index % len(footage) for shot in shots]


def _by_motion(energies: Sequence[float], footage: Sequence[FootageFacts], seed: int) -> list[int]:
    """Deal lively footage to loud shots; the places of both are ranks in 0..1."""
    lively = _ranks([_motion(clip) for clip in footage])
    loud = _ranks(energies)
    share = len(energies) / len(footage)
    dealt: list[int] = []
    uses, last = [0] * len(footage), [-len(energies) - 1] * len(footage)
    for index, rank in enumerate(loud):

        def cost(place: int, index: int = index, rank: float = rank) -> float:
            return (
                abs(lively[place] - rank)
                + _OVERUSED * uses[place] / share
                + _RECENT / (index - last[place])
                + _TIE * chance(seed, "footage", index, place)
            )

        free = [place for place in range(len(footage)) if last[place] != index - 1 or len(footage) == 1]
        chosen = min(free, key=cost)
        uses[chosen], last[chosen] = uses[chosen] + 1, index
        dealt.append(chosen)
    return dealt


def _ranks(values: Sequence[float]) -> list[float]:
    """Give each value's place among all, 0..1; equal values share the middle of their places."""
    order = sorted(values)
    last = max(len(order) - 1, 1)
    return [
        (order.index(value) + len(order) - 1 - order[::-1].index(value)) / 2 / last if len(order) > 1 else 0.0
        for value in values
    ]


def _stretch(clip: FootageFacts, showing: int, showings: int, need_s: Fraction) -> _Stretch:
    """Give the stretch of one showing; where the stretches are shorter than what is needed, they overlap."""
    start_s, end_s = (clip.duration_s * edge / showings for edge in (showing, showing + 1))
    if end_s - start_s < need_s:
        start_s = max(min(start_s, clip.duration_s - need_s), Fraction(0))
        end_s = min(start_s + need_s, clip.duration_s)
    return _Stretch(start_s, end_s)


def _fitted(clip: FootageFacts, stretch: _Stretch, wanted: _Wanted, fit: Fit) -> Dealt:
    length_s, need_s = stretch.end_s - stretch.start_s, wanted.length_s
    if length_s >= need_s:
        start_s, part_s, speed = _best_start(clip, stretch, wanted), need_s, Fraction(1)
    else:
        # rounded down, so that the part lasts until the end of what is needed
        exact = Fraction(math.floor(length_s / need_s * _SPEED_STEPS), _SPEED_STEPS)
        start_s, part_s, speed = stretch.start_s, length_s, max(exact, SLOWEST)
    flashes = clip.flashes_of(start_s, part_s)
    is_held = flashes > wanted.most_flashes
    if is_held:
        part_s, speed = min(part_s, 1 / clip.frame_rate), Fraction(1)
    is_lively = _motion(clip) >= _LIVELY and not is_held
    shot = ClipShot(
        content_key=clip.content_key,
        start_s=start_s,
        length_s=part_s,
        speed=speed,
        beyond=Beyond.BOOMERANG if is_lively else Beyond.FREEZE,
        fit=fit,
        focus=clip.focus_of(start_s, part_s),
        untagged=clip.matrix,
    )
    return Dealt(shot, flashes, is_held)


def _best_start(clip: FootageFacts, stretch: _Stretch, wanted: _Wanted) -> Fraction:
    """Choose the part whose motion suits the energy; of parts that suit equally the first.

    Parts that flash more often than that are chosen only where there are no others.
    """
    need_s = wanted.length_s
    last_s = stretch.end_s - need_s
    first = math.ceil(stretch.start_s / MOTION_EVERY_S)
    grid = [place * MOTION_EVERY_S for place in range(first, math.floor(last_s / MOTION_EVERY_S) + 1)]
    starts = grid or [stretch.start_s]
    starts = [start_s for start_s in starts if clip.flashes_of(start_s, need_s) <= wanted.most_flashes] or starts
    motions = [_motion_between(clip, start_s, start_s + need_s) for start_s in starts]
    suits = min(motions) + wanted.energy * (max(motions) - min(motions))
    best = min(range(len(starts)), key=lambda place: abs(motions[place] - suits))
    return starts[best]


def _motion(clip: FootageFacts) -> float:
    return fmean(clip.motion) if clip.motion else _STILL_MOTION


def _motion_between(clip: FootageFacts, start_s: Fraction, end_s: Fraction) -> float:
    part = clip.motion[math.floor(start_s / MOTION_EVERY_S) : math.ceil(end_s / MOTION_EVERY_S)]
    return fmean(part) if part else _STILL_MOTION
