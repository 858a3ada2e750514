"""A picture of what was heard: sections over the waveform, beats and bars, onsets, and energy, above one clock.

Drawn at twice its size and reduced, so that lines are smooth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from tasks.domain.analysis import Analysis
from tasks.domain.features import Features
from tasks.media.waveform import Peaks

SIZE = (1600, 860)

_FINER = 2
_PAPER, _PANEL, _INK, _FAINT, _RULE = (13, 15, 20), (22, 25, 33), (236, 239, 244), (139, 147, 163), (44, 49, 61)
_COLOURS = (
    (94, 169, 255), (255, 138, 92), (126, 217, 140), (255, 205, 86), (199, 146, 255), (77, 214, 212), (255, 121, 168),
    (163, 190, 90),
)  # fmt: skip
_BEAT, _DOWNBEAT = (132, 141, 160), (255, 255, 255)
_ONSET, _LEVEL, _COURSE = (255, 205, 86, 255), (94, 169, 255, 90), (214, 230, 255)
_SMOOTH_S = 1.0
_MARK_PX = 1.5
_BAR_STEPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_LEAST_NUMBER_PX = 34
_LEFT, _RIGHT = 96, 32
_TITLE_Y, _FACTS_Y = 26, 66
_NEAREST_BEATS_PX = 3.0
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
_LEAST_TICK_PX = 70

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Panel:
    name: str
    top: int
    bottom: int


_SECTIONS = _Panel("sections", 104, 140)
_WAVE = _Panel("waveform", 144, 424)
_GRID = _Panel("beats", 430, 490)
_ONSETS = _Panel("onsets", 506, 636)
_ENERGY = _Panel("energy", 652, 812)


def draw_analysis(title: str, analysis: Analysis, features: Features, peaks: Peaks, out: Path) -> None:
    """Write a PNG of `SIZE`; ``title`` is written above it."""
    _Canvas(analysis).picture(title, features, peaks).save(out, format="PNG", optimize=True)


class _Canvas:
    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._duration_s = float(analysis.duration_s)
        self._image = Image.new("RGB", (SIZE[0] * _FINER, SIZE[1] * _FINER), _PAPER)
        self._draw = ImageDraw.Draw(self._image, "RGBA")
        self._width = SIZE[0] - _LEFT - _RIGHT
        labels = list(dict.fromkeys(section.label for section in analysis.sections))
        self._colours = {label: _COLOURS[place % len(_COLOURS)] for place, label in enumerate(labels)}

    def picture(self, title: str, features: Features, peaks: Peaks) -> Image.Image:
        """Draw all panels and give the picture."""
        self._text(_LEFT, _TITLE_Y, title, 28, _INK)
        self._text(_LEFT, _FACTS_Y, _facts(self._analysis), 17, _FAINT)
        for panel in (_WAVE, _GRID, _ONSETS, _ENERGY):
            self._box(0, self._width, panel.top, panel.bottom, _PANEL)
            middle = (panel.top + panel.bottom) / 2
            self._text(_LEFT - 14, middle - 8, panel.name, 14, _FAINT, anchor="ra")
        self._clock()
        self._sections()
        self._wave(peaks)
        self._grid()
        rate = float(features.frame_rate)
        onsets = self._columns(features.curves["onset"], rate, np.max)
        self._area(_ONSETS, maximum_filter1d(onsets, 2 * _FINER), _ONSET)
        self._energy(self._columns(features.curves["rms"], rate, np.mean))
        return self._image.resize(SIZE, Image.Resampling.LANCZOS)

    def _x(self, time_s: float) -> float:
        return min(max(time_s / self._duration_s, 0.0), 1.0) * self._width

    def _sections(self) -> None:
        for section in self._analysis.sections:
            left, right = self._x(section.start_s), self._x(section.end_s)
            colour = self._colours[section.label]
            self._box(left, right - 2, _SECTIONS.top, _SECTIONS.bottom, colour)
            for panel in (_WAVE, _GRID, _ONSETS, _ENERGY):
                self._box(left, right, panel.top, panel.bottom, (*colour, 20))
                self._line(left, panel.top, left, panel.bottom, (*colour, 90))
            font = _font(16)
            if font.getlength(section.label) / _FINER + 12 < right - left:
                self._text(_LEFT + left + 8, _SECTIONS.top + 9, section.label, 16, _PAPER)

    def _wave(self, peaks: Peaks) -> None:
        """Draw the extremes of all channels, and their middle half brighter, in the colour of the section."""
        columns = self._width * _FINER
        edges = np.linspace(0, len(peaks.values), columns + 1).astype(int)
        low, high = peaks.values[:, :, 0].min(axis=1) / 128, peaks.values[:, :, 1].max(axis=1) / 128
        middle, reach = (_WAVE.top + _WAVE.bottom) / 2, (_WAVE.bottom - _WAVE.top) / 2 - 8
        for column in range(columns):
            start = min(int(edges[column]), len(low) - 1)
            part = slice(start, max(int(edges[column + 1]), start + 1))
            x = column / _FINER
            colour = self._colours[self._label_at(x)]
            bottom, top = middle - low[part].min() * reach, middle - high[part].max() * reach
            inner = (middle - low[part].mean() * reach, middle - high[part].mean() * reach)
            self._line(x, top, x, bottom, (*colour, 120))
            self._line(x, inner[1], x, inner[0], (*colour, 255))

    def _label_at(self, x: float) -> str:
        time_s = x / self._width * self._duration_s
        return self._analysis.sections[self._analysis.section_at(time_s)].label

    def _grid(self) -> None:
        beats, downbeats = self._analysis.beats, self._analysis.downbeats
        if not beats:
            self._text(_LEFT + self._width / 2, _GRID.top + 20, "no beat was heard", 16, _FAINT, anchor="ma")
            return
        if self._width / len(beats) >= _NEAREST_BEATS_PX:
            for beat in beats:
                x = self._x(beat.time_s)
                self._line(x, _GRID.top + 34, x, _GRID.bottom - 6, _BEAT, width=_MARK_PX)
        for downbeat in downbeats:
            x = self._x(downbeat)
            self._line(x, _GRID.top + 24, x, _GRID.bottom - 6, _DOWNBEAT, width=_MARK_PX)
            self._line(x, _WAVE.top, x, _WAVE.bottom, (*_DOWNBEAT, 26))
        self._bars(downbeats)

    def _bars(self, downbeats: Sequence[float]) -> None:
        """Write the number of every bar, or of every so many that there is room."""
        room = self._width / max(1, len(downbeats))
        step = next((step for step in _BAR_STEPS if step * room >= _LEAST_NUMBER_PX), _BAR_STEPS[-1])
        for number in range(0, len(downbeats), step):
            self._text(_LEFT + self._x(downbeats[number]) + 3, _GRID.top + 5, str(number + 1), 13, _FAINT)

    def _energy(self, level: Curve) -> None:
        """Draw the level as an area, its course as a line, and the energy of sections as steps over it."""
        self._area(_ENERGY, level, _LEVEL)
        height = _ENERGY.bottom - _ENERGY.top - 12
        smooth = uniform_filter1d(level, max(1, round(_SMOOTH_S / self._duration_s * self._width * _FINER)))
        course = [((_LEFT * _FINER + x), (_ENERGY.bottom - 4 - y * height) * _FINER) for x, y in enumerate(smooth)]
        self._draw.line(course, fill=_COURSE, width=2 * _FINER, joint="curve")
        for section in self._analysis.sections:
            y = _ENERGY.bottom - 4 - section.energy * height
            left, right = self._x(section.start_s), self._x(section.end_s)
            self._line(left + 2, y, right - 2, y, self._colours[section.label], width=3)

    def _columns(self, curve: NDArray[np.float32], rate: float, reduce: Callable[[NDArray[np.float32]], Any]) -> Curve:
        """Give one value a column, from the values that fall on it."""
        columns = self._width * _FINER
        edges = np.linspace(0, min(self._duration_s * rate, len(curve)), columns + 1)
        reduced = [
            reduce(curve[int(before) : max(int(after), int(before) + 1)])
            for before, after in pairwise(edges.tolist())
            if int(before) < len(curve)
        ]
        return np.clip(np.asarray(reduced, np.float64), 0, 1)

    def _area(self, panel: _Panel, curve: Curve, colour: tuple[int, int, int, int]) -> None:
        height = panel.bottom - panel.top - 12
        for column, value in enumerate(curve):
            x = column / _FINER
            self._line(x, panel.bottom - 4 - value * height, x, panel.bottom - 4, colour)

    def _clock(self) -> None:
        wanted = self._duration_s * _LEAST_TICK_PX / self._width
        step = next((step for step in _TICKS_S if step >= wanted), _TICKS_S[-1])
        for tick in range(0, int(self._duration_s) + 1, step):
            x = self._x(tick)
            self._line(x, _WAVE.top, x, _ENERGY.bottom + 6, _RULE)
            self._text(_LEFT + x, _ENERGY.bottom + 12, f"{tick // 60}:{tick % 60:02d}", 14, _FAINT, anchor="ma")

    def _box(self, left: float, right: float, top: float, bottom: float, colour: tuple[int, ...]) -> None:
        x0, y0 = (_LEFT + left) * _FINER, top * _FINER
        x1, y1 = (_LEFT + right) * _FINER - 1, bottom * _FINER - 1
        if x1 >= x0:
            self._draw.rectangle([x0, y0, x1, y1], fill=colour)

    def _line(self, x0: float, y0: float, x1: float, y1: float, colour: tuple[int, ...], width: float = 0.5) -> None:  # noqa: PLR0917
        places = [(_LEFT + x0) * _FINER, y0 * _FINER, (_LEFT + x1) * _FINER, y1 * _FINER]
        self._draw.line(places, fill=colour, width=round(width * _FINER))

    def _text(self, x: float, y: float, text: str, size: int, colour: tuple[int, ...], *, anchor: str = "la") -> None:
        self._draw.text((x * _FINER, y * _FINER), text, font=_font(size), fill=colour, anchor=anchor)


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size * _FINER)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _facts(analysis: Analysis) -> str:
    seconds = round(analysis.duration_s)
    facts = [f"{seconds // 60}:{seconds % 60:02d}"]
    facts.append("no beat" if analysis.tempo_bpm is None else f"{analysis.tempo_bpm:.2f} BPM")
    if analysis.meter is not None:
        facts.append(f"{analysis.meter.numerator}/{analysis.meter.denominator}")
    if analysis.key is not None:
        facts.append(analysis.key)
    facts.append(f"{len(analysis.beats)} beats, {len(analysis.downbeats)} bars")
    return "   ·   ".join(facts)
