"""The song as the film shows it: its beats and sections as frames, and what part each section plays.

Method
------
A beat's frame is the nearest one. A section begins on the beat that is at most half a beat from its border, otherwise
on the frame nearest to the border. How loud a section is counts within its song: most songs are mastered so evenly
that the energies of a verse and a chorus differ little, and yet the chorus is the loud one.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import accumulate, pairwise
from statistics import median

from tasks.domain.analysis import Analysis, Beat, Section
from tasks.domain.timebase import FrameRange, frame_count, nearest_frame
from tasks.domain.timeline import Window

_OPEN_LABELS = frozenset({"intro", "outro"})
_CALM_LABELS = frozenset({"break", "breakdown", "interlude"})
_BUILD_LABELS = frozenset({"pre-chorus", "prechorus", "build", "build-up", "buildup", "riser"})
_LOUD_LABELS = frozenset({"chorus", "drop", "hook", "refrain"})
_SPREAD = 0.3
_QUIET, _LOUD_LEVEL = 0.3, 0.7
_LONG_S, _NOT_QUIET = 30.0, 0.5
_USUAL_BAR = 4
_NO_BEAT_S = 0.5


class Role(StrEnum):
    """What part a section plays: it opens or closes, rests, tells, builds up or lets go."""

    OPEN = "open"
    CALM = "calm"
    STORY = "story"
    BUILD = "build"
    LOUD = "loud"


@dataclass(frozen=True, slots=True)
class FilmBeat:
    """A beat in the film: its frame, its time in seconds of the film, and whether a bar begins with it."""

    frame: int
    film_s: float
    is_downbeat: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A section of the song in the film.

    Attributes
    ----------
    index : int
        The section's place in the song.
    label, cluster, valence
        What was heard of it.
    returns : int
        How many sections of its label and cluster come before it in the song.
    level : float
        Energy within its song, 0..1.
    is_finale : bool
        It is the last loud section of at least two.
    frames : FrameRange
        Where it is in the film.
    beats : tuple of FilmBeat
        Its beats in order.
    bar_beats : int
        Beats in a bar of the song.
    """

    index: int
    label: str
    cluster: str
    returns: int
    role: Role
    level: float
    valence: float | None
    is_finale: bool
    frames: FrameRange
    beats: tuple[FilmBeat, ...]
    bar_beats: int

    @property
    def starts_on(self) -> FilmBeat | None:
        """The beat that it begins on, if it begins on one."""
        return self.beats[0] if self.beats and self.beats[0].frame == self.frames.start else None

    def bars(self) -> tuple[tuple[FilmBeat, ...], ...]:
        """Give the beats of each of its bars, from its first downbeat on; without downbeats from its first beat."""
        starts = [place for place, beat in enumerate(self.beats) if beat.is_downbeat]
        starts = starts or list(range(0, len(self.beats), self.bar_beats))
        return tuple(self.beats[a:b] for a, b in pairwise([*starts, len(self.beats)]))

    def beat_s(self) -> float:
        """Give the usual time from beat to beat, in seconds; half a second where there are no two beats."""
        steps = [after.film_s - before.film_s for before, after in pairwise(self.beats)]
        return median(steps) if steps else _NO_BEAT_S


def passages_of(analysis: Analysis, frame_rate: Fraction, window: Window | None) -> tuple[Passage, ...]:
    """Give the song's sections as the film of ``window`` shows them, in order and without a gap."""
    shown = window or Window(start_s=Fraction(0), end_s=analysis.duration_s)
    frames = frame_count(shown.duration_s, frame_rate)
    beats, bar_beats = _beats(analysis, frame_rate, shown, frames), _bar_beats(analysis)
    wished = (
        min(max(nearest_frame(_start_s(analysis, place) - shown.start_s, frame_rate), 0), frames)
        for place in range(len(analysis.sections))
    )
    starts = list(accumulate(wished, max))
    levels, found = _levels(analysis), []
    roles = _roles(analysis.sections, levels)
    loud = [place for place, role in enumerate(roles) if role is Role.LOUD]
    for place, (start, end) in enumerate(zip(starts, [*starts[1:], frames], strict=True)):
        section = analysis.sections[place]
        if start < end:
            found.append(
                Passage(
                    index=place,
                    label=section.label,
                    cluster=section.cluster,
                    returns=sum(_name(other) == _name(section) for other in analysis.sections[:place]),
                    role=roles[place],
                    level=levels[place],
                    valence=section.valence,
                    is_finale=len(loud) > 1 and place == loud[-1],
                    frames=FrameRange(start, end),
                    beats=tuple(beat for beat in beats if start <= beat.frame < end),
                    bar_beats=bar_beats,
                )
            )
    return tuple(found)


def _beats(analysis: Analysis, frame_rate: Fraction, shown: Window, frames: int) -> list[FilmBeat]:
    downbeats = set(analysis.downbeats)
    found = []
    for beat in analysis.beats:
        film_s = Fraction(beat.time_s) - shown.start_s
        frame = nearest_frame(film_s, frame_rate)
        if film_s >= 0 and frame < frames:
            is_downbeat = beat.position == 1 if beat.position is not None else beat.time_s in downbeats
            found.append(FilmBeat(frame, float(film_s), is_downbeat))
    return found


def _bar_beats(analysis: Analysis) -> int:
    """Count the beats of most bars."""
    times = [beat.time_s for beat in analysis.beats]
    places = [bisect_left(times, downbeat) for downbeat in analysis.downbeats]
    steps = [after - before for before, after in pairwise(places) if after > before]
    return max(set(steps), key=lambda step: (steps.count(step), -step)) if steps else _USUAL_BAR


def _start_s(analysis: Analysis, place: int) -> Fraction:
    """Give the moment at which a section begins: its border, or the beat that it stands for."""
    border = analysis.sections[place].start_s
    near = _nearest(analysis.beats, border)
    if near is None or place == 0:
        return Fraction(border)
    times = [beat.time_s for beat in analysis.beats[max(near - 1, 0) : near + 2]]
    step = max((b - a for a, b in pairwise(times)), default=0.0)
    beat_s = analysis.beats[near].time_s
    return Fraction(beat_s if abs(beat_s - border) <= min(step, 2 * _NO_BEAT_S) / 2 else border)


def _nearest(beats: tuple[Beat, ...], time_s: float) -> int | None:
    if not beats:
        return None
    after = bisect_left(beats, time_s, key=lambda beat: beat.time_s)
    around = [place for place in (after - 1, after) if 0 <= place < len(beats)]
    return min(around, key=lambda place: abs(beats[place].time_s - time_s))


def _levels(analysis: Analysis) -> list[float]:
    """Give the energy of each section within the song: the more it varies, the more the quietest counts as silent."""
    energies = [section.energy for section in analysis.sections]
    low, high = min(energies), max(energies)
    weight = min(1.0, (high - low) / _SPREAD)
    return [(1 - weight) * energy + weight * (energy - low) / (high - low) if weight else energy for energy in energies]


def _name(section: Section) -> tuple[str, str]:
    return section.label, section.cluster


def _roles(sections: tuple[Section, ...], levels: list[float]) -> list[Role]:
    has_loud = any(_kind_of(section.label) in _LOUD_LABELS for section in sections)
    return [_role(section, level, has_loud=has_loud) for section, level in zip(sections, levels, strict=True)]


def _role(section: Section, level: float, *, has_loud: bool) -> Role:
    label = _kind_of(section.label)
    if label in _OPEN_LABELS and section.end_s - section.start_s > _LONG_S and level > _NOT_QUIET:
        return Role.STORY
    for labels, role in (
        (_LOUD_LABELS, Role.LOUD),
        (_OPEN_LABELS, Role.OPEN),
        (_CALM_LABELS, Role.CALM),
        (_BUILD_LABELS, Role.BUILD),
    ):
        if label in labels:
            return role
    if level < _QUIET:
        return Role.CALM
    return Role.LOUD if level >= _LOUD_LEVEL and not has_loud else Role.STORY


def _kind_of(label: str) -> str:
    """Read "Chorus 2" as a chorus and "Pre Chorus" as a pre-chorus: owners name sections in their own way."""
    return label.casefold().rstrip(" 0123456789").replace(" ", "-")
