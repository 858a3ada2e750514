"""What the edit is set to: the timeline's shots with the sections and the beats that they lie in.

A timeline may have been changed by its owner since it was cut; what its shots show follows from where they are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import groupby

from tasks.domain.analysis import Analysis
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Shot, Timeline
from tasks.edit.passages import FilmBeat, Passage, Role, passages_of

_SETTLE_S = Fraction(1, 5)
_BEAT_S = Fraction(1, 2)
_SLOW_BEAT_S = Fraction(1)


@dataclass(frozen=True, slots=True)
class Scene:
    """Shots that follow each other inside one section."""

    passage: Passage
    shots: tuple[Shot, ...]

    @property
    def frames(self) -> FrameRange:
        """Where it is in the film."""
        return FrameRange(self.shots[0].frames.start, self.shots[-1].frames.end)

    @property
    def role(self) -> Role:
        """What part its section plays."""
        return self.passage.role

    @property
    def is_loud(self) -> bool:
        """Its section lets go."""
        return self.role is Role.LOUD

    @property
    def is_calm(self) -> bool:
        """Its section opens, closes or rests."""
        return self.role in {Role.OPEN, Role.CALM}


@dataclass(frozen=True, slots=True)
class Turn:
    """A cut between two scenes."""

    before: Scene
    after: Scene

    @property
    def shot(self) -> Shot:
        """The shot that the cut begins."""
        return self.after.shots[0]

    @property
    def last(self) -> Shot:
        """The shot that the cut ends."""
        return self.before.shots[-1]

    @property
    def rise(self) -> float:
        """By how much the energy rises, -1..1."""
        return self.after.passage.level - self.before.passage.level


@dataclass(frozen=True)
class Score:
    """The film's shots, scenes and beats, all in frames.

    Attributes
    ----------
    scenes : tuple of Scene
        They hold all shots of the timeline, in order.
    beats : tuple of FilmBeat
        In order.
    """

    timeline: Timeline
    scenes: tuple[Scene, ...]
    beats: tuple[FilmBeat, ...]

    @classmethod
    def of(cls, analysis: Analysis, timeline: Timeline) -> Score:
        """Lay the timeline over what was heard."""
        passages = passages_of(analysis, timeline.frame_rate, timeline.window)
        starts = [passage.frames.start for passage in passages]
        settle = round(_SETTLE_S * timeline.frame_rate)

        def passage_of(shot: Shot) -> int:
            # a cut that its owner moved a little before the section's beat still opens the section
            return bisect_right(starts, shot.frames.start + min(len(shot.frames) // 2, settle)) - 1

        groups = groupby(timeline.shots, key=passage_of)
        scenes = tuple(Scene(passages[place], tuple(shots)) for place, shots in groups)
        return cls(timeline, scenes, tuple(beat for passage in passages for beat in passage.beats))

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second."""
        return self.timeline.frame_rate

    @property
    def frames(self) -> int:
        """Length of the film in frames."""
        return self.timeline.frames

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """The cuts between scenes, in order."""
        return tuple(Turn(a, b) for a, b in zip(self.scenes, self.scenes[1:], strict=False))

    @cached_property
    def _beat_frames(self) -> list[int]:
        return [beat.frame for beat in self.beats]

    def frames_of(self, seconds: float | Fraction) -> int:
        """Count the frames nearest to a length in seconds; at least one."""
        return max(1, round(Fraction(seconds) * self.frame_rate))

    def beats_in(self, frames: FrameRange) -> tuple[FilmBeat, ...]:
        """Give the beats on the frames of a stretch."""
        first, last = (bisect_left(self._beat_frames, frame) for frame in (frames.start, frames.end))
        return self.beats[first:last]

    def next_beat(self, frame: int) -> int:
        """Give the first beat's frame after ``frame``; where a beat is slow or none comes, the half beat's."""
        after = bisect_right(self._beat_frames, frame)
        slow = self.frames_of(_SLOW_BEAT_S)
        if after < len(self._beat_frames):
            gap = self._beat_frames[after] - frame
            if gap <= slow:
                return frame + gap
            if gap <= 2 * slow:
                return frame + (gap + 1) // 2
        return frame + self.frames_of(_BEAT_S)

    def beat_before(self, frame: int) -> int:
        """Give the last beat's frame before ``frame``; half a second before it where none is near."""
        before = bisect_left(self._beat_frames, frame) - 1
        if before >= 0 and frame - self._beat_frames[before] <= self.frames_of(_SLOW_BEAT_S):
            return self._beat_frames[before]
        return frame - self.frames_of(_BEAT_S)

    def beat_length(self, frame: int) -> int:
        """Give the frames from ``frame`` to the beat after it."""
        return self.next_beat(frame) - frame

    def is_downbeat(self, frame: int) -> bool:
        """Say whether a bar begins on ``frame``."""
        return frame in self._downbeat_frames

    @cached_property
    def _downbeat_frames(self) -> frozenset[int]:
        return frozenset(beat.frame for beat in self.beats if beat.is_downbeat)


def loudest(scenes: Iterable[Scene]) -> tuple[Scene, ...]:
    """Give the loud scenes; where none is, those that are as loud as the loudest."""
    known = tuple(scenes)
    loud = tuple(scene for scene in known if scene.is_loud)
    top = max(scene.passage.level for scene in known)
    return loud or tuple(scene for scene in known if scene.passage.level == top)


def calmest(scenes: Iterable[Scene]) -> tuple[Scene, ...]:
    """Give the calm scenes, an intro and an outro among them; where none is, the quietest."""
    known = tuple(scenes)
    calm = tuple(scene for scene in known if scene.is_calm)
    low = min(scene.passage.level for scene in known)
    return calm or tuple(scene for scene in known if scene.passage.level == low)
