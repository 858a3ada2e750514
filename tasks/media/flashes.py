"""Find flashes that can harm: general and red ones, more than three within one second.

Conventions
-----------
Time is counted in frames: two transitions lie within one second if they are less than ``frame_rate`` frames apart, as
an exact fraction. Luminance is relative, 0..1, in linear light; pictures are BT.709 limited.

Method
------
Each picture is averaged into a grid of some 128 to 255 cells along its longer side. A cell has a transition when its
luminance is 0.1 or more away from the extreme since its last one, the darker of the two below 0.8 (WCAG 2.3.1);
red has its own, when (R - G - B) x 320 moves by more than 20 and one of the two states is saturated, R at least 0.8 of
R + G + B. The field of view is a third of the picture's width by a third of its height, 341x256 of 1024x768,
at every eighth of itself. The field has a transition when the balance of its cells' rises and falls swings by more
than a quarter of its area: cells that follow each other within a ramp add up, those of a moving texture cancel. Two
transitions are a flash, so more than six in a second are too many. Parts of a field that flash against each other
cancel too: for them the transitions of larger cells are counted one by one.

References
----------
W3C: Web Content Accessibility Guidelines 2.1, 2.3.1 and "general flash and red flash thresholds".
ITU-R BT.1702: Guidance for the reduction of photosensitive epileptic seizures caused by television.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.domain.timebase import FrameRange
from tasks.media.frames import Plane
from tasks.media.swings import Counted, Swings

MOST_FLASHES = 3
"""How many flashes a second may hold."""

_FIELDS = 3  # fields of view along each side of the picture
_STEPS = 8  # places of a field within its own length
_COARSE = 6  # larger cells along each side of a field
_QUARTER = 0.25
_AGAINST = 0.5  # of a field: what larger cells must fill, since those at a border flash as well
_LEAST_CHANGE, _BRIGHT = 0.1, 0.8
_LEAST_CHANGE_AGAINST = 0.2  # of larger cells, which the mean of mere noise does not reach
_LEAST_RED_CHANGE = 20.0
_ROUNDING = 1e-6

_TO_RGB = np.array(
    [[255 / 219, 0.0, 1.792741], [255 / 219, -0.213249, -0.532909], [255 / 219, 2.112402, 0.0]], np.float64
)
_TO_RGB = np.column_stack([_TO_RGB, -_TO_RGB @ np.array([16.0, 128.0, 128.0])])
_LEVELS = np.arange(256) / 255
_KNEE = 0.04045
_LINEAR = np.where(_LEVELS <= _KNEE, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(np.float32)
_MEASURES = np.array([[0.2126, 0.7152, 0.0722], [320.0, -320.0, -320.0], [0.2, -0.8, -0.8]], np.float32)

_AROUND = np.ones((3, 3), np.uint8)

Field = NDArray[np.float32]


class FlashKind(StrEnum):
    """What flashes: light, or saturated red."""

    GENERAL = "general"
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A stretch in which some field flashes too often.

    Attributes
    ----------
    frames : FrameRange
        From the first to the last of its transitions.
    per_second : float
        The most flashes that a second of it holds.
    """

    kind: FlashKind
    frames: FrameRange
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flashes:
    """What flashes in a film.

    Attributes
    ----------
    spells : tuple of Spell
        Where more than `MOST_FLASHES` flashes lie within a second.
    general, red : ndarray, shape (frames,), float32
        Flashes within the second that ends with each frame, of the field that has most.
    """

    spells: tuple[Spell, ...]
    general: Field
    red: Field

    @property
    def most_general(self) -> float:
        """The most general flashes that a second holds."""
        return float(self.general.max(initial=0.0))

    @property
    def most_red(self) -> float:
        """The most red flashes that a second holds."""
        return float(self.red.max(initial=0.0))


class FlashMeter:
    """Watch a film's pictures one by one, as ``grid`` cells of width and height."""

    def __init__(self, grid: tuple[int, int], frame_rate: Fraction) -> None:
        self._grid = width, height = grid
        field = max(1, round(width / _FIELDS)), max(1, round(height / _FIELDS))
        places = _places(width, field[0]), _places(height, field[1])
        self._windows = np.ix_(places[1], places[0])
        self._field = field
        area = field[0] * field[1]
        positions = len(places[0]) * len(places[1])
        cells = width * height
        self._light, self._red = Swings(cells, _LEAST_CHANGE), Swings(cells, _LEAST_RED_CHANGE)
        self._fields = {kind: Counted(Swings(positions, _QUARTER * area), frame_rate, positions) for kind in FlashKind}
        self._coarse_size = (_COARSE * _FIELDS, _COARSE * _FIELDS)
        coarse = self._coarse_size[0] * self._coarse_size[1]
        self._coarse = Counted(Swings(coarse, _LEAST_CHANGE_AGAINST), frame_rate, coarse)
        self._balance = {kind: np.zeros((height, width), np.float32) for kind in FlashKind}
        self._meters: dict[FlashKind, list[float]] = {kind: [] for kind in FlashKind}
        self._bad: dict[FlashKind, list[tuple[int, int]]] = {kind: [] for kind in FlashKind}
        self._frame = 0

    def add(self, luma: Plane, u: Plane, v: Plane) -> None:
        """Watch the next picture, its planes averaged into the grid's cells, each of shape (height, width)."""
        rgb = cv2.transform(cv2.merge([luma, u, v]), _TO_RGB)
        measured = cv2.transform(cv2.LUT(rgb, _LINEAR), _MEASURES)
        light, redness, saturation = (np.asarray(plane, np.float32) for plane in cv2.split(measured))
        self._watch(FlashKind.GENERAL, self._light.move(light.ravel(), below=_BRIGHT))
        is_red = saturation.ravel() >= -_ROUNDING
        self._watch(FlashKind.RED, self._red.move(np.maximum(redness, 0).ravel(), involving=is_red))
        self._watch_against(light)
        self._frame += 1

    def finish(self) -> Flashes:
        """Give what was found."""
        spells = [_spell(kind, bad, self._meters[kind]) for kind in FlashKind for bad in _joined(self._bad[kind])]
        meters = {kind: np.array(self._meters[kind], np.float32) for kind in FlashKind}
        return Flashes(
            spells=tuple(sorted(spells, key=lambda spell: spell.frames)),
            general=meters[FlashKind.GENERAL],
            red=meters[FlashKind.RED],
        )

    def _watch(self, kind: FlashKind, moved: Field | None) -> None:
        """Let the fields follow the balance of rises and falls of their cells."""
        counted = self._fields[kind]
        if moved is not None:
            balance = self._balance[kind]
            balance += _shares(moved.reshape(balance.shape))
            sums = cv2.boxFilter(
                balance, -1, self._field, anchor=(0, 0), normalize=False, borderType=cv2.BORDER_CONSTANT
            )
            counted.move(np.asarray(sums, np.float32)[self._windows].ravel(), self._frame)
        self._meters[kind].append(counted.most(self._frame) / 2)
        first = counted.too_many_since(self._frame, 2 * MOST_FLASHES + 1)
        if first is not None:
            self._bad[kind].append((first, self._frame + 1))

    def _watch_against(self, light: Field) -> None:
        """Look for parts of a field that flash against each other."""
        coarse = np.asarray(cv2.resize(light, self._coarse_size, interpolation=cv2.INTER_AREA), np.float32)
        self._coarse.move(coarse.ravel(), self._frame, below=_BRIGHT)
        hot = self._coarse.hot(self._frame, 2 * MOST_FLASHES + 1)
        if not hot.any():
            return
        marks = hot.reshape(self._coarse_size[::-1]).astype(np.float32)
        share = cv2.boxFilter(marks, -1, (_COARSE, _COARSE), borderType=cv2.BORDER_CONSTANT)
        if float(np.max(share)) > _AGAINST:
            meter = self._meters[FlashKind.GENERAL]
            meter[-1] = max(meter[-1], self._coarse.most(self._frame) / 2)
            first = self._coarse.too_many_since(self._frame, 2 * MOST_FLASHES + 1)
            if first is not None:
                self._bad[FlashKind.GENERAL].append((first, self._frame + 1))


def _shares(moved: Field) -> Field:
    """Give the share of each cell that flashes, below 0 where it falls.

    A cell that the border of what flashes runs through moves less than its neighbours inside.
    """
    amount = np.abs(moved)
    swung = (amount > 0).astype(np.uint8)
    inside = cv2.erode(swung, _AROUND, borderType=cv2.BORDER_REPLICATE)
    most = np.maximum(cv2.dilate(amount, _AROUND, borderType=cv2.BORDER_REPLICATE), np.float32(1e-9))
    share = np.where(inside, np.float32(1), np.sqrt(amount / most))
    return np.asarray(np.sign(moved) * share, np.float32)


def _places(length: int, field: int) -> NDArray[np.int64]:
    """Where fields begin along a side."""
    step = max(1, field // _STEPS)
    return np.unique([*range(0, length - field + 1, step), length - field])


def _joined(stretches: list[tuple[int, int]]) -> list[FrameRange]:
    """Join stretches that overlap or touch."""
    joined: list[FrameRange] = []
    for first, end in stretches:
        if joined and first <= joined[-1].end:
            joined[-1] = FrameRange(min(first, joined[-1].start), max(end, joined[-1].end))
        else:
            joined.append(FrameRange(first, end))
    return joined


def _spell(kind: FlashKind, frames: FrameRange, meter: list[float]) -> Spell:
    return Spell(kind=kind, frames=frames, per_second=max(meter[frames.start : frames.end]))
