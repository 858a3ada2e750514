"""Say in sentences what a film has wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from tasks.domain.timebase import rate_text
from tasks.domain.timeline import Timeline
from tasks.media.flashes import MOST_FLASHES
from tasks.media.verify.film import Film
from tasks.media.verify.measured import BeatSource, Cut, Sound
from tasks.media.verify.remarks import off_their_beats
from tasks.media.verify.report import Report
from tasks.media.verify.soft import REACH
from tasks.media.verify.wording import MOST_NAMED, count, moment, named, off_beat

MOST_CUT_ERROR = 0.5 + 1e-6  # frames
MOST_LAG_MS = 10.0
LEAST_SIMILARITY = 0.9
MOST_DRIFT = 2e-4  # of the film's length

_SAME_SONG = 0.5  # similarity below which a lag means nothing
_LEAST_DRIFT_MS = 2.0  # at the film's end: what less amounts to is within the measure's own error


def find_problems(report: Report, film: Film, timeline: Timeline | None) -> Iterator[str]:
    """Give one sentence for each thing that is not as it should be.

    Parameters
    ----------
    report : Report
        The measurements.
    film : Film
        The evidence behind them.
    """
    yield from _about_decoding(film)
    yield from _about_frames(report, timeline)
    yield from _about_time(report, timeline)
    yield from _about_cuts(report.cuts, report.fps)
    if timeline is not None:
        yield from _about_repeats(report)
    elif report.beats.source is BeatSource.FILE:
        yield from off_their_beats(report)
    yield from _about_sound(report)
    yield from _about_lengths(report.picture_s, report.sound_s, report.fps)
    if not report.limiter_off:
        yield from about_flashes(report)


def about_flashes(report: Report) -> Iterator[str]:
    """Give one sentence for each stretch that flashes too often."""
    for spell in report.flashes.spells[:MOST_NAMED]:
        kind = "red flashes" if spell.kind == "red" else "flashes"
        where = f"{moment(spell.frames.start, report.fps)} to {moment(spell.frames.end, report.fps)}"
        yield (
            f"From {where} (frames {spell.frames.start} to {spell.frames.end - 1}) there are up to "
            f"{spell.per_second:g} {kind} a second over more than a quarter of the field of view; "
            f"{MOST_FLASHES} are allowed."
        )
    if len(report.flashes.spells) > MOST_NAMED:
        yield f"{count(len(report.flashes.spells) - MOST_NAMED, 'more stretch')[:-1]}es that flash too often."


def _about_decoding(film: Film) -> Iterator[str]:
    if film.errors:
        first = film.errors[0].rpartition("] ")[2].rstrip(".")
        yield f"Decoding reports {count(len(film.errors), 'error')}, the first: {first}."
    if film.undelivered:
        yield f"{count(film.undelivered, 'frame')} of the file cannot be decoded."


def _about_frames(report: Report, timeline: Timeline | None) -> Iterator[str]:
    frames, expected = report.frames, report.expected_frames
    if frames != expected:
        difference = count(abs(expected - frames), "frame")
        end = "missing" if frames < expected else "too many"
        whose = "song" if report.sound.song_channels else "plan" if timeline else "sound"
        yield f"The film has {frames} frames, its {whose} asks for {expected}: {difference} {end}."
    if timeline is not None and timeline.frames != frames:
        yield f"The film has {frames} frames, its plan {timeline.frames}."
    if report.dropped:
        moments = ", ".join(moment(frame, report.fps) for frame in report.dropped[:MOST_NAMED])
        yield f"Motion jumps as if a picture were left out right before frame {named(report.dropped)} ({moments})."


def _about_time(report: Report, timeline: Timeline | None) -> Iterator[str]:
    rate = rate_text(report.fps)
    if timeline is not None and report.fps != timeline.frame_rate:
        yield f"The film runs at {rate} frames a second, its plan says {rate_text(timeline.frame_rate)}."
    for gap in report.gaps[:MOST_NAMED]:
        first = gap.place - gap.frames
        missing = count(gap.frames, "frame")
        yield f"No picture is stamped for frame {first} ({moment(first, report.fps)}): {missing} dropped there."
    if report.irregular_pts:
        yield f"{count(report.irregular_pts, 'frame')} not shown at the time that {rate} frames a second ask for."
    drift = report.drift_frames / report.frames
    if abs(drift) > MOST_DRIFT:
        speed = "slow" if drift > 0 else "fast"
        by_end = abs(report.drift_frames)
        yield f"The film drifts: it runs {abs(drift):.2%} too {speed}, {by_end:.2f} frames by its end."


def _about_cuts(cuts: Sequence[Cut], rate: Fraction) -> Iterator[str]:
    sentences = [sentence for cut in cuts for sentence in _about_cut(cut, rate)]
    yield from sentences[:MOST_NAMED]
    if len(sentences) > MOST_NAMED:
        yield f"{count(len(sentences) - MOST_NAMED, 'more cut')} not where they belong."


def _about_cut(cut: Cut, rate: Fraction) -> Iterator[str]:
    what = f"{cut.transition} planned from" if cut.transition else "cut planned at"
    if cut.found_frame is None:
        yield f"The pictures do not change within {REACH} frames of the {what} frame {cut.frame}."
    elif cut.found_frame != cut.frame:
        late = cut.found_frame - cut.frame
        off = f"{count(abs(late), 'frame')} {'late' if late > 0 else 'early'} ({abs(late) / float(rate) * 1000:.1f} ms)"
        yield f"The {what} frame {cut.frame} is at frame {cut.found_frame}: {off}."
    elif cut.error_frames is not None and abs(cut.error_frames) > MOST_CUT_ERROR:
        yield f"The cut at frame {cut.frame} is {off_beat(cut.error_frames, rate)}."


def _about_repeats(report: Report) -> Iterator[str]:
    doubled = report.doubled
    if not doubled:
        return
    frames = count(len(doubled), "frame")
    yield f"{frames} doubled, the picture before shown again where the plan has motion: {named(doubled)}."
    if report.missing and report.frames >= report.expected_frames:
        yield f"{count(report.missing, 'frame')} missing: dropped where as many others are doubled."


def _about_sound(report: Report) -> Iterator[str]:
    sound = report.sound
    if report.sound_s is None or (sound.song_channels and sound.lag_ms is None):
        yield "The film has no sound, its song is missing."
        return
    if sound.lag_ms is None or sound.similarity is None:
        yield from _about_lag_of_beats(report)
        return
    if sound.song_channels is not None and sound.song_channels > 1 and sound.channels == 1:
        yield "The film's sound is mono, its song is stereo."
    elif sound.stereo_lost:
        yield "The film's two channels are equal, those of its song differ: stereo became mono."
    if sound.similarity < LEAST_SIMILARITY and sound.jump is None:
        at_least = f"similarity {sound.similarity:.2f}, at least {LEAST_SIMILARITY} is needed"
        yield f"The film's sound is not that of the song: {at_least}."
    if abs(sound.lag_ms) > MOST_LAG_MS and (sound.similarity > _SAME_SONG or sound.jump is not None):
        side = "late" if sound.lag_ms > 0 else "early"
        yield f"The film's sound is {abs(sound.lag_ms):.1f} ms {side}, {MOST_LAG_MS:g} ms are allowed."
    yield from _about_course(sound, float(report.sound_s))


def _about_course(sound: Sound, length_s: float) -> Iterator[str]:
    if sound.jump is not None:
        at_s, by_ms = sound.jump
        side = "later" if by_ms > 0 else "earlier"
        yield f"The film's sound jumps at {at_s:.2f} s: from there on it is {abs(by_ms):.1f} ms {side}."
    if sound.drift is not None and abs(sound.drift) > MOST_DRIFT and (sound.similarity or 0) > _SAME_SONG:
        by_end_ms = abs(sound.drift) * length_s * 1000
        if by_end_ms > _LEAST_DRIFT_MS:
            speed, side = ("slow", "late") if sound.drift > 0 else ("fast", "early")
            yield (
                f"The film's sound drifts: it runs {abs(sound.drift):.2%} too {speed} against its song, "
                f"{by_end_ms:.1f} ms {side} by its end."
            )


def _about_lag_of_beats(report: Report) -> Iterator[str]:
    """Tell from the beats in the film's sound that it is late, where there is no song to tell it exactly."""
    lag_ms = report.beats.own_lag_ms
    if lag_ms is not None and abs(lag_ms) > MOST_LAG_MS:
        side = "later" if lag_ms > 0 else "earlier"
        beats = "of the plan" if report.beats.source is BeatSource.PLAN else "that were given"
        yield f"The beats in the film's sound are {abs(lag_ms):.0f} ms {side} than those {beats}."


def _about_lengths(picture_s: Fraction, sound_s: Fraction | None, rate: Fraction) -> Iterator[str]:
    if sound_s is not None and abs(picture_s - sound_s) >= 1 / rate:
        lengths = f"{float(picture_s):.3f} s, the sound {float(sound_s):.3f} s"
        yield f"The pictures last {lengths}; they must end within one frame of each other."
