"""Measure a finished film from what it decodes to: the judge of every film that we make.

Method
------
The film's packets are read once for their time stamps, its pictures and its sound are decoded once, the song is
decoded once; all decoding is done by the guarded child. With a plan each cut is looked for near its frame.
Without one cuts are not looked for, and repeated pictures are reported but do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from tasks.domain.errors import InvalidInput
from tasks.domain.timebase import frame_count
from tasks.domain.timeline import Timeline, Window
from tasks.media.probe import sound_header
from tasks.media.verify.beats import beats_of_cuts, read_beats
from tasks.media.verify.clock import cut_drift
from tasks.media.verify.container import SoundTrack
from tasks.media.verify.cuts import find_cuts, found_shots
from tasks.media.verify.doubles import doubled_frames
from tasks.media.verify.film import Film, measure_film
from tasks.media.verify.judge import find_problems
from tasks.media.verify.report import Cut, Report, Sound
from tasks.media.verify.sound import Heard, compare, hear_song, width

__all__ = ["Report", "read_beats", "verify"]

_WIDE = 1e-4  # share of the power in the difference of the channels that makes a song stereo
_NARROWED = 0.1


def verify(
    video: Path, song: Path, *, ffmpeg: str, timeline: Timeline | None = None, beats: Sequence[float] | None = None
) -> Report:
    """Measure ``video`` against its song.

    Parameters
    ----------
    timeline : Timeline, optional
        The plan; it also says which part of the song the film shows.
    beats : sequence of float, optional
        Beats in seconds of the song, against which cuts are measured instead of the plan's own.

    Raises
    ------
    InvalidInput
        If one of the files is no film or no song.
    """
    window = timeline.window if timeline else None
    wanted = _song(song, window, ffmpeg)
    film = measure_film(video, timeline.frame_rate if timeline else None, ffmpeg=ffmpeg)
    expected = frame_count(_shown_s(wanted, window), timeline.frame_rate if timeline else film.clock.rate)
    cuts = _cuts(film, timeline, beats)
    doubled = _doubled(film, cuts)
    measured = Report(
        fps=film.clock.rate,
        frames=film.pictures.frames,
        expected_frames=expected,
        decode_errors=len(film.errors) + film.undelivered,
        duplicates=len(doubled),
        missing=max(0, expected - film.pictures.frames + (len(doubled) if timeline else 0)),
        irregular_pts=film.clock.irregular,
        cuts=cuts,
        cut_error_max_frames=_worst(cuts) if timeline else None,
        drift_frames=(film.clock.drift + _cut_drift(cuts)) * film.pictures.frames,
        picture_s=film.clock.end_s,
        sound_s=film.heard.duration_s if film.heard else None,
        sound=_sound(wanted, film.heard),
        problems=(),
    )
    return replace(measured, problems=tuple(find_problems(measured, film, timeline, doubled)))


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


def _shown_s(song: Heard, window: Window | None) -> Fraction:
    """Return how much of the song the film shows: the window, as far as there is a song."""
    if window is None:
        return song.duration_s
    return max(Fraction(0), min(window.end_s, song.duration_s) - window.start_s)


def _cuts(film: Film, timeline: Timeline | None, beats: Sequence[float] | None) -> tuple[Cut, ...]:
    if timeline is None:
        return ()
    planned = [cut.frames.start for cut in timeline.cuts]
    rate = float(film.clock.rate)
    return tuple(
        Cut(
            frame=frame,
            found_frame=found,
            beat_s=beat_s,
            error_frames=None if found is None or beat_s is None else found - beat_s * rate,
        )
        for frame, found, beat_s in zip(
            planned, find_cuts(film.pictures, planned), beats_of_cuts(timeline, beats), strict=True
        )
    )


def _doubled(film: Film, cuts: Sequence[Cut]) -> tuple[int, ...]:
    shots = found_shots([cut.found_frame for cut in cuts], [cut.frame for cut in cuts], film.pictures.frames)
    return doubled_frames(film.pictures, shots)


def _cut_drift(cuts: Sequence[Cut]) -> float:
    found = [(cut.frame, cut.found_frame) for cut in cuts if cut.found_frame is not None]
    return cut_drift([frame for frame, _ in found], [at for _, at in found])


def _worst(cuts: Sequence[Cut]) -> float:
    return max((abs(cut.error_frames) for cut in cuts if cut.error_frames is not None), default=0.0)


def _sound(song: Heard, film: Heard | None) -> Sound:
    channels = film.channels if film else 0
    if film is None or not len(film.samples):
        return Sound(lag_ms=None, similarity=0.0, channels=channels, song_channels=song.channels, stereo_lost=False)
    likeness = compare(song.samples, film.samples)
    song_width = width(song.samples)
    return Sound(
        lag_ms=likeness.lag_s * 1000,
        similarity=likeness.similarity,
        channels=channels,
        song_channels=song.channels,
        stereo_lost=song_width > _WIDE and width(film.samples) < _NARROWED * song_width,
    )
