"""Lyrics come in from every format as their programs write them, go out and come back, and broken files say where."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.errors import InvalidInput
from tasks.domain.lyrics import LyricLine, Lyrics, LyricWord
from tasks.notation.lyrics import LyricsFormat, read, write

LRC = """\ufeff[ti:Neon Rain]\r
[ar:The Choir]\r
[la:fr]\r
[offset:+500]\r
[00:10.00][00:30.5]Salut <i>ça</i> va\r
[00:12.00]\r
[00:20.00]<00:20.00>Hel<00:20.30>lo <00:20.60>world<00:21.00>\r
[Chorus]\r
[01:02:50]la la\r
"""
SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Hello</i>
there {\\an8}you

2
00:00:02.500 --> 00:00:04.000  X1:100 X2:200
♪ la la ♪
3
00:00:05,0 --> 00:00:06,0
no blank line above

4
00:00:07,000 --> 00:00:08,000
[Music]
"""
VTT = """WEBVTT - a film
Language: de

NOTE nobody reads
this

STYLE
::cue { color: red }

first
00:01.000 --> 00:04.000 line:0 align:start
<v Bob>Nie <00:00:02.000><c.loud>wieder</c> <00:00:03.000>so &amp; so

00:05.000 --> 00:06.000
zwei<rt>furigana</rt>
"""
ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:05.00,Default,,0,0,0,,not sung
Dialogue: 0,0:00:01.00,0:00:04.00,Default,,0,0,0,,{\\fad(1,1)\\k50}Ka{\\kf50}ra{\\ko25}o{\\K25}ke {\\k100}night
Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,one, with\\Ncomma {\\i1}here{\\i0}
Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\\p1}m 0 0 l 1 1
"""
TEXT = """[Verse 1]
One line
Two line

[Chorus]
La la
Lo lo

Verse 2:
Three

[Chorus]

(Bridge)
Four
"""


def times(lyrics: Lyrics) -> list[tuple[str, float | None, float | None]]:
    return [(line.text, line.start_s, line.end_s) for line in lyrics.lines]


def words(line: LyricLine) -> list[tuple[str, float, float, bool]]:
    return [(word.text, word.start_s, word.end_s, word.joined) for word in line.words]


def test_lrc_with_offset_language_repeats_words_and_ends() -> None:
    found = read(LRC.encode(), "song.lrc")
    assert times(found) == [
        ("Salut ça va", 9.5, 11.5),
        ("Hello world", 19.5, 20.5),
        ("Salut ça va", 30.0, None),
        ("la la", 62.0, None),
    ]
    assert words(found.lines[1]) == [
        ("Hel", 19.5, 19.8, False),
        ("lo", 19.8, 20.1, True),
        ("world", 20.1, 20.5, False),
    ]
    assert (found.language, found.format, found.encoding) == ("fr", "lrc", "utf-8")


def test_srt_with_tags_notes_descriptions_and_missing_blank_lines() -> None:
    found = read(SRT.replace("\n", "\r\n").encode(), "song.srt")
    assert times(found) == [("Hello there you", 1.0, 2.5), ("la la", 2.5, 4.0), ("no blank line above", 5.0, 6.0)]


def test_srt_cues_in_any_order_may_overlap() -> None:
    found = read(b"2\n00:00:05,000 --> 00:00:09,000\nb\n\n1\n00:00:01,000 --> 00:00:06,000\na\n", "song.srt")
    assert times(found) == [("a", 1.0, 6.0), ("b", 5.0, 9.0)]


def test_vtt_with_blocks_names_settings_and_times_of_words() -> None:
    found = read(VTT.encode(), "song.vtt")
    assert times(found) == [("Nie wieder so & so", 1.0, 4.0), ("zwei", 5.0, 6.0)]
    assert [(word.text, word.start_s) for word in found.lines[0].words][:3] == [
        ("Nie", 1.0),
        ("wieder", 2.0),
        ("so", 3.0),
    ]
    assert found.lines[0].words[-1].end_s == 4.0
    assert found.language == "de"


def test_rolling_captions_give_each_line_once() -> None:
    rolling = """WEBVTT

00:00:01.000 --> 00:00:03.000
\N{SPACE}
hello<00:00:01.500><c> big</c><00:00:02.000><c> world</c>

00:00:03.000 --> 00:00:03.010
hello big world
\N{SPACE}

00:00:03.010 --> 00:00:05.000
hello big world
next<00:00:04.000><c> one</c>
"""
    found = read(rolling.encode(), "song.vtt")
    assert times(found) == [("hello big world", 1.0, 3.0), ("next one", 3.01, 5.0)]
    assert [word.start_s for word in found.lines[0].words] == [1.0, 1.5, 2.0]


def test_layers_of_a_script_are_one_line() -> None:
    last = next(row for row in ASS.splitlines() if "one, with" in row)
    found = read((ASS + last + "\n").encode(), "song.ass")
    assert [line.text for line in found.lines] == ["Karaoke night", "one, with comma here"]


def test_ass_syllables_of_all_karaoke_tags() -> None:
    found = read(ASS.encode(), "song.ass")
    assert times(found) == [("Karaoke night", 1.0, 4.0), ("one, with comma here", 5.0, 6.0)]
    assert words(found.lines[0]) == [
        ("Ka", 1.0, 1.5, False),
        ("ra", 1.5, 2.0, True),
        ("o", 2.0, 2.25, True),
        ("ke", 2.25, 2.5, True),
        ("night", 2.5, 3.5, False),
    ]


def test_text_with_headings_and_a_chorus_written_once() -> None:
    found = read(TEXT.encode(), "song.txt")
    assert [(line.text, line.part) for line in found.lines] == [
        ("One line", "Verse 1"),
        ("Two line", "Verse 1"),
        ("La la", "Chorus"),
        ("Lo lo", "Chorus"),
        ("Three", "Verse 2"),
        ("La la", "Chorus"),
        ("Lo lo", "Chorus"),
        ("Four", "(Bridge)"),
    ]
    assert not found.is_timed


def test_where_only_choruses_are_marked_a_blank_line_ends_one() -> None:
    found = read(b"a\n\n[Chorus]\nb\n\nc\n", "song.txt")
    assert [(line.text, line.part) for line in found.lines] == [("a", None), ("b", "Chorus"), ("c", None)]


def test_text_with_stamps_is_lrc() -> None:
    assert times(read(b"[00:01.00]one\n[00:02.00]two\n", "song.txt")) == [("one", 1.0, None), ("two", 2.0, None)]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("Première".encode("utf-8-sig"), "utf-8"),
        ("Première".encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + "Première".encode("utf-16-be"), "utf-16"),
        ("Première".encode("utf-32"), "utf-32"),
        ("Première".encode("utf-16-le"), "utf-16-le"),
        ("Première".encode("utf-16-be"), "utf-16-be"),
        ("Première".encode("latin-1"), "cp1252"),
        ("Première".encode(), "utf-8"),
    ],
)
def test_every_encoding_is_read_and_told(data: bytes, encoding: str) -> None:
    found = read(data, "song.txt")
    assert found.lines[0].text == "Première"
    assert found.encoding == encoding


@pytest.mark.parametrize(
    ("name", "text", "code", "said"),
    [
        ("a.lrc", "[00:10.00]ok\nno time here", "lyrics_invalid", "a.lrc, line 2: it has no time"),
        ("a.lrc", "[00:10.00]ok\n\n[00:1x.00]bad", "lyrics_invalid", "line 3: [00:1x.00] is no time"),
        ("a.lrc", "[00:75.00]ok", "lyrics_invalid", "75 seconds in a minute"),
        ("a.lrc", "[offset:soon]\n[00:01.00]ok", "lyrics_invalid", "line 1: the offset 'soon'"),
        ("a.srt", "1\n00:00:01,000 -> 00:00:02,500\nx\n", "lyrics_invalid", "line 2:"),
        ("a.srt", "1\n00:00:01,000 --> 00:00:0a,500\nx\n", "lyrics_invalid", "line 2:"),
        ("a.srt", "1\n00:00:05,000 --> 00:00:02,500\nx\n", "lyrics_invalid", "line 2: it ends before it starts"),
        ("a.srt", "1\n00:61:05,000 --> 00:62:02,500\nx\n", "lyrics_invalid", "0 to 59"),
        ("a.srt", "hello\nthere\n", "lyrics_invalid", "line 1:"),
        ("a.vtt", "00:01.000 --> 00:02.000\nx\n", "lyrics_invalid", "line 1: a .vtt file begins"),
        ("a.ass", "just text", "lyrics_invalid", "[Events]"),
        ("a.ass", ASS.replace("0:00:05.00,0:00:06.00", "0:00:0x.00,0:00:06.00", 1), "lyrics_invalid", "line 12:"),
        (
            "a.ass",
            ASS.replace(",Default,,0,0,0,,one, with\\Ncomma {\\i1}here{\\i0}", ""),
            "lyrics_invalid",
            "ten fields",
        ),
        ("a.txt", "x" * 500, "lyrics_invalid", "line 1: it has 500 characters"),
        ("a.txt", "\x00\x01\x02\x03" * 9, "lyrics_unreadable", "a.txt is no text"),
        ("a.txt", " \n \n", "lyrics_empty", "no words"),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\n[Applause]\n", "lyrics_empty", "no words"),
        ("a.doc", "words", "format_unknown", ".lrc, .srt, .vtt, .ass, .txt"),
        ("a.txt", "x\n" * (1 << 20), "lyrics_too_large", "1 MiB"),
    ],
)
def test_a_broken_file_is_one_sentence_that_names_the_line(name: str, text: str, code: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(text.encode(), name)
    assert refused.value.code == code
    assert said in refused.value.message


TEXTS = st.lists(
    st.text(st.sampled_from("abcdéЖωשםليя'"), min_size=1, max_size=6).filter(lambda word: word.strip("'") != ""),
    min_size=1,
    max_size=5,
)


@st.composite
def timed(draw: st.DrawFn) -> Lyrics:
    """Draw lines in order with ends, some with words, in hundredths of a second."""
    at, lines = draw(st.integers(0, 500)), []
    for parts in draw(st.lists(TEXTS, min_size=1, max_size=5)):
        start, sung = at, []
        for part in parts:
            length = draw(st.integers(1, 90))
            sung.append(LyricWord(text=part, start_s=at / 100, end_s=(at + length) / 100))
            at += length + draw(st.integers(0, 30))
        end = sung[-1].end_s
        kept = tuple(sung) if draw(st.booleans()) else ()
        lines.append(LyricLine(text=" ".join(parts), start_s=start / 100, end_s=end, words=kept))
    return Lyrics(lines=tuple(lines), language=draw(st.sampled_from([None, "de"])))


@settings(max_examples=30, deadline=None)
@given(lyrics=timed())
@pytest.mark.parametrize("form", [LyricsFormat.LRC, LyricsFormat.SRT, LyricsFormat.VTT, LyricsFormat.ASS])
def test_what_is_written_is_read_again(form: LyricsFormat, lyrics: Lyrics) -> None:
    found = read(write(lyrics, form), f"song.{form}")
    assert times(found.ended()) == times(lyrics)
    if form is not LyricsFormat.SRT:
        assert [line.words for line in found.lines] == [line.words for line in lyrics.lines]
    if form in {LyricsFormat.LRC, LyricsFormat.VTT}:
        assert found.language == lyrics.language


def test_text_is_written_and_read_again() -> None:
    found = read(TEXT.encode(), "song.txt")
    again = read(write(found, LyricsFormat.TEXT), "song.txt")
    assert [(line.text, line.part) for line in again.lines] == [(line.text, line.part) for line in found.lines]


@given(lyrics=timed())
@settings(max_examples=20, deadline=None)
def test_the_document_is_read_again(lyrics: Lyrics) -> None:
    assert Lyrics.from_json(json.loads(json.dumps(lyrics.to_json()))) == lyrics


def test_lines_without_times_are_no_subtitles() -> None:
    with pytest.raises(InvalidInput, match="have no times") as refused:
        write(read(TEXT.encode(), "song.txt"), LyricsFormat.SRT)
    assert refused.value.code == "export_impossible"


def test_a_line_whose_end_is_not_told_is_over_at_the_next_or_after_seven_seconds() -> None:
    found = read(b"[00:01.00]a\n[00:03.00]b\n[00:30.00]c\n", "song.lrc").ended()
    assert [line.end_s for line in found.lines] == [3.0, 10.0, 37.0]


def test_a_window_cuts_lines_and_words_on_its_own_clock() -> None:
    word = LyricWord(text="b", start_s=5.0, end_s=7.0)
    line = LyricLine(text="b", start_s=4.0, end_s=8.0, words=(word,))
    early = replace(line, start_s=0.5, end_s=1.0, words=())
    cut = Lyrics(lines=(early, line)).between(6, 20)  # type: ignore[arg-type]
    assert times(cut) == [("b", 0.0, 2.0)]
    assert words(cut.lines[0]) == [("b", 0.0, 1.0, False)]
