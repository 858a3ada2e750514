"""Say in sentences what a film has wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from tasks.domain.timebase import rate_text
from tasks.domain.timeline import Timeline
from tasks.media.verify.cuts import REACH
from tasks.media.verify.film import Film
from tasks.media.verify.report import Cut, Report, Sound

MOST_CUT_ERROR = 0.5 + 1e-6  # frames
MOST_LAG_MS = 10.0
LEAST_SIMILARITY = 0.9
MOST_DRIFT = 2e-4  # of the film's length

_SAME_SONG = 0.5  # similarity below which a lag means nothing
_MOST_NAMED = 5


def find_problems(report: Report, film: Film, timeline: Timeline | None, doubled: Sequence[int]) -> Iterator[str]:
    """Give one sentence for each thing that is not as it should be.

    Parameters
    ----------
    report : Report
        The measurements.
    film : Film
        The evidence behind them.
    doubled : sequence of int
        The frames that show their predecessor again.
    """
    yield from _about_decoding(film)
    yield from _about_frames(report, timeline)
    yield from _about_time(report, timeline)
    yield from _about_cuts(report.cuts)
    if timeline is not None:
        yield from _about_repeats(report, doubled)
    yield from _about_sound(report.sound)
    yield from _about_lengths(report.picture_s, report.sound_s, report.fps)


def _about_decoding(film: Film) -> Iterator[str]:
    if film.errors:
        first = film.errors[0].rpartition("] ")[2].rstrip(".")
        yield f"Decoding reports {_count(len(film.errors), 'error')}, the first: {first}."
    if film.undelivered:
        yield f"{_count(film.undelivered, 'frame')} of the file cannot be decoded."


def _about_frames(report: Report, timeline: Timeline | None) -> Iterator[str]:
    frames, expected = report.frames, report.expected_frames
    if frames != expected:
        difference = _count(abs(expected - frames), "frame")
        end = "missing" if frames < expected else "too many"
        yield f"The film has {frames} frames, its song asks for {expected}: {difference} {end}."
    if timeline is not None and timeline.frames != frames:
        yield f"The film has {frames} frames, its plan {timeline.frames}."


def _about_time(report: Report, timeline: Timeline | None) -> Iterator[str]:
    rate = rate_text(report.fps)
    if timeline is not None and report.fps != timeline.frame_rate:
        yield f"The film runs at {rate} frames a second, its plan says {rate_text(timeline.frame_rate)}."
    if report.irregular_pts:
        yield f"{_count(report.irregular_pts, 'frame')} not shown at the time that {rate} frames a second ask for."
    drift = report.drift_frames / report.frames
    if abs(drift) > MOST_DRIFT:
        speed = "slow" if drift > 0 else "fast"
        by_end = abs(report.drift_frames)
        yield f"The film drifts: it runs {abs(drift):.2%} too {speed}, {by_end:.2f} frames by its end."


def _about_cuts(cuts: Sequence[Cut]) -> Iterator[str]:
    sentences = [sentence for cut in cuts for sentence in _about_cut(cut)]
    yield from sentences[:_MOST_NAMED]
    if len(sentences) > _MOST_NAMED:
        yield f"{_count(len(sentences) - _MOST_NAMED, 'more cut')} not where they belong."


def _about_cut(cut: Cut) -> Iterator[str]:
    if cut.found_frame is None:
        yield f"The pictures do not change within {REACH} frames of the cut planned at frame {cut.frame}."
    elif cut.found_frame != cut.frame:
        late = cut.found_frame - cut.frame
        off = f"{_count(abs(late), 'frame')} {'late' if late > 0 else 'early'}"
        yield f"The cut planned at frame {cut.frame} is at frame {cut.found_frame}: {off}."
    elif cut.error_frames is not None and abs(cut.error_frames) > MOST_CUT_ERROR:
        side = "after" if cut.error_frames > 0 else "before"
        yield f"The cut at frame {cut.frame} is {abs(cut.error_frames):.2f} frames {side} its beat."


def _about_repeats(report: Report, doubled: Sequence[int]) -> Iterator[str]:
    if not doubled:
        return
    more = f" and {len(doubled) - _MOST_NAMED} more" if len(doubled) > _MOST_NAMED else ""
    named = ", ".join(str(frame) for frame in doubled[:_MOST_NAMED]) + more
    yield f"{_count(len(doubled), 'frame')} doubled, the picture before shown again where the plan has motion: {named}."
    if report.missing and report.frames >= report.expected_frames:
        yield f"{_count(report.missing, 'frame')} missing: dropped where as many others are doubled."


def _about_sound(sound: Sound) -> Iterator[str]:
    if sound.lag_ms is None:
        yield "The film has no sound, its song is missing."
        return
    if sound.song_channels > 1 and sound.channels == 1:
        yield "The film's sound is mono, its song is stereo."
    elif sound.stereo_lost:
        yield "The film's two channels are equal, those of its song differ: stereo became mono."
    if sound.similarity < LEAST_SIMILARITY:
        at_least = f"similarity {sound.similarity:.2f}, at least {LEAST_SIMILARITY} is needed"
        yield f"The film's sound is not that of the song: {at_least}."
    if abs(sound.lag_ms) > MOST_LAG_MS and sound.similarity > _SAME_SONG:
        side = "late" if sound.lag_ms > 0 else "early"
        yield f"The film's sound is {abs(sound.lag_ms):.1f} ms {side}, {MOST_LAG_MS:g} ms are allowed."


def _about_lengths(picture_s: Fraction, sound_s: Fraction | None, rate: Fraction) -> Iterator[str]:
    if sound_s is not None and abs(picture_s - sound_s) >= 1 / rate:
        lengths = f"{float(picture_s):.3f} s, the sound {float(sound_s):.3f} s"
        yield f"The pictures last {lengths}; they must end within one frame of each other."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
