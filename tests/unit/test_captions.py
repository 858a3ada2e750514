"""Words on the picture, measured in its pixels: when and where they are, how they are shaped, how they are swept."""
# ruff: noqa: RUF001 - lines in five scripts

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tasks.domain.caption import Caption, CaptionStyle, CaptionWord
from tasks.domain.errors import ToolMissing
from tasks.domain.request import Aspect, Resolution, VideoRequest
from tasks.media.captions import draw_captions
from tasks.media.captions.layout import card_area, rows_of, safe_area
from tasks.media.fonts import choose_font, load_font
from tasks.media.frames import I420, Plane

LINES = {
    "latin": "I keep on running through the rain",
    "cyrillic": "Город засыпает, а мы всё ещё поём",
    "greek": "Κι αν χαθούμε μες στη νύχτα",
    "arabic": "يا ليل خذني إلى حيث تنام النجوم",
    "hebrew": "ואני שר לך שיר אחד לפני שהבוקר יבוא",
}
GREY = 90
SMALL = (320, 180)


def grey(count: int, size: tuple[int, int] = SMALL) -> Iterator[I420]:
    for _ in range(count):
        picture = I420.empty(*size)
        picture.y[:] = GREY
        picture.u[:] = picture.v[:] = 128
        yield picture


def copies(pictures: Iterator[I420]) -> list[I420]:
    return [I420(picture.y.copy(), picture.u.copy(), picture.v.copy()) for picture in pictures]


def caption(
    text: str, style: CaptionStyle = CaptionStyle.LINE, size: tuple[int, int] = SMALL, frames: tuple[int, int] = (0, 30)
) -> Caption:
    """Set a line as the plan does; its words share its frames evenly."""
    font = choose_font(text.replace("\n", " "))
    rows = [row for part in text.split("\n") for row in (rows_of(part, style, font, size) if part else ("",))]
    words: tuple[CaptionWord, ...] = ()
    if style is CaptionStyle.KARAOKE:
        parts = text.split()
        edges = [frames[0] + (frames[1] - frames[0]) * place // len(parts) for place in range(len(parts) + 1)]
        words = tuple(
            CaptionWord(text=part, start_frame=start, end_frame=end)
            for part, start, end in zip(parts, edges, edges[1:], strict=False)
        )
    return Caption(
        text="\n".join(rows), start_frame=frames[0], end_frame=frames[1], style=style, font=font, words=words
    )


def touched(picture: I420) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is no longer grey."""
    rows = np.flatnonzero((picture.y != GREY).any(axis=1))
    columns = np.flatnonzero((picture.y != GREY).any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def gold(picture: I420) -> Plane:
    """Columns of half-size pixels, and how strongly each has the colour of sung words."""
    sung: Plane = picture.v.astype(np.int16).max(axis=0) - 128
    return sung


def test_a_caption_is_on_exactly_its_frames() -> None:
    shown = copies(draw_captions(grey(30), [caption("Now", frames=(108, 121))], 100))
    changed = [bool((picture.y != GREY).any()) for picture in shown]
    assert changed == [100 + place in range(108, 121) for place in range(30)]
    for before in (*shown[:8], *shown[21:]):
        assert (before.u == 128).all()
        assert (before.v == 128).all()
    assert max(int(picture.y.max()) for picture in shown) == 235


def test_a_card_comes_and_goes_softly_within_its_frames() -> None:
    title = caption("Name", CaptionStyle.TITLE, frames=(5, 65))
    levels = [int(picture.y.max()) for picture in copies(draw_captions(grey(70), [title], 0))]
    assert levels[4] == levels[65] == GREY
    assert GREY < levels[5] < levels[10] < levels[20] == levels[49] == 235
    assert 235 > levels[60] > levels[64] > GREY


def test_a_picture_depends_on_its_number_alone() -> None:
    captions = [caption(LINES["latin"], CaptionStyle.KARAOKE, frames=(3, 40)), caption("Next", frames=(40, 60))]
    whole = copies(draw_captions(grey(60), captions, 0))
    for start in (1, 17, 39, 41):
        for place, picture in enumerate(copies(draw_captions(grey(12), captions, start)), start):
            assert all(
                np.array_equal(ours, theirs)
                for ours, theirs in zip(
                    (picture.y, picture.u, picture.v),
                    (whole[place].y, whole[place].u, whole[place].v),
                    strict=True,
                )
                if place < 60
            )


@pytest.mark.parametrize("aspect", Aspect)
@pytest.mark.parametrize("style", CaptionStyle)
@pytest.mark.parametrize("script", LINES)
def test_words_lie_in_the_safe_area(aspect: Aspect, style: CaptionStyle, script: str) -> None:
    size = VideoRequest(aspect=aspect, resolution=Resolution.P480).size
    text = f"{LINES[script]}\n\n{LINES[script]}" if style is CaptionStyle.TITLE else LINES[script]
    (shown,) = copies(draw_captions(grey(1, size), [caption(text, style, size, (-20, 30))], 0))
    left, top, right, bottom = touched(shown)
    is_card = style in {CaptionStyle.TITLE, CaptionStyle.CREDIT}
    area = card_area(size) if is_card else safe_area(size)
    assert left >= area.left
    assert top >= area.top
    assert right <= area.right
    assert bottom <= area.bottom
    assert abs((left + right) - size[0]) <= 0.02 * size[0] + 4
    if aspect is Aspect.PORTRAIT:
        assert bottom <= 0.77 * size[1]
    if not is_card:
        assert bottom >= area.bottom - 0.1 * min(size)


def test_a_text_that_is_far_too_long_for_its_card_is_set_smaller() -> None:
    size = VideoRequest(aspect=Aspect.SQUARE, resolution=Resolution.P480).size
    long = " ".join(["words"] * 66)
    (shown,) = copies(draw_captions(grey(1, size), [caption(long, CaptionStyle.TITLE, size, (-20, 30))], 0))
    _, top, _, bottom = touched(shown)
    assert card_area(size).top <= top < bottom <= card_area(size).bottom


@pytest.mark.parametrize("level", [16, 126, 235])
def test_letters_stand_out_from_dark_and_bright_pictures(level: int) -> None:
    pictures = list(grey(1))
    pictures[0].y[:] = level
    list(draw_captions(pictures, [caption("Words", frames=(-5, 30))], 0))
    assert pictures[0].y.max() == 235
    assert pictures[0].y.min() <= min(level, 70)


@pytest.mark.parametrize("script", LINES)
def test_the_karaoke_edge_moves_steadily_from_where_the_line_is_read(script: str) -> None:
    size = (854, 480)
    line = caption(LINES[script], CaptionStyle.KARAOKE, size, (0, 60))
    assert "\n" not in line.text or script not in {"arabic", "hebrew"}
    shown = copies(draw_captions(grey(60, size), [line], 0))[2:-2]
    widths = [int((gold(picture) > 8).sum()) for picture in shown]
    assert all(after >= before - 1 for before, after in pairwise(widths))
    assert widths[-1] > 4 * widths[0]
    early = np.flatnonzero(gold(shown[8]) > 8)
    middle = size[0] // 4
    assert (early.mean() > middle) == (script in {"arabic", "hebrew"})


def test_the_edge_is_at_a_words_ends_at_its_times() -> None:
    size = (854, 480)
    line = Caption(
        text="aaaa bbbb",
        start_frame=0,
        end_frame=60,
        style=CaptionStyle.KARAOKE,
        font=choose_font("ab"),
        words=(
            CaptionWord(text="aaaa", start_frame=10, end_frame=20),
            CaptionWord(text="bbbb", start_frame=40, end_frame=44),
        ),
    )
    shown = copies(draw_captions(grey(60, size), [line], 0))
    sung = [int((gold(picture) > 8).sum()) for picture in shown]
    assert sung[:10] == [0] * 10
    assert 0 < sung[10] < sung[19]
    assert sung[19:40] == [sung[19]] * 21
    assert sung[40] > sung[39]
    assert sung[43:58] == [sung[43]] * 15
    half = np.flatnonzero(gold(shown[30]) > 8).max()
    whole = np.flatnonzero(gold(shown[50]) > 8)
    gap = np.flatnonzero(np.diff(whole) > 1)
    assert half <= whole[gap].max()  # the first word to its end, nothing of the second


def test_a_line_of_two_directions_is_swept_word_by_word() -> None:
    size = (854, 480)
    text = "אני אומר hello world"
    frames = (0, 80)
    shown = copies(draw_captions(grey(80, size), [caption(text, CaptionStyle.KARAOKE, size, frames)], 0))
    mean = [float(np.flatnonzero(gold(shown[at]) > 8).mean()) for at in (18, 38, 58, 77)]
    left_of = [int(np.flatnonzero(gold(shown[at]) > 8).min()) for at in (38, 45, 58, 77)]
    assert mean[0] > mean[1] > mean[2]  # Hebrew from the right, then the Latin words at the left of it
    assert left_of[1] < left_of[0] - 20  # "hello" begins at the far left
    assert left_of[1] == pytest.approx(left_of[2], abs=2)
    assert left_of[2] == pytest.approx(left_of[3], abs=2)  # "world" follows it to the right


def test_a_row_of_a_line_from_the_right_begins_at_the_right_whatever_its_first_word() -> None:
    size = (854, 480)
    line = Caption(
        text="אני אומר\nhello לך",
        start_frame=0,
        end_frame=40,
        style=CaptionStyle.KARAOKE,
        font=choose_font("א"),
        words=tuple(
            CaptionWord(text=text, start_frame=10 * place, end_frame=10 * place + 10)
            for place, text in enumerate(["אני", "אומר", "hello", "לך"])
        ),
    )
    early, late = copies(draw_captions(grey(40, size), [line], 0))[29:40:10]
    foot = slice(early.v.shape[0] - 40, None)  # the second row alone
    hello = np.flatnonzero(early.v[foot].max(axis=0) > 136)
    both = np.flatnonzero(late.v[foot].max(axis=0) > 136)
    assert both.max() == hello.max()
    assert both.min() < hello.min() - 8


def ink(text: str, features: list[str] | None = None, direction: str = "rtl") -> Plane:
    image = Image.new("L", (600, 120))
    font = load_font(choose_font(text), 60.0)
    ImageDraw.Draw(image).text((20, 10), text, 255, font, features=features, direction=direction)
    drawn: Plane = np.asarray(image)
    return drawn


def test_arabic_letters_are_joined() -> None:
    joined = ink("ليل")
    apart = ink("ليل", ["-init", "-medi", "-fina", "-calt", "-rlig", "-liga"])
    assert not np.array_equal(joined, apart)

    def pieces(drawn: Plane) -> int:
        inked = (drawn > 60).any(axis=0).astype(np.int8)
        return int((np.diff(np.concatenate([[0], inked])) == 1).sum())

    assert pieces(joined) < pieces(apart)


def test_a_row_is_drawn_with_joined_letters() -> None:
    size = (854, 480)
    whole = copies(draw_captions(grey(1, size), [caption("ليل", size=size, frames=(-9, 9))], 0))[0]
    spaced = copies(draw_captions(grey(1, size), [caption("ل ي ل", size=size, frames=(-9, 9))], 0))[0]

    def runs(picture: I420) -> int:
        inked = (picture.y > 200).any(axis=0).astype(np.int8)
        return int((np.diff(np.concatenate([[0], inked])) == 1).sum())

    assert runs(whole) == 1
    assert runs(spaced) == 3


def test_a_font_that_is_not_here_is_one_sentence() -> None:
    missing = Caption(text="a", start_frame=0, end_frame=9, style=CaptionStyle.LINE, font="Nowhere.ttf")
    with pytest.raises(ToolMissing, match=r"Nowhere\.ttf is not on this machine"):
        list(draw_captions(grey(1), [missing], 0))
