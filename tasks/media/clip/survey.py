"""Decode a clip from end to end in a guarded child and measure what it is.

A clip that passed is proven: this process may decode it from then on. What was promised counts for nothing; a clip
that breaks off is used as far as it goes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tasks.domain.clip import Matrix
from tasks.domain.errors import ChildFailed, ChildLost, InvalidInput
from tasks.domain.footage import MOTION_EVERY_S, FootageFacts
from tasks.media.clip.chain import Chain, Filter
from tasks.media.clip.child import blames_file, blames_limits, decode_in_child
from tasks.media.clip.header import ClipHeader, read_header
from tasks.media.clip.inprocess import first_picture
from tasks.media.clip.pictures import Decoded, Reading, Span
from tasks.media.flashes import FlashMeter
from tasks.media.frames import I420, Plane
from tasks.media.saliency import FocusFinder, moved_map
from tasks.media.sandbox import Limits

LONGEST_S = 3 * 3600
"""The longest clip that is taken, in seconds."""

_SIDE = 128
_FLASH_SIDE = _SIDE // 2  # that of the planes of colour
_LIMITS = Limits(cpu_s=1800)
_LOOK_EVERY_S = Fraction(1, 4)
_MOTION_LEVELS = 8.0
_STEADY_RATE = 30
_SHORTEST_STEP_S = Fraction(1, 240)
_CUTS_TOLD_FROM = 4
_HD_WIDTH, _SD_HEIGHT = 1280, 576
_RATES = (*(Fraction(n * 1000, 1001) for n in (24, 30, 60, 120)), *map(Fraction, (24, 25, 30, 48, 50, 60, 100, 120)))
_RATE_SLACK = Fraction(1, 2000)
_USUAL_RATE = Fraction(25)
_BREAKS_OFF_S, _MISSING_SHARE = Fraction(1, 2), Fraction(5, 100)
_LOST_FRAMES = Fraction(2)


def survey(path: Path, name: str | None = None, *, footage_id: str, content_key: str, ffmpeg: str) -> FootageFacts:
    """Decode the whole clip at ``path`` once and measure it; sentences call it ``name``.

    Parameters
    ----------
    footage_id, content_key : str
        What the record calls the clip and its object.

    Raises
    ------
    InvalidInput
        If it is no clip, too large or too long, or no picture of it decodes.
    ChildLost
        If the decoder was killed from outside or hung.
    """
    called = name or path.name
    header = read_header(path, called, may_decode=False)
    small = Filter("scale", {"w": _SIDE, "h": _SIDE, "flags": "area"})
    chain = Chain((), (small,), (Filter("format", {"pix_fmts": "yuv420p"}),))
    reading = Reading(path=path, header=header, chain=chain, width=_SIDE, height=_SIDE)
    seen, meter = _Seen(), _Meter(header.frame_rate or _USUAL_RATE)
    for picture in _whole(reading, ffmpeg, called, seen):
        seen.times.append(picture.time_s)
        since = picture.time_s - seen.times[0]
        if since > LONGEST_S:
            raise InvalidInput(
                f"{called} lasts longer than {LONGEST_S // 3600} hours; cut it first.", code="footage_too_long"
            )
        meter.measure(picture, since)
    if not seen.times:
        raise InvalidInput(
            f"{called} holds no picture that can be decoded; export or download it again.", code="footage_broken"
        )
    facts = _summed_up(path, read_header(path, called), seen, meter)
    return FootageFacts(id=footage_id, content_key=content_key, **facts)


@dataclass(slots=True)
class _Seen:
    """Time stamps of the pictures that decoded, and whether the decoder was content with the rest."""

    times: list[Fraction] = field(default_factory=list)
    is_damaged: bool = False


def _whole(reading: Reading, ffmpeg: str, called: str, seen: _Seen) -> Iterator[Decoded]:
    try:
        yield from decode_in_child(reading, Span(), ffmpeg, _LIMITS)
    except ChildLost:
        raise
    except ChildFailed as error:
        if blames_limits(error):
            raise InvalidInput(
                f"{called} takes too much time or memory to decode; make it shorter or smaller first.",
                code="footage_too_large",
            ) from error
        if not blames_file(error) or not seen.times:
            raise InvalidInput(
                f"{called} cannot be decoded; export or download the video again.", code="footage_broken"
            ) from error
        seen.is_damaged = True


class _Meter:
    """Motion, flashes and places of interest, half second by half second; a flash's second is counted in pictures."""

    def __init__(self, frame_rate: Fraction) -> None:
        self._flashes = FlashMeter((_FLASH_SIDE, _FLASH_SIDE), frame_rate)
        self._parts: list[int] = []
        self._before: tuple[Plane, Fraction] | None = None
        self._looked_s: Fraction | None = None
        self._changes: list[list[float]] = []
        self._finders: list[FocusFinder] = []

    def measure(self, picture: Decoded, since: Fraction) -> None:
        """Take in the picture that is shown ``since`` seconds after the first."""
        drawn = picture.draw()
        part = math.floor(since / MOTION_EVERY_S)
        self._parts.append(part)
        self._flashes.add(_gridded(drawn), drawn.u, drawn.v)
        while len(self._changes) <= part:
            self._changes.append([])
            self._finders.append(FocusFinder())
        if self._before is not None:
            luma, then = self._before
            moved = moved_map(luma, drawn.y)
            step = float(max(since - then, _SHORTEST_STEP_S) * _STEADY_RATE)
            self._changes[part].append(float(moved.mean()) / step)
            self._finders[part].notice(moved)
        if self._looked_s is None or since - self._looked_s >= _LOOK_EVERY_S:
            self._finders[part].look(drawn)
            self._looked_s = since
        self._before = (drawn.y.copy(), since)

    def motion(self) -> tuple[float, ...]:
        """Give how much moves in each half second, 0..1; the largest change of each may be a cut and is left out."""
        found = []
        for changes in self._changes:
            kept = sorted(changes)[:-1] if len(changes) >= _CUTS_TOLD_FROM else changes
            level = float(np.mean(kept)) if kept else 0.0
            found.append(round(1 - math.exp(-level / _MOTION_LEVELS), 4))
        return tuple(found)

    def flashes(self) -> tuple[float, ...]:
        """Give the most flashes that a second holds which ends in each half second."""
        found = self._flashes.finish()
        most = np.zeros(len(self._changes), np.float32)
        np.maximum.at(most, self._parts, np.maximum(found.general, found.red))
        return tuple(most.tolist())

    def focus(self) -> tuple[tuple[float, float], tuple[tuple[float, float], ...]]:
        """Give the place that is looked at in the whole clip, and in each half second."""
        whole = FocusFinder()
        for finder in self._finders:
            whole.add(finder)
        return whole.focus(), tuple(finder.focus() for finder in self._finders)


def _gridded(picture: I420) -> Plane:
    """Bring the picture's light to the size of its colours."""
    small = cv2.resize(picture.y, (_FLASH_SIDE, _FLASH_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _summed_up(path: Path, header: ClipHeader, seen: _Seen, meter: _Meter) -> dict[str, Any]:
    width, height = first_picture(path, header)[1]
    rate = _rate(seen.times, header)
    duration_s = seen.times[-1] - seen.times[0] + 1 / rate
    focus, track = meter.focus()
    is_sd = width < _HD_WIDTH and height <= _SD_HEIGHT
    return {
        "width": width,
        "height": height,
        "duration_s": duration_s,
        "frame_rate": rate,
        "motion": meter.motion(),
        "focus": focus,
        "focus_track": track,
        "flashes": meter.flashes(),
        "untagged": header.matrix is None and not header.is_rgb and not header.needs_zimg,
        "matrix": Matrix.BT601 if is_sd else Matrix.BT709,
        "frames": len(seen.times),
        "is_hdr": header.transfer is not None,
        "note": _note(header, duration_s, seen),
    }


def _rate(times: list[Fraction], header: ClipHeader) -> Fraction:
    """Give pictures per second: a usual rate where the mean is within half a thousandth of one."""
    if len(times) == 1 or times[-1] <= times[0]:
        return _snapped(header.frame_rate or _USUAL_RATE)
    return _snapped((len(times) - 1) / (times[-1] - times[0]))


def _snapped(rate: Fraction) -> Fraction:
    nearest = min(_RATES, key=lambda usual: abs(usual - rate))
    if abs(nearest - rate) <= nearest * _RATE_SLACK:
        return nearest
    return max(rate.limit_denominator(1001), Fraction(1, 1001))


def _note(header: ClipHeader, duration_s: Fraction, seen: _Seen) -> str | None:
    missing = (header.promised_s or duration_s) - duration_s
    if missing > max(_BREAKS_OFF_S, _MISSING_SHARE * duration_s):
        promised_s = float(duration_s + missing)
        return f"It breaks off after {float(duration_s):.1f} of {promised_s:.1f} s; what is there is used."
    lost = header.promised_frames - len(seen.times)
    if seen.is_damaged or lost > max(_LOST_FRAMES, _MISSING_SHARE * header.promised_frames):
        return "Parts of it are damaged; what decodes is used."
    return None
