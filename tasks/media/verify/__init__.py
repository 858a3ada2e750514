"""Measure a finished film from what it decodes to: the judge of every film that we make, and of others'.

Method
------
The film's packets are read once for their time stamps, its pictures and its sound are decoded once, the song is
decoded once; all decoding is done by the guarded child. With a plan each cut is looked for near its frame. A free
search for cuts, which knows no plan, is reported apart. What needs more than pixels and samples, the beats and the
loudness of the film's own sound, is handed over by who can listen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.domain.errors import InvalidInput
from tasks.domain.timebase import FrameRange, frame_count
from tasks.domain.timeline import Timeline, Window
from tasks.media.probe import sound_header
from tasks.media.verify.beats import beat_of_cut, beats_of, nearest
from tasks.media.verify.clock import Clock, cut_drift
from tasks.media.verify.container import SoundTrack
from tasks.media.verify.cuts import find_cuts, found_shots
from tasks.media.verify.doubles import doubled_frames
from tasks.media.verify.drops import dropped_before
from tasks.media.verify.film import Film, measure_film
from tasks.media.verify.follow import follow
from tasks.media.verify.judge import find_problems
from tasks.media.verify.measured import Beats, Cut, OwnSound, Sound
from tasks.media.verify.remarks import find_warnings
from tasks.media.verify.report import Joins, Report
from tasks.media.verify.search import Found, search_cuts, sure
from tasks.media.verify.sound import Heard, hear_song, width

__all__ = ["OwnSound", "Report", "verify"]

_WIDE = 1e-4  # share of the power in the difference of the channels that makes a song stereo
_NARROWED = 0.1
_COLUMNS = 480  # of the waveform
_SWITCHED_OFF = "flash limiting switched off"


def verify(
    video: Path,
    song: Path | None,
    *,
    ffmpeg: str,
    timeline: Timeline | None = None,
    beats: Sequence[float] | None = None,
    own: OwnSound | None = None,
) -> Report:
    """Measure ``video``, and compare it with its song and its plan.

    Parameters
    ----------
    song : Path or None
        Without one the sound's lag is not measured.
    timeline : Timeline, optional
        The plan; it also says which part of the song the film shows.
    beats : sequence of float, optional
        Beats in seconds of the song, against which cuts are measured instead of the plan's own.
    own : OwnSound, optional
        What listening to the film's sound gave.

    Raises
    ------
    InvalidInput
        If one of the files is no film or no song.
    """
    window = timeline.window if timeline else None
    wanted = _song(song, window, ffmpeg) if song else None
    film = measure_film(video, timeline.frame_rate if timeline else None, ffmpeg=ffmpeg)
    chosen = beats_of(timeline, beats, own.beats if own else ())
    cuts = _cuts(film, timeline, chosen)
    detected = _detected(film, chosen)
    stretches = _stretches(film, cuts, detected)
    doubled = _unplanned(doubled_frames(film.pictures, stretches), film.clock, timeline)
    expected = _expected(film, wanted, timeline)
    missing = max(0, expected - film.pictures.frames + (len(doubled) if timeline else 0))
    short = _shortened(cuts, stretches, expected) if timeline else stretches
    clock = film.clock
    measured = Report(
        fps=clock.rate,
        frames=film.pictures.frames,
        expected_frames=expected,
        decode_errors=len(film.errors) + film.undelivered,
        doubled=tuple(clock.place(frame) for frame in doubled),
        missing=missing,
        dropped=tuple(clock.place(frame) for frame in dropped_before(film.pictures, short, missing)),
        irregular_pts=clock.irregular,
        gaps=clock.gaps,
        joins=_joins(clock, cuts, detected),
        planned=timeline is not None,
        cuts=cuts,
        cut_error_max_frames=_worst(cuts) if timeline else None,
        drift_frames=(clock.drift + _cut_drift(cuts)) * film.pictures.frames,
        beats=chosen,
        detected=detected,
        flashes=film.pictures.flashes,
        limiter_off=any(_SWITCHED_OFF in tag for tag in film.tags),
        black=_runs(film.pictures.black),
        picture_s=clock.end_s,
        sound_s=film.heard.duration_s if film.heard else None,
        sound=_sound(wanted, film, own),
        levels=_levels(film.heard),
    )
    problems = tuple(find_problems(measured, film, timeline))
    return replace(measured, problems=problems, warnings=tuple(find_warnings(measured, timeline)))


def _unplanned(doubled: Sequence[int], clock: Clock, timeline: Timeline | None) -> tuple[int, ...]:
    """Leave out pictures that are shown again where the plan says that they may be."""
    if timeline is None:
        return tuple(doubled)
    return tuple(picture for picture in doubled if not timeline.may_repeat(clock.place(picture)))


def _song(song: Path, window: Window | None, ffmpeg: str) -> Heard:
    header = sound_header(song)
    if header.sample_rate > 0 and header.channels > 0:
        track = SoundTrack(sample_rate=header.sample_rate, channels=header.channels)
        heard = hear_song(song, track, window, ffmpeg=ffmpeg)
        if heard.duration_s > 0:
            return heard
    raise InvalidInput(
        f"{song.name} holds no sound that can be decoded; export or download the song again.", code="song_not_media"
    )


def _expected(film: Film, song: Heard | None, timeline: Timeline | None) -> int:
    """Count the frames that the song asks for; without one those of the plan, or of the film's own sound."""
    rate = timeline.frame_rate if timeline else film.clock.rate
    if song is not None:
        return frame_count(_shown_s(song, timeline.window if timeline else None), rate)
    if timeline is not None:
        return timeline.frames
    return frame_count(film.heard.duration_s, rate) if film.heard else film.pictures.frames


def _shown_s(song: Heard, window: Window | None) -> Fraction:
    """Return how much of the song the film shows: the window, as far as there is a song."""
    if window is None:
        return song.duration_s
    return max(Fraction(0), min(window.end_s, song.duration_s) - window.start_s)


def _cuts(film: Film, timeline: Timeline | None, beats: Beats) -> tuple[Cut, ...]:
    if timeline is None:
        return ()
    clock = film.clock
    planned = [clock.picture(cut.frames.start) for cut in timeline.cuts]
    pictures = find_cuts(film.pictures, planned, [cut.transition for cut in timeline.cuts])
    cuts = []
    for place, (cut, picture) in enumerate(zip(timeline.cuts, pictures, strict=True)):
        found = None if picture is None else clock.place(picture)
        beat_s = beat_of_cut(timeline, place, beats)
        own_beat_s = nearest(beats.own, float(cut.frames.start / clock.rate))
        cuts.append(
            Cut(
                frame=cut.frames.start,
                transition=cut.transition.kind if cut.transition else None,
                frames=cut.transition.frames if cut.transition else 0,
                found_frame=found,
                beat_s=beat_s,
                error_frames=_error(found, beat_s, clock),
                own_beat_s=own_beat_s,
                own_error_frames=_error(found, own_beat_s, clock),
            )
        )
    return tuple(cuts)


def _error(frame: int | None, beat_s: float | None, clock: Clock) -> float | None:
    return None if frame is None or beat_s is None else frame - beat_s * float(clock.rate)


def _detected(film: Film, beats: Beats) -> tuple[Found, ...]:
    clock = film.clock
    found = []
    for cut in search_cuts(film.pictures):
        frame = clock.place(cut.frame)
        beat_s = nearest(beats.times, float(frame / clock.rate))
        found.append(replace(cut, frame=frame, beat_s=beat_s, error_frames=_error(frame, beat_s, clock)))
    return tuple(found)


def _stretches(film: Film, cuts: Sequence[Cut], detected: Sequence[Found]) -> tuple[FrameRange, ...]:
    """Give the shots as the film shows them, in pictures; without a plan those between cuts that were found."""
    clock, frames = film.clock, film.pictures.frames
    if cuts:
        found = [None if cut.found_frame is None else clock.picture(cut.found_frame) for cut in cuts]
        return found_shots(found, [clock.picture(cut.frame) for cut in cuts], frames)
    places = [clock.picture(cut.frame) for cut in sure(detected)]
    return found_shots(places, places, frames)


def _shortened(cuts: Sequence[Cut], stretches: Sequence[FrameRange], expected: int) -> list[FrameRange]:
    """Give the shots that are shorter than planned, the last one as the film's end tells; all if none is."""
    moved = {cut.found_frame: cut.found_frame - cut.frame for cut in cuts if cut.found_frame is not None}
    end = stretches[-1].end
    moved[end] = end - expected
    return [stretch for stretch in stretches if moved.get(stretch.end, 0) < moved.get(stretch.start, 0)] or list(
        stretches
    )


def _joins(clock: Clock, cuts: Sequence[Cut], detected: Sequence[Found]) -> Joins:
    """Count the cuts with a keyframe: the planned ones, or without a plan those that were found."""
    frames = [cut.frame for cut in cuts] or [cut.frame for cut in sure(detected)]
    return Joins(keyframes=clock.keyframes, at_cuts=len(frozenset(clock.keyframes).intersection(frames)))


def _runs(marks: NDArray[np.bool_]) -> tuple[FrameRange, ...]:
    edges = np.flatnonzero(np.diff(marks.astype(np.int8), prepend=0, append=0))
    return tuple(FrameRange(int(start), int(end)) for start, end in edges.reshape(-1, 2))


def _levels(heard: Heard | None) -> NDArray[np.float32]:
    """Give the largest sample of each of `_COLUMNS` stretches of the sound."""
    if heard is None or not len(heard.samples):
        return np.zeros(0, np.float32)
    loudest = np.abs(heard.samples).max(axis=1)
    return np.maximum.reduceat(loudest, np.linspace(0, len(loudest), _COLUMNS, endpoint=False).astype(int))


def _cut_drift(cuts: Sequence[Cut]) -> float:
    found = [(cut.frame, cut.found_frame) for cut in cuts if cut.found_frame is not None]
    return cut_drift([frame for frame, _ in found], [at for _, at in found])


def _worst(cuts: Sequence[Cut]) -> float:
    return max((abs(cut.error_frames) for cut in cuts if cut.error_frames is not None), default=0.0)


def _sound(song: Heard | None, film: Film, own: OwnSound | None) -> Sound:
    heard = film.heard
    alone = Sound(
        channels=heard.channels if heard else 0,
        song_channels=song.channels if song else None,
        loudness=own.loudness if own else None,
    )
    if song is None:
        return alone
    if heard is None or not len(heard.samples):
        return replace(alone, similarity=0.0)
    course = follow(song.samples, heard.samples)
    song_width = width(song.samples)
    return replace(
        alone,
        lag_ms=course.likeness.lag_s * 1000,
        lag_samples=round(course.likeness.lag_s * heard.sample_rate),
        drift=course.drift,
        jump=None if course.jump is None else (course.jump[0], course.jump[1] * 1000),
        similarity=course.likeness.similarity,
        stereo_lost=song_width > _WIDE and width(heard.samples) < _NARROWED * song_width,
    )
