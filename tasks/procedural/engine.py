"""A built-in style as a source of frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import cv2

from tasks.domain.analysis import Analysis
from tasks.domain.features import Features
from tasks.domain.style import PaletteName, StyleName, StyleShot
from tasks.media.frames import I420, FrameSource
from tasks.procedural.canvas import Canvas, Style
from tasks.procedural.composition import MODES, VERSE, Composition, compose
from tasks.procedural.drive import Drive, Moment, drive_of
from tasks.procedural.palette import Palette, palette_of
from tasks.procedural.post import finish_picture
from tasks.procedural.styles import STYLES

SMALLEST_WORK_SIDE = 12


@dataclass(frozen=True, slots=True)
class StyleSource:
    """The pictures of one shot.

    Frame ``n`` depends on ``n`` alone: not on the frames before it, on the range that was asked for or on the
    process that draws it.
    """

    style: Style
    drive: Drive
    composition: Composition
    palette: Palette
    width: int
    height: int

    def frames(self, start: int, end: int) -> Iterator[I420]:
        """Draw the frames ``start <= n < end`` of the shot; those before and after it go on in the same way."""
        canvas = _canvas(self.style, self.width, self.height)
        picture = I420.empty(self.width, self.height)
        for number in range(start, end):
            film_frame = self.drive.film_frame + number
            self.style.draw(canvas, self.drive.at(film_frame), self.composition, self.palette)
            finish_picture(canvas, self.style.finish, film_frame, picture)
            yield picture


def open_style(
    shot: StyleShot, features: Features, analysis: Analysis, *, width: int, height: int, frame_rate: Fraction
) -> FrameSource:
    """Open a shot of a built-in style.

    Parameters
    ----------
    shot : StyleShot
        Look, colours, seed, and the place of the shot in the film.
    features, analysis : Features, Analysis
        What was heard in the whole song.
    width, height : int
        Size of the pictures: even, at least 16.
    frame_rate : Fraction
        Frames of the film per second.

    Returns
    -------
    FrameSource
        Its frame 0 is the film's frame ``shot.film_frame``; the film's frame ``n`` shows the moment
        ``shot.song_start_s + n / frame_rate`` of the song.
    """
    cv2.setNumThreads(1)
    start_s = shot.song_start_s + shot.film_frame / frame_rate
    return StyleSource(
        style=STYLES[shot.style],
        drive=drive_of(shot, features, analysis, frame_rate),
        composition=compose(shot, analysis, float(start_s)),
        palette=palette_of(shot.palette, shot.seed),
        width=width,
        height=height,
    )


def warm(style: StyleName) -> None:
    """Compile all that ``style`` needs, or load it, by drawing two small pictures."""
    cv2.setNumThreads(1)
    moment = Moment(
        clock=1.0, flow=1.0, beat=1.5, bar=0.4, kick=0.5, snare=0.3, bass=0.5, mid=0.5, treble=0.5, energy=0.5
    )
    palette = palette_of(PaletteName.EMBER, 0)
    for (width, height), mode in (((48, 32), 0), ((32, 48), MODES)):
        composition = Composition(mode=mode, scale=0.5, angle=0.2, place=0.4, chance=(0.5,) * 8, framing=VERSE)
        canvas = _canvas(STYLES[style], width, height)
        STYLES[style].draw(canvas, moment, composition, palette)
        finish_picture(canvas, STYLES[style].finish, mode, I420.empty(width, height))


def _canvas(style: Style, width: int, height: int) -> Canvas:
    sides = (max(round(side * style.work_scale), min(side, SMALLEST_WORK_SIDE)) for side in (width, height))
    return Canvas.of_size(*sides)
