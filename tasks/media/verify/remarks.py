"""Say in sentences what may be meant, or cannot be told for sure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tasks.domain.timeline import Timeline
from tasks.media.verify.measured import BeatSource
from tasks.media.verify.report import Report
from tasks.media.verify.search import Found, sure
from tasks.media.verify.wording import MOST_NAMED, count, moment, named, off_beat

_ON_BEAT = 0.5 + 1e-6  # frames
_OUT_OF_LINE = 0.6  # frames from where most cuts lie against the beats that are heard
_NEAR_MISS = 4.0  # frames: cuts farther from a beat are not meant to be on one
_MOST_OFF_SHARE = 0.4  # of the cuts near beats: if more miss them, the film is not cut on beats
_LEAST_CUTS = 4
_MOST_LAG_MS = 10.0
_LOUDEST_DBTP = 0.0


def find_warnings(report: Report, timeline: Timeline | None) -> Iterator[str]:
    """Give one sentence for each thing that a person should look at; none of them fails the film."""
    if timeline is None and report.doubled:
        yield (
            f"{count(len(report.doubled), 'frame')} doubled or at rest, the picture before shown again amid motion: "
            f"{named(report.doubled)}."
        )
    if timeline is None and report.beats.source is BeatSource.SOUND:
        yield from off_their_beats(report)
        yield from _all_off_their_beats(report)
    yield from _about_own_beats(report)
    if report.limiter_off:
        worst = max(report.flashes.most_general, report.flashes.most_red)
        spells = report.flashes.spells
        found = (
            f"up to {worst:g} flashes a second in {count(len(spells), 'place')}"
            if spells
            else "none too many were found"
        )
        yield f"The film says that its flashes were not limited: {found}."
    for run in report.black[:MOST_NAMED]:
        last = f" to {run.end - 1}" if len(run) > 1 else ""
        yield f"Black from {moment(run.start, report.fps)}: frame {run.start}{last}."
    loudness = report.sound.loudness
    if loudness is not None and loudness.true_peak_dbtp > _LOUDEST_DBTP:
        yield f"The sound peaks at {loudness.true_peak_dbtp:+.1f} dBTP, above full scale: players may clip it."


def off_their_beats(report: Report) -> Iterator[str]:
    """Name cuts of a film without a plan that miss a beat by a little, where most do not."""
    near = _near_beats(report)
    line = _line(report, near)
    limit = _ON_BEAT if report.beats.source is BeatSource.FILE else _OUT_OF_LINE
    off = [cut for cut, error in near if abs(error - line) > limit]
    if len(near) < _LEAST_CUTS or len(off) > _MOST_OFF_SHARE * len(near):
        return
    for cut in off[:MOST_NAMED]:
        assert cut.error_frames is not None
        where = f"frame {cut.frame} ({moment(cut.frame, report.fps)})"
        yield (
            f"The cut found at {where} is {off_beat(cut.error_frames, report.fps)}, while "
            f"{len(near) - len(off)} of {len(near)} cuts lie on theirs."
        )


def _near_beats(report: Report) -> list[tuple[Found, float]]:
    return [
        (cut, cut.error_frames)
        for cut in sure(report.detected)
        if cut.error_frames is not None and abs(cut.error_frames) <= _NEAR_MISS
    ]


def _line(report: Report, near: list[tuple[Found, float]]) -> float:
    """Return where cuts lie against the beats: on them, or by the median where only our ears know the beats."""
    if report.beats.source is BeatSource.FILE or not near:
        return 0.0
    return float(np.median([error for _, error in near]))


def _all_off_their_beats(report: Report) -> Iterator[str]:
    """Say that sound and pictures are apart, where all cuts miss the beats that are heard by the same."""
    near = _near_beats(report)
    if len(near) < 2 * _LEAST_CUTS:
        return
    errors = np.array([error for _, error in near])
    middle_ms = float(np.median(errors)) / float(report.fps) * 1000
    in_line = np.abs(errors - np.median(errors)) <= _OUT_OF_LINE
    if abs(middle_ms) > _MOST_LAG_MS and in_line.mean() > 1 - _MOST_OFF_SHARE:
        side = "before" if middle_ms < 0 else "after"
        late = "the sound may be late" if middle_ms < 0 else "the sound may be early"
        yield f"The cuts lie {abs(middle_ms):.0f} ms {side} the beats that are heard, in the middle: {late} by that."


def _about_own_beats(report: Report) -> Iterator[str]:
    lag_ms = report.beats.own_lag_ms
    if lag_ms is not None and abs(lag_ms) > _MOST_LAG_MS and report.sound.lag_ms is not None:
        side = "later" if lag_ms > 0 else "earlier"
        yield f"The beats heard in the film's sound are {abs(lag_ms):.0f} ms {side} than those that its cuts follow."
