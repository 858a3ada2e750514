"""The film on one clock, as SVG: its sound, its beats and cuts, how far cuts are off, flashes and black."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.media.flashes import MOST_FLASHES
from tasks.media.verify.report import Report
from tasks.media.verify.search import sure
from tasks.media.verify.wording import count

_WIDTH, _HEIGHT = 1080, 436
_LEFT, _RIGHT = 92, 24
_WAVE, _MARKS, _ERRORS, _FLASHES = (24, 124), (132, 196), (220, 300), (324, 404)
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
_LEAST_TICK = 64.0
_NEAREST_BEATS = 2.5
_COLUMNS = 480
_HALF = 0.5
_LEAST_SCALE, _LEAST_FLASHES = 1.0, 4.0


def draw_chart(report: Report) -> str:
    """Give the drawing."""
    scene = _Scene(report)
    return "".join(
        [
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="cuts, beats, errors and flashes over time">',
            *scene.clock(),
            *scene.wave(),
            *scene.marks(),
            *scene.errors(),
            *scene.flashes(),
            "</svg>",
        ]
    )


class _Scene:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._fps = float(report.fps)
        self._length_s = max(float(report.picture_s), report.frames / self._fps, 1e-3)

    def clock(self) -> Iterator[str]:
        """Draw vertical lines at round seconds."""
        wanted = self._length_s * _LEAST_TICK / (_WIDTH - _LEFT - _RIGHT)
        step = next((step for step in _TICKS_S if step >= wanted), _TICKS_S[-1])
        for tick in range(0, int(self._length_s) + 1, step):
            x = self._x(tick)
            yield _line("rule", x, _WAVE[0], x, _FLASHES[1])
            yield _text(x, _HEIGHT - 14, f"{tick // 60}:{tick % 60:02d}", anchor="middle")

    def wave(self) -> Iterator[str]:
        """Draw how loud the sound is, column by column."""
        yield _name("sound", _WAVE)
        levels = self._report.levels
        if not len(levels):
            yield _text(_LEFT + 8, sum(_WAVE) / 2, "none")
            return
        middle, reach = sum(_WAVE) / 2, (_WAVE[1] - _WAVE[0]) / 2
        most = max(float(levels.max()), 1e-6)
        sound_s = float(self._report.sound_s or 0)
        xs = self._x(0) + (self._x(sound_s) - self._x(0)) * np.arange(len(levels)) / max(1, len(levels) - 1)
        upper = [f"{x:.1f},{middle - reach * level / most:.1f}" for x, level in zip(xs, levels, strict=True)]
        lower = [f"{x:.1f},{middle + reach * level / most:.1f}" for x, level in zip(xs, levels, strict=True)]
        yield f'<polygon class="wave" points="{" ".join([*upper, *reversed(lower)])}"/>'

    def marks(self) -> Iterator[str]:
        """Draw beats below, cuts above; a transition as wide as it lasts."""
        yield _name("cuts, beats", _MARKS)
        beats = self._report.beats.own or self._report.beats.times
        if beats and (_WIDTH - _LEFT - _RIGHT) / len(beats) >= _NEAREST_BEATS:
            for beat in beats:
                yield _line("beat", self._x(beat), _MARKS[1] - 22, self._x(beat), _MARKS[1])
        for run in self._report.black:
            yield self._box("dark", run.start, run.end, _MARKS)
        for frame, length, is_bad in self._cuts():
            if length:
                yield self._box("soft", frame, frame + length, (_MARKS[0], _MARKS[1] - 26))
            x = self._x(frame / self._fps)
            yield _line("cut bad" if is_bad else "cut", x, _MARKS[0], x, _MARKS[1] - 26)

    def errors(self) -> Iterator[str]:
        """Draw how far each cut is after its beat; half a frame either side is the nearest that a cut can be."""
        yield _name("off the beat", _ERRORS)
        errors = [(frame, error) for frame, error in self._beat_errors() if error is not None]
        scale = min(max([_LEAST_SCALE, *(abs(error) for _, error in errors)]), 6.0)
        middle, reach = sum(_ERRORS) / 2, (_ERRORS[1] - _ERRORS[0]) / 2 - 4
        half = _HALF * reach / scale
        yield (
            f'<rect class="band" x="{_LEFT}" y="{middle - half:.1f}" width="{_WIDTH - _LEFT - _RIGHT}" '
            f'height="{2 * half:.1f}"/>'
        )
        yield _line("rule", _LEFT, middle, _WIDTH - _RIGHT, middle)
        yield _text(_LEFT - 8, middle - reach + 8, f"+{count(round(scale), 'frame')}", anchor="end")
        for frame, error in errors:
            y = middle - float(np.clip(error / scale, -1, 1)) * reach
            mark = "dot bad" if abs(error) > _HALF + 1e-6 else "dot"
            yield f'<circle class="{mark}" cx="{self._x(frame / self._fps):.1f}" cy="{y:.1f}" r="3.2"/>'

    def flashes(self) -> Iterator[str]:
        """Draw flashes within the last second, and how many are allowed."""
        yield _name("flashes/s", _FLASHES)
        flashes = self._report.flashes
        for spell in flashes.spells:
            yield self._box("spell", spell.frames.start, spell.frames.end, _FLASHES)
        most = max(_LEAST_FLASHES, flashes.most_general, flashes.most_red)
        height = (_FLASHES[1] - _FLASHES[0]) / most
        limit = _FLASHES[1] - MOST_FLASHES * height
        yield _line("limit", _LEFT, limit, _WIDTH - _RIGHT, limit)
        yield _text(_LEFT - 8, limit + 4, str(MOST_FLASHES), anchor="end")
        for mark, meter in (("meter", flashes.general), ("meter red", flashes.red)):
            if mark == "meter" or flashes.most_red > 0:
                yield self._curve(mark, meter, height)

    def _curve(self, mark: str, meter: NDArray[np.float32], height: float) -> str:
        step = max(1, len(meter) // _COLUMNS)
        tops = [(n, float(meter[n : n + step].max())) for n in range(0, len(meter), step)]
        points = " ".join(f"{self._x(n / self._fps):.1f},{_FLASHES[1] - top * height:.1f}" for n, top in tops)
        return f'<polyline class="{mark}" points="{points}"/>'

    def _cuts(self) -> Sequence[tuple[int, int, bool]]:
        """Give frame, length of the transition and whether something is wrong, of each cut."""
        report = self._report
        if report.planned:
            return [
                (cut.frame if cut.found_frame is None else cut.found_frame, cut.frames, cut.found_frame != cut.frame)
                for cut in report.cuts
            ]
        return [(cut.frame, 0, False) for cut in sure(report.detected)]

    def _beat_errors(self) -> Sequence[tuple[int, float | None]]:
        if self._report.planned:
            return [(cut.frame, cut.error_frames) for cut in self._report.cuts]
        return [(cut.frame, cut.error_frames) for cut in sure(self._report.detected)]

    def _x(self, time_s: float) -> float:
        return _LEFT + min(max(time_s / self._length_s, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def _box(self, mark: str, start: int, end: int, panel: tuple[int, int]) -> str:
        left, right = self._x(start / self._fps), self._x(end / self._fps)
        size = f'width="{max(right - left, 1):.1f}" height="{panel[1] - panel[0]}"'
        return f'<rect class="{mark}" x="{left:.1f}" y="{panel[0]}" {size}/>'


def _name(name: str, panel: tuple[int, int]) -> str:
    return f'<text class="name" x="{_LEFT - 12}" y="{sum(panel) / 2 + 4:.0f}" text-anchor="end">{name}</text>'


def _line(mark: str, x0: float, y0: float, x1: float, y1: float) -> str:
    return f'<line class="{mark}" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
