"""Beats and sections go to other programs' files and come back; what is no such file is one clear problem."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import notation
from tasks.domain.analysis import Analysis, Meter
from tasks.domain.corrections import BeatsAt, SectionsAre, apply
from tasks.domain.errors import InvalidInput
from tasks.notation import Format, Marks
from tests.support.analyses import analysis, section

SONG_S = 60
TOLERANCE_S = {
    Format.CSV: 1e-6,
    Format.LAB: 1e-6,
    Format.AUDACITY: 1e-6,
    Format.SONIC_VISUALISER: 1 / 44_100,
    Format.JAMS: 1e-9,
    Format.MIDI: 1e-4,
}
HAS_BEATS = set(Format) - {Format.LAB}
HAS_SECTIONS = set(Format) - {Format.CSV, Format.SONIC_VISUALISER}


@st.composite
def songs(draw: st.DrawFn) -> Analysis:
    """Draw regular bars on beats that breathe, and sections."""
    beat_s = draw(st.floats(0.25, 1.5))
    time, times = draw(st.floats(0, 20)), []
    while time < SONG_S - 1:
        times.append(round(time, 4))
        time += beat_s * draw(st.floats(0.9, 1.1))
    edges = [0.0, *sorted(draw(st.sets(st.integers(2, SONG_S - 2).map(float), max_size=5))), float(SONG_S)]
    named = st.sampled_from(["intro", "verse", "chorus one", "Réfrain", "solo"])
    song = analysis(44_100 * SONG_S, times, [section(a, b, draw(named)) for a, b in pairwise(edges)], 60 / beat_s)
    bar, first = draw(st.integers(2, 7)), draw(st.integers(0, 6))
    beats = tuple(replace(one, position=(place + first) % bar + 1) for place, one in enumerate(song.beats))
    meter = Meter(numerator=bar, denominator=draw(st.sampled_from([2, 4, 8])))
    starts = tuple(one.time_s for one in beats if one.position == 1)
    return replace(song, beats=beats, downbeats=starts, meter=meter)


@pytest.mark.parametrize("form", Format)
@settings(max_examples=25)
@given(song=songs())
def test_what_is_exported_is_read_again(form: Format, song: Analysis) -> None:
    data = notation.export(song, form)
    found = notation.read(data, f"song.{form}", SONG_S)
    if form in HAS_BEATS:
        assert found.beats == pytest.approx([beat.time_s for beat in song.beats], abs=TOLERANCE_S[form])
        assert found.positions == tuple(beat.position for beat in song.beats)
    if form in HAS_SECTIONS:
        ours = [(one.start_s, one.end_s) for one in song.sections]
        tolerance = 1e-3 if form == Format.MIDI else TOLERANCE_S[form]
        assert [one.label for one in found.sections] == [one.label for one in song.sections]
        assert [time for one in found.sections for time in (one.start_s, one.end_s)] == pytest.approx(
            [time for pair in ours for time in pair], abs=tolerance
        )
    assert notation.read(notation.export(apply(song, found.corrections()), form), f"x.{form}", SONG_S) == found


@pytest.mark.parametrize("form", HAS_BEATS)
def test_beats_without_bars_are_read_again(form: Format) -> None:
    song = analysis(44_100 * SONG_S, [0.0, 0.5, 1.0, 20.0 if form != Format.MIDI else 1.7])
    found = notation.read(notation.export(song, form), f"song.{form}", SONG_S)
    assert found.beats == pytest.approx([beat.time_s for beat in song.beats], abs=1e-4)
    assert found.positions is None


def read(text: str | bytes, name: str) -> Marks:
    return notation.read(text.encode() if isinstance(text, str) else text, name, SONG_S)


def spans(found: Marks) -> list[tuple[float, float, str]]:
    return [(one.start_s, one.end_s, one.label) for one in found.sections]


AUDACITY = "0.000000\t12.500000\tIntro\n\\\t86.1\t4000.0\n12.500000\t60.000000\tVerse 1\n"
AUDACITY_POINTS = "0.500000\t0.500000\t\n1.000000\t1.000000\t\n"
AUDACITY_STARTS = "0.000000\t0.000000\tintro\n20.000000\t20.000000\tverse\n"
ISOPHONICS = "0.000 12.500 silence\n12.500\t59.900\tverse one\n"
SALAMI = "0.0\tSilence\n0.5\tIntro\n30.2\tVerse\n59.99\tEnd\n"
MADMOM = "0.370\t1\n0.860\t2\n1.350\t3\n"
SV_INSTANTS = '0.392743764,"1"\n0.882721088,"2"\n1.372698413,"3"\n'
SV_BAR_BEAT = "0.39\t1.4\n0.88\t2.1\n"
SV_REGIONS = "0.000000000,1,12.500000000,A\n12.500000000,2,20.0,B\n"
SVL = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE sonic-visualiser>
<sv>
  <data>
    <model id="5" name="" sampleRate="44100" type="wavefile" file="song.wav" mainModel="true" />
    <model id="{model}" name="" sampleRate="44100" start="0" end="2646000" type="sparse" dimensions="{dimensions}"
      resolution="1" notifyOnAdd="true" dataset="7"  subtype="" />
    <dataset id="7" dimensions="{dimensions}">
{points}
    </dataset>
  </data>
  <display>
    <layer id="8" type="timeinstants" name="Time Instants" model="{model}"  plotStyle="0"  colourName="Purple" />
  </display>
</sv>
"""
POINTS = '      <point frame="22050" label="1" />\n      <point frame="44100" label="2" />'
NEW_POINTS = '      <point frame="22050" label="New Point" />\n      <point frame="44100" label="New Point" />'
REGIONS = '      <point frame="0" value="1" duration="441000" label="A" />'
NAMED = '      <point frame="0" label="intro" />\n      <point frame="882000" label="verse" />'
JAMS_OLD = {
    "annotations": [
        {"namespace": "beat", "data": {"time": [1.0, 1.5], "duration": [0, 0], "value": [1.0, 2.0], "confidence": []}},
        {"namespace": "segment_salami_function", "data": [{"time": 0, "duration": 9.5, "value": "Intro"}]},
    ]
}


def svl(points: str, dimensions: int = 1) -> str:
    return SVL.format(points=points, dimensions=dimensions, model=6)


@pytest.mark.parametrize(
    ("name", "text", "beats", "positions"),
    [
        ("a.csv", SV_INSTANTS, (0.392743764, 0.882721088, 1.372698413), (1, 2, 3)),
        ("a.csv", "time;position;confidence\r\n0.5;1;0.9\r\n1;2;0.8\r\n", (0.5, 1.0), (1, 2)),
        ("a.csv", "\ufefftime\n0.5\n1e0\n", (0.5, 1.0), None),
        ("a.csv", "0.5,\n1.0,\n", (0.5, 1.0), None),
        ("a.lab", MADMOM, (0.37, 0.86, 1.35), (1, 2, 3)),
        ("a.txt", SV_BAR_BEAT, (0.39, 0.88), (4, 1)),
        ("a.txt", AUDACITY_POINTS, (0.5, 1.0), None),
        ("taps.TXT", "# taps\n0.5\n1.0\n60.5\n", (0.5, 1.0), None),
        ("a.svl", svl(POINTS), (0.5, 1.0), (1, 2)),
        ("a.svl", svl(NEW_POINTS), (0.5, 1.0), None),
        ("a.jams", json.dumps(JAMS_OLD), (1.0, 1.5), (1, 2)),
    ],
)
def test_beats_of_other_programs_are_read(
    name: str, text: str, beats: tuple[float, ...], positions: tuple[int, ...] | None
) -> None:
    found = read(text, name)
    assert (found.beats, found.positions) == (beats, positions)
    assert found.corrections()[0] == BeatsAt(times_s=beats, positions=positions)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.txt", AUDACITY, [(0, 12.5, "Intro"), (12.5, 60, "Verse 1")]),
        ("a.txt", AUDACITY_STARTS, [(0, 20, "intro"), (20, 60, "verse")]),
        ("a.lab", ISOPHONICS, [(0, 12.5, "silence"), (12.5, 59.9, "verse one")]),
        ("a.lab", SALAMI, [(0, 0.5, "Silence"), (0.5, 30.2, "Intro"), (30.2, 59.99, "Verse")]),
        ("a.lab", "0 10.0005 a\n10 60.9 b\n", [(0, 10, "a"), (10, 60, "b")]),
        ("a.csv", SV_REGIONS, [(0, 12.5, "A"), (12.5, 32.5, "B")]),
        ("a.csv", "start,end,label\n0,30,a\n", [(0, 30, "a")]),
        ("a.svl", svl(REGIONS, 3), [(0, 10, "A")]),
        ("a.svl", svl(NAMED), [(0, 20, "intro"), (20, 60, "verse")]),
        ("a.jams", json.dumps(JAMS_OLD), [(0, 9.5, "Intro")]),
    ],
)
def test_sections_of_other_programs_are_read(name: str, text: str, expected: list[tuple[float, float, str]]) -> None:
    found = read(text, name)
    assert spans(found) == expected
    assert found.corrections()[-1] == SectionsAre(sections=found.sections)


def midi(*messages: mido.MetaMessage, ticks: int = 480, kind: int = 1) -> bytes:
    track = mido.MidiTrack([*messages, mido.MetaMessage("end_of_track")])
    written = io.BytesIO()
    mido.MidiFile(type=kind, ticks_per_beat=ticks, tracks=[track, mido.MidiTrack()]).save(file=written)
    return written.getvalue()


def test_a_tempo_track_of_a_sequencer_gives_beats_through_the_whole_song() -> None:
    found = read(
        midi(
            mido.MetaMessage("track_name", name="Refr\u00e9"),
            mido.MetaMessage("time_signature", numerator=3, denominator=4),
            mido.MetaMessage("set_tempo", tempo=500_000),
            mido.MetaMessage("marker", text="intro"),
            mido.MetaMessage("set_tempo", tempo=1_000_000, time=480 * 6),
            mido.MetaMessage("time_signature", numerator=4, denominator=8, time=0),
            mido.MetaMessage("marker", text="verse", time=0),
        ),
        "tempo.midi",
    )
    assert found.beats[:9] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4])
    assert found.beats[-1] == pytest.approx(59.5)
    assert found.positions is not None
    assert found.positions[:9] == (1, 2, 3, 1, 2, 3, 1, 2, 3)
    assert spans(found) == [(0, 3, "intro"), (3, 60, "verse")]


def test_a_tempo_map_does_not_drift() -> None:
    song = analysis(44_100 * 3600, [0.123 + beat * 60 / 173.3 for beat in range(10_000)], tempo_bpm=173.3)
    found = notation.read(notation.export(song, Format.MIDI), "long.mid", 3600)
    worst = max(abs(ours - theirs.time_s) for ours, theirs in zip(found.beats, song.beats, strict=True))
    assert worst < 2e-6


BILLION_LAUGHS = '<!DOCTYPE sv [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><sv>&b;</sv>'
FAST = midi(mido.MetaMessage("set_tempo", tempo=1))


def jams(*observations: dict[str, Any]) -> str:
    return json.dumps({"annotations": [{"namespace": "beat", "data": observations}]})


def at(*times: float) -> list[dict[str, Any]]:
    return [{"time": time, "duration": 0, "value": 1} for time in times]


WRONG: list[tuple[str, str | bytes, str, str]] = [
    *[(f"a.{form}", b"", "import_empty", "neither beats nor sections") for form in Format],
    *[(f"a.{form}", b" \n\n", "import_empty", "neither beats nor sections") for form in Format],
    *[(f"a.{form}", b"x" * (9 << 20), "import_too_large", "larger than") for form in Format],
    *[(f"a.{form}", b"\x00\xff\xfe\x01" * 99, "import_unreadable", "UTF-8") for form in ("csv", "lab", "txt", "jams")],
    *[(f"a.{form}", "0.5\n1.0\n".encode("utf-16"), "import_unreadable", "UTF-8") for form in ("csv", "lab", "txt")],
    *[(f"a.{form}", "Strophe\xe9".encode("latin1"), "import_unreadable", "UTF-8") for form in ("csv", "lab", "txt")],
    *[(f"a.{form}", "just some words\nand more\n", "import_not_format", "is no ") for form in Format if form != "csv"],
    ("a.csv", "a,b\njust words,and more\n", "import_not_format", "line 2"),
    ("a.lab", "0 1 a\n2 b\n", "import_not_format", "every section an end, or none"),
    *[(f"a.{form}", "1.0\n0.5\n", "import_times_invalid", "0.5 s comes after 1 s") for form in ("csv", "lab", "txt")],
    *[(f"a.{form}", "1.0\n1.0\n", "import_times_invalid", "increase") for form in ("csv", "lab", "txt")],
    *[(f"a.{form}", "-1.0\n1.0\n", "import_times_invalid", "-1 s is no moment") for form in ("csv", "lab", "txt")],
    *[(f"a.{form}", "0.5\nnan\n", "import_times_invalid", "nan s is no moment") for form in ("csv", "lab", "txt")],
    *[(f"a.{form}", "0.5\ninf\n", "import_times_invalid", "inf s is no moment") for form in ("csv", "lab", "txt")],
    *[(f"a.{form}", "0.5\n99\n", "import_times_invalid", "99.00 s lies beyond") for form in ("csv", "lab", "txt")],
    *[(f"a.{form}", "0.5\n", "import_empty", "at least two beats") for form in ("csv", "lab", "txt")],
    ("a.lab", "3 2 a\n", "import_times_invalid", "end after their start"),
    ("a.lab", "0 5 a\n4 9 b\n", "import_times_invalid", "before the one before it ends"),
    ("a.lab", "0 90 a\n", "import_times_invalid", "90.00 s lies beyond"),
    ("a.txt", "0.0\tnan\ta\n", "import_times_invalid", "ends at nan s"),
    ("a.csv", "\n".join(str(beat / 10_000) for beat in range(100_002)), "import_times_invalid", "more than 100000"),
    ("a.svl", BILLION_LAUGHS, "import_not_format", "Sonic Visualiser"),
    ("a.svl", "<sv><data>", "import_not_format", "Sonic Visualiser"),
    ("a.svl", "<html></html>", "import_not_format", "Sonic Visualiser"),
    ("a.svl", '<?xml version="1.0" encoding="martian"?><sv/>', "import_not_format", "Sonic Visualiser"),
    ("a.svl", "<sv><data/></sv>", "import_empty", "neither beats nor sections"),
    ("a.svl", svl(POINTS).replace('sampleRate="44100" start', "start"), "import_not_format", "sample rate"),
    ("a.svl", svl(POINTS).replace("44100", "many", 5), "import_not_format", "sample rate"),
    ("a.svl", svl('<point frame="99" /><point frame="9" />'), "import_times_invalid", "increase"),
    ("a.svl", svl('<point frame="-99" /><point frame="9" />'), "import_times_invalid", "no moment"),
    ("a.svl", svl('<point frame="x" /><point frame="9" />'), "import_times_invalid", "no moment"),
    ("a.svl", svl('<point frame="9" /><point frame="44100000" />'), "import_times_invalid", "beyond"),
    ("a.jams", "[1, 2]", "import_not_format", "JAMS"),
    ("a.jams", "[" * 100_000, "import_not_format", "JAMS"),
    ("a.jams", '{"annotations": 3}', "import_not_format", "JAMS"),
    ("a.jams", '{"annotations": []}', "import_empty", "neither beats nor sections"),
    ("a.jams", jams({"time": 1}), "import_not_format", "JAMS"),
    ("a.jams", jams(*at(1, float("nan"))), "import_times_invalid", "no moment"),
    ("a.jams", jams(*at(2, 1)), "import_times_invalid", "increase"),
    ("a.jams", jams(*at(-2, 1)), "import_times_invalid", "no moment"),
    ("a.jams", jams(*at(1, 99)), "import_times_invalid", "beyond"),
    ("a.mid", FAST[:30], "import_not_format", "MIDI"),
    ("a.mid", b"x" * (2 << 20), "import_too_large", "1 MiB"),
    ("a.mid", FAST, "import_times_invalid", "more than 100000"),
    ("a.mid", midi(mido.MetaMessage("set_tempo", tempo=500_000), kind=2), "import_not_format", "counted in beats"),
    ("a.mid", midi(), "import_empty", "neither beats nor sections"),
    ("a.mid", midi(mido.MetaMessage("marker", text="late", time=480 * 400)), "import_times_invalid", "beyond"),
    ("a.pdf", b"0.5\n1.0\n", "format_unknown", r"\.csv, \.lab, \.txt, \.svl, \.jams, \.mid"),
]


@pytest.mark.parametrize(("name", "data", "code", "sentence"), WRONG, ids=range(len(WRONG)))
def test_what_is_no_such_file_is_one_clear_problem(name: str, data: str | bytes, code: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        read(data, name)
    assert refused.value.code == code
    assert name in refused.value.message


@given(st.binary(max_size=200), st.sampled_from(Format))
def test_no_bytes_break_a_reader(data: bytes, form: Format) -> None:
    for head in (b"", b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk\x00\x00\x00\x40", b"0.5 "):
        try:
            read(head + data, f"x.{form}")
        except InvalidInput as error:
            assert error.code.startswith("import_")  # noqa: PT017 - any of them will do


def test_a_file_that_is_not_there_or_far_too_large_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file") as refused:
        notation.load(tmp_path / "none.csv", SONG_S)
    assert refused.value.code == "import_unreadable"
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(InvalidInput, match="larger than 8 MiB"):
        notation.load(large, SONG_S)
    good = tmp_path / "good.csv"
    good.write_text("0.5\n1\n")
    assert notation.load(good, SONG_S).beats == (0.5, 1.0)


@pytest.mark.parametrize("form", [Format.CSV, Format.SONIC_VISUALISER, Format.MIDI])
def test_a_song_without_a_beat_is_not_exported_as_beats(form: Format) -> None:
    with pytest.raises(InvalidInput, match="No beat was heard") as refused:
        notation.export(analysis(44_100 * SONG_S), form)
    assert refused.value.code == "export_impossible"
    assert notation.read(notation.export(analysis(44_100 * SONG_S), Format.JAMS), "a.jams", SONG_S).sections


def test_a_pause_that_midi_cannot_hold_is_said() -> None:
    with pytest.raises(InvalidInput, match="farther apart"):
        notation.export(analysis(44_100 * SONG_S, [0.5, 1.0, 20.0]), Format.MIDI)
