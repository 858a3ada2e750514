"""Planted strobes are found on either side of every limit, and films that are safe are left alone."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from tasks.media.flashes import Flashes, FlashKind, FlashMeter
from tasks.media.frames import Plane

WIDTH, HEIGHT = 162, 90
FIELD = WIDTH // 3 * (HEIGHT // 3)
RED, BLACK, WHITE = (63, 102, 240), (16, 128, 128), (235, 128, 128)
Colour = tuple[int, int, int]
Picture = tuple[Plane, Plane, Plane]


def grey(luminance: float) -> Colour:
    """Give the colour of that relative luminance, 0..1."""
    level = 12.92 * luminance if luminance <= 0.0031308 else 1.055 * luminance ** (1 / 2.4) - 0.055
    return round(16 + 219 * level), 128, 128


def plain(colour: Colour) -> Picture:
    y, u, v = (np.full((HEIGHT, WIDTH), level, np.uint8) for level in colour)
    return y, u, v


def patch(colour: Colour, ground: Colour, area: float, left: int = 30, top: int = 20) -> Picture:
    """Draw a rectangle of ``area`` fields of view, of their shape."""
    planes = plain(ground)
    width, height = round(WIDTH / 3 * area**0.5), round(HEIGHT / 3 * area**0.5)
    for plane, level in zip(planes, colour, strict=True):
        plane[top : top + height, left : left + width] = level
    return planes


def watch(picture: Callable[[int], Picture], rate: Fraction = Fraction(30), seconds: float = 2) -> Flashes:
    meter = FlashMeter((WIDTH, HEIGHT), rate)
    for frame in range(round(seconds * rate)):
        meter.add(*picture(frame))
    return meter.finish()


def strobe(on: Picture, off: Picture, hertz: float, rate: Fraction = Fraction(30)) -> Flashes:
    return watch(lambda frame: on if int(frame * 2 * hertz / rate) % 2 else off, rate)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(30), Fraction(60), Fraction(30000, 1001)])
def test_three_flashes_a_second_pass_and_more_do_not(rate: Fraction) -> None:
    white, black = plain(WHITE), plain(BLACK)
    slow = strobe(white, black, 3.0, rate)
    assert slow.spells == ()
    assert slow.most_general == 3
    fast = strobe(white, black, 3.5, rate)
    assert [spell.kind for spell in fast.spells] == [FlashKind.GENERAL]
    assert fast.spells[0].per_second == pytest.approx(3.5, abs=0.5)


def test_a_spell_is_placed_and_counted() -> None:
    white, black = plain(WHITE), plain(BLACK)
    found = watch(lambda frame: white if 32 <= frame < 60 and frame % 4 < 2 else black, seconds=4)
    (spell,) = found.spells
    assert (spell.frames.start, spell.frames.end) == (32, 59)
    assert spell.per_second == 7


@pytest.mark.parametrize(
    ("dark", "light", "is_flash"),
    [
        (0.5, 0.58, False),
        (0.5, 0.63, True),
        (0.0, 0.08, False),
        (0.0, 0.12, True),
        (0.83, 1.0, False),
        (0.77, 1.0, True),
    ],
)
def test_a_flash_is_a_tenth_of_full_light_from_below_four_fifths(dark: float, light: float, *, is_flash: bool) -> None:
    assert bool(strobe(plain(grey(light)), plain(grey(dark)), 5).spells) == is_flash


@pytest.mark.parametrize("place", [(0, 0), (30, 20), (53, 31), (90, 57)])
@pytest.mark.parametrize(("area", "is_flash"), [(0.2, False), (0.3, True), (1.0, True)])
def test_a_quarter_of_the_field_of_view_counts(area: float, place: tuple[int, int], *, is_flash: bool) -> None:
    found = strobe(patch(WHITE, BLACK, area, *place), plain(BLACK), 5)
    assert bool(found.spells) == is_flash
    assert np.count_nonzero(patch(WHITE, BLACK, area)[0] > 100) / FIELD == pytest.approx(area, abs=0.02)


def test_saturated_red_flashes_apart_from_light() -> None:
    dark_red = strobe(plain(RED), plain(BLACK), 5)
    assert {spell.kind for spell in dark_red.spells} == {FlashKind.GENERAL, FlashKind.RED}
    even = strobe(plain(RED), plain(grey(0.2126)), 5)
    assert [spell.kind for spell in even.spells] == [FlashKind.RED]
    assert strobe(plain(RED), plain(grey(0.2126)), 3).spells == ()
    small = strobe(patch(RED, grey(0.2126), 0.2), plain(grey(0.2126)), 5)
    assert small.spells == ()
    pink = (120, 118, 150)
    assert strobe(plain(pink), plain(grey(0.2126)), 5).spells == ()


def test_a_ramp_flashes_as_a_step_does() -> None:
    def breathing(hertz: float) -> Flashes:
        return watch(lambda frame: plain(grey(0.25 + 0.25 * np.sin(2 * np.pi * hertz * frame / 60))), Fraction(60))

    assert breathing(5).spells
    assert not breathing(2).spells


def test_parts_that_flash_against_each_other_are_found() -> None:
    pictures = [plain(BLACK) for _ in "ab"]
    for column in range(0, WIDTH, 20):
        pictures[column // 20 % 2][0][:, column : column + 20] = 235
    assert strobe(pictures[0], pictures[1], 5).spells


def test_safe_pictures_pass() -> None:
    rng = np.random.default_rng(4)
    rows = rng.integers(16, 236, (HEIGHT, 800), np.uint8)
    chroma = np.full((HEIGHT, WIDTH), 128, np.uint8)
    noise = rng.integers(16, 236, (8, HEIGHT, WIDTH), np.uint8)
    assert watch(lambda frame: (noise[frame % 8], chroma, chroma)).spells == ()
    assert watch(lambda frame: (rows[:, 3 * frame : 3 * frame + WIDTH], chroma, chroma)).spells == ()
    shots = [plain(grey(level)) for level in (0.05, 0.6, 0.2, 0.9)]
    assert watch(lambda frame: shots[frame // 15 % 4], seconds=4).spells == ()
    beat = [plain(grey(0.2 + 0.7 * max(0.0, 1 - k / 6) ** 2)) for k in range(15)]
    flashed = watch(lambda frame: beat[frame % 15], seconds=3)
    assert (flashed.spells, flashed.most_general) == ((), 2)
