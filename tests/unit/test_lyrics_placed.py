"""Lines without times find their sections, bars and beats; captions have time to be read and never overlap."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.analysis import Analysis
from tasks.domain.caption import Caption, CaptionStyle
from tasks.domain.errors import InvalidInput
from tasks.domain.lyrics import LyricLine, Lyrics, LyricWord
from tasks.domain.request import Aspect, Resolution, VideoRequest, Words
from tasks.domain.script import directed, is_right_to_left, language_of
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Shot, Timeline, Window
from tasks.edit.captions import captions_of, sung_in
from tasks.edit.lyrics import place_lyrics
from tasks.media.captions.layout import edge, most_rows, safe_area, type_size, width_of
from tasks.notation.lyrics import read
from tests.support.analyses import steady

FORM = (
    (0, 8, "intro"),
    (8, 24, "verse"),
    (24, 40, "chorus"),
    (40, 48, "solo"),
    (48, 64, "verse"),
    (64, 80, "chorus"),
    (80, 96, "chorus"),
    (96, 100, "outro"),
)
SHEET = "[Verse 1]\nOne line\nTwo lines of it\n\nStill one\n[Chorus]\nLa la\nLo lo\n\n[Verse 2]\nThree\n\n[Chorus]\n"


def song(form: tuple[tuple[int, int, str], ...] = FORM, bpm: float = 120.0) -> Analysis:
    plain = steady(form[-1][1], bpm)
    sections = tuple(
        replace(plain.sections[0], start_s=float(start), end_s=float(end), label=label) for start, end, label in form
    )
    return replace(plain, sections=sections)


def timeline(seconds: int = 100, rate: int = 30, window: Window | None = None) -> Timeline:
    frames = seconds * rate
    shot = Shot(index=0, frames=FrameRange(0, frames), beat_s=None, section="verse", reason="all")
    return Timeline(frame_rate=Fraction(rate), shots=(shot,), window=window)


def lrc(text: str) -> Lyrics:
    return read(text.encode(), "song.lrc")


def captions(text: str, request: VideoRequest, *, seconds: int = 100, window: Window | None = None) -> list[Caption]:
    return list(captions_of(lrc(text), song(), timeline(seconds, window=window), request))


def label_at(time_s: float) -> str:
    return next(label for start, end, label in FORM if start <= time_s < end)


def test_headings_find_their_sections_and_instrumental_parts_stay_free() -> None:
    placed = place_lyrics(read(SHEET.encode(), "song.txt"), song()).lines
    found = [(line.text, label_at(line.start_s or 0.0)) for line in placed]
    assert found == [
        ("One line", "verse"),
        ("Two lines of it", "verse"),
        ("Still one", "verse"),
        ("La la", "chorus"),
        ("Lo lo", "chorus"),
        ("Three", "verse"),
        ("La la", "chorus"),
        ("Lo lo", "chorus"),
        ("La la", "chorus"),  # the last chorus has no text of its own and repeats
        ("Lo lo", "chorus"),
    ]
    assert [line.start_s for line in placed][3] == pytest.approx(24, abs=0.1)
    assert all(after.start_s >= (before.end_s or 0) for before, after in pairwise(placed) if after.start_s is not None)


def test_plain_lines_are_poured_in_order_weighted_by_length_over_what_is_sung() -> None:
    text = "\n".join(["short", "a very much longer line than the first one is"] * 8)
    placed = place_lyrics(read(text.encode(), "song.txt"), song()).lines
    assert [line.text for line in placed] == text.splitlines()
    assert {label_at(line.start_s or 0.0) for line in placed} == {"verse", "chorus"}
    steps = [(after.start_s or 0) - (before.start_s or 0) for before, after in pairwise(placed)]
    assert sum(steps[1::2]) > 2 * sum(steps[::2])
    assert all(line.end_s is not None and label_at(line.end_s - 0.01) in {"verse", "chorus"} for line in placed)


def test_lines_start_on_bars_or_on_beats_where_there_are_more_lines() -> None:
    analysis = song()
    few = place_lyrics(read(SHEET.encode(), "song.txt"), analysis).lines
    downbeats = {round(time, 3) for time in analysis.downbeats}
    assert all(line.start_s in downbeats for line in few)
    many = place_lyrics(read("\n".join(f"line {n}" for n in range(64)).encode(), "song.txt"), analysis).lines
    beats = {round(beat.time_s, 3) for beat in analysis.beats}
    assert all(line.start_s in beats for line in many)
    assert len({line.start_s for line in many}) == 64


def test_a_song_of_one_part_or_without_beats_has_its_words_too() -> None:
    alone = replace(song(((0, 20, "instrumental"),)), beats=(), downbeats=(), tempo_bpm=None)
    placed = place_lyrics(read(b"a line\nb line\n", "song.txt"), alone).lines
    assert [line.start_s for line in placed] == [0.0, 10.0]


def test_text_before_the_first_bound_part_is_sung_before_it() -> None:
    text = b"Spoken first\n\n[Chorus]\nLa la\n"
    placed = place_lyrics(read(text, "song.txt"), song()).lines
    assert label_at(placed[0].start_s or 0.0) == "verse"
    assert [line.text for line in placed[1:]] == ["La la"] * 3
    assert [line.start_s for line in placed[1:]] == pytest.approx([24, 64, 80], abs=0.1)


def test_the_same_text_is_always_placed_alike() -> None:
    sheet = read(SHEET.encode(), "song.txt")
    assert place_lyrics(sheet, song()) == place_lyrics(sheet, song())


def test_lines_with_times_keep_them() -> None:
    given = lrc("[00:01.23]a\n[00:04.56]b\n[00:05.00]\n")
    assert place_lyrics(given, song()) == given.ended()


def test_a_caption_begins_at_the_frame_nearest_to_its_line() -> None:
    shown = captions("[00:01.00]One line\n[00:04.517]Another\n[00:06.00]\n", VideoRequest(words=Words.LINE))
    assert [(one.text, one.start_frame, one.end_frame) for one in shown] == [
        ("One line", 30, 136),
        ("Another", 136, 180),
    ]
    assert {one.style for one in shown} == {CaptionStyle.LINE}
    assert all(not one.words for one in shown)


def test_a_line_stays_until_it_can_be_read_but_not_beyond_the_next() -> None:
    text = "[00:01.00]Thirty-four letters and a few more\n[00:01.50]\n[00:10.00]Quick\n[00:10.20]\n[00:10.75]Next\n"
    long, quick, after = captions(text, VideoRequest(words=Words.LINE))
    assert long.end_frame - long.start_frame == 60  # 34 letters at 17 a second
    assert quick.end_frame == after.start_frame == 323  # it would like a second


def test_captions_never_overlap_and_lines_that_come_together_share_one() -> None:
    both = "[00:01.00]Original\n[00:01.00]Translation\n[00:03.00]Then\n[00:03.30]this\n[00:08.00]late\n"
    shown = captions(both, VideoRequest(words=Words.KARAOKE))
    assert [one.text for one in shown] == ["Original\nTranslation", "Then\nthis", "late"]
    assert all(before.end_frame <= after.start_frame for before, after in pairwise(shown))


def test_overlapping_cues_give_way_to_the_later_one() -> None:
    text = "1\n00:00:01,000 --> 00:00:09,000\nlong one\n\n2\n00:00:04,000 --> 00:00:06,000\nother\n"
    first, second = captions_of(read(text.encode(), "a.srt"), song(), timeline(), VideoRequest(words=Words.LINE))
    assert (first.end_frame, second.start_frame, second.end_frame) == (120, 120, 180)


@pytest.mark.parametrize("aspect", Aspect)
def test_long_lines_are_cut_into_rows_that_fit(aspect: Aspect) -> None:
    request = VideoRequest(words=Words.KARAOKE, aspect=aspect)
    line = "This is a line that has many more words than any picture could show at once " * 3
    shown = captions(f"[00:10.00]{line}\n[00:25.00]\n", request)
    area = safe_area(request.size)
    pixels = type_size(CaptionStyle.KARAOKE, request.size)
    assert len(shown) > 1
    for one in shown:
        rows = one.text.split("\n")
        assert len(rows) <= most_rows(request.size)
        widest = max(width_of(row, one.font, pixels, "") for row in rows)
        assert widest + 2 * edge(pixels) <= area.right - area.left
    assert " ".join(one.text.replace("\n", " ") for one in shown) == line.strip()
    assert [word.text for one in shown for word in one.words] == line.split()
    assert (shown[0].start_frame, shown[-1].end_frame) == (300, 750)
    assert all(before.end_frame == after.start_frame for before, after in pairwise(shown))


def test_a_part_of_a_line_from_the_right_still_runs_from_there() -> None:
    text = "אני שר לך שיר אחד לפני שהבוקר יבוא ועוד אחד אחריו כל הלילה hello עולם שלי ושלך ושל כולם לבד"
    shown = captions(f"[00:01.00]{text}\n[00:09.00]\n", VideoRequest(words=Words.LINE, aspect=Aspect.PORTRAIT))
    assert len(shown) > 1
    assert all(is_right_to_left(one.text) for one in shown)
    rows = ("hello עולם", "שלי")
    assert directed(rows, "אני")[0] == "\N{RIGHT-TO-LEFT MARK}hello עולם"
    assert directed(rows, "I am") == rows


def test_words_without_times_share_their_line_by_letters() -> None:
    (shown,) = captions("[00:01.00]one three\n[00:03.00]\n", VideoRequest(words=Words.KARAOKE))
    assert [(word.text, word.start_frame, word.end_frame) for word in shown.words] == [
        ("one", 30, 53),
        ("three", 53, 90),
    ]


def test_words_with_times_keep_them() -> None:
    (shown,) = captions("[00:01.00]<00:01.00>one <00:02.00>two<00:02.50>", VideoRequest(words=Words.KARAOKE))
    assert [(word.start_frame, word.end_frame) for word in shown.words] == [(30, 60), (60, 75)]


def test_captions_know_the_language_that_was_told_or_is_seen() -> None:
    told = captions("[la:tr]\n[00:01.00]istanbul\n", VideoRequest(words=Words.LINE))
    nonsense = captions("[la:no idea!]\n[00:01.00]istanbul\n", VideoRequest(words=Words.LINE))
    assert [one.language for one in (*told, *nonsense)] == ["tr", ""]
    assert language_of("日本 の 歌") == "ja"
    assert language_of("日本") == "zh-Hans"


def test_the_window_is_respected() -> None:
    window = Window(start_s=Fraction(10), end_s=Fraction(20))
    text = "[00:01.00]before\n[00:09.00]across\n[00:12.00]\n[00:13.00]inside\n[00:16.00]\n[00:19.00]out\n[00:25.00]z\n"
    shown = captions(text, VideoRequest(words=Words.LINE), seconds=10, window=window)
    assert [(one.text, one.start_frame, one.end_frame) for one in shown] == [
        ("across", 0, 60),
        ("inside", 90, 180),
        ("out", 270, 300),
    ]
    film = sung_in(lrc(text), song(), timeline(10, window=window))
    assert [(line.text, line.start_s, line.end_s) for line in film.lines] == [
        ("across", 0.0, 2.0),
        ("inside", 3.0, 6.0),
        ("out", 9.0, 10.0),
    ]


def test_a_window_in_which_nobody_sings_has_no_captions() -> None:
    window = Window(start_s=Fraction(40), end_s=Fraction(50))
    assert captions("[00:01.00]early\n[00:05.00]\n", VideoRequest(words=Words.LINE), seconds=10, window=window) == []


@st.composite
def sung(draw: st.DrawFn) -> Lyrics:
    """Draw lines that come thick and fast, overlap, end at once, and have words of any length."""
    at, lines = 0.0, []
    for _ in range(draw(st.integers(1, 8))):
        at += draw(st.sampled_from([0.0, 0.01, 0.3, 1.0, 2.5]))
        end = at + draw(st.sampled_from([0.001, 0.02, 0.5, 3.0, 9.0]))
        parts = draw(st.lists(st.sampled_from(["a", "rain", "—", "(yes)", "word" * 20]), min_size=1, max_size=9))
        start, words = at, []
        for part in parts:
            last = start + draw(st.sampled_from([0.0, 0.01, 0.7]))
            words.append(LyricWord(text=part, start_s=round(start, 3), end_s=round(last, 3)))
            start = last
        kept = tuple(words) if draw(st.booleans()) else ()
        lines.append(LyricLine(text=" ".join(parts), start_s=round(at, 3), end_s=round(end, 3), words=kept))
    return Lyrics(lines=tuple(lines))


@settings(max_examples=40, deadline=None)
@given(lyrics=sung(), aspect=st.sampled_from(list(Aspect)))
def test_whatever_is_sung_captions_hold_together(lyrics: Lyrics, aspect: Aspect) -> None:
    request = VideoRequest(words=Words.KARAOKE, aspect=aspect, resolution=Resolution.P480)
    shown = captions_of(lyrics, song(), timeline(20), request)
    assert all(before.end_frame <= after.start_frame for before, after in pairwise(shown))
    for one in shown:
        assert 0 <= one.start_frame < one.end_frame <= 600
        assert len(one.text.split("\n")) <= most_rows(request.size)
        assert "".join(word.text for word in one.words) == "".join(one.text.split())
        assert all(one.start_frame <= word.start_frame <= word.end_frame <= one.end_frame for word in one.words)


def test_cards_stand_at_the_beginning_and_the_end() -> None:
    request = VideoRequest(title="Neon Rain\nThe Choir", credits="Words: A. B.")
    title, credit = captions_of(None, song(), timeline(), request)
    assert (title.start_frame, title.end_frame, title.style) == (0, 120, CaptionStyle.TITLE)
    assert title.text == "Neon Rain\n\nThe Choir"
    assert (credit.start_frame, credit.end_frame, credit.style) == (2850, 3000, CaptionStyle.CREDIT)
    short = captions_of(None, song(), timeline(3), request)
    assert [(one.start_frame, one.end_frame) for one in short] == [(0, 36), (54, 90)]


@pytest.mark.parametrize("words", [Words.LINE, Words.KARAOKE, Words.SOFT])
def test_words_of_a_song_without_lyrics_are_one_sentence(words: Words) -> None:
    with pytest.raises(InvalidInput, match="no lyrics; give them") as refused:
        captions_of(None, song(), timeline(), VideoRequest(words=words))
    assert refused.value.code == "lyrics_absent"


def test_words_of_another_song_are_one_sentence() -> None:
    with pytest.raises(InvalidInput, match="the song ends at 100") as refused:
        captions("[05:01.00]One\n", VideoRequest(words=Words.LINE))
    assert refused.value.code == "lyrics_outside"


def test_soft_words_are_not_drawn() -> None:
    assert captions("[00:01.00]One\n", VideoRequest(words=Words.SOFT)) == []


def test_a_script_that_no_font_has_is_named_before_anything_is_drawn() -> None:
    text = "[00:01.00]fine\n[00:02.00]\N{CUNEIFORM SIGN A}\N{CUNEIFORM SIGN AN}\n"
    with pytest.raises(InvalidInput, match="No font here has Cuneiform letters") as refused:
        captions(text, VideoRequest(words=Words.LINE))
    assert refused.value.code == "font_missing"


def test_each_line_has_the_first_font_that_covers_it_and_pictures_among_letters_are_left_out() -> None:
    text = (
        "[00:01.00]Grüße, Tiếng Việt\n[00:03.00]Город\n[00:05.00]Καλημέρα\n[00:07.00]مرحبا world\n"
        "[00:09.00]שלום world\n[00:11.00]fire \N{FIRE}\N{VARIATION SELECTOR-16}!\n[00:13.00]\N{FIRE}\n"
    )
    shown = captions(text, VideoRequest(words=Words.LINE, resolution=Resolution.P480))
    assert [one.font for one in shown] == [
        "NotoSans_600SemiBold.ttf",
        "NotoSans_600SemiBold.ttf",
        "NotoSans_600SemiBold.ttf",
        "NotoSansArabic_600SemiBold.ttf",
        "NotoSansHebrew_600SemiBold.ttf",
        "NotoSans_600SemiBold.ttf",
    ]
    assert shown[-1].text == "fire !"
