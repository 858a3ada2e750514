"""The user is right: what is set stands exactly, whatever is heard, and nothing breaks by it."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.analysis import Analysis, Beat, Meter, Section
from tasks.domain.corrections import (
    BeatsAt,
    Correction,
    DownbeatShift,
    FixedTempo,
    MeterIs,
    Scale,
    SectionAdd,
    SectionDelete,
    SectionMerge,
    SectionMove,
    SectionRelabel,
    SectionsAre,
    SectionSplit,
    Span,
    TempoScale,
    apply,
    from_json,
    settle,
    to_json,
)
from tasks.domain.errors import InvalidInput
from tests.support.analyses import analysis, section, steady

SONG_S = 60

moments = st.floats(0, SONG_S, allow_nan=False).map(lambda time: round(time, 3))
anywhere = moments | st.floats(SONG_S, 2 * SONG_S)
labels = st.sampled_from(["intro", "verse", "chorus", "bridge", "my own part"])
spans = st.tuples(moments, moments).filter(lambda pair: pair[0] != pair[1]).map(sorted)
wide = st.tuples(anywhere, anywhere).filter(lambda pair: pair[0] != pair[1]).map(sorted)


@st.composite
def cuts(draw: st.DrawFn) -> list[float]:
    inner = draw(st.sets(st.floats(0.5, SONG_S - 0.5).map(lambda time: round(time, 3)), max_size=8))
    return [0.0, *sorted(inner), float(SONG_S)]


@st.composite
def heard(draw: st.DrawFn) -> Analysis:
    """Draw what an engine may find: any beats, bars and sections, or none."""
    edges = draw(cuts())
    sections = [section(a, b, draw(labels), draw(st.floats(0, 1))) for a, b in pairwise(edges)]
    times = sorted(draw(st.sets(moments, max_size=40)))
    song = analysis(44_100 * SONG_S, times, sections, draw(st.floats(40, 200)))
    if not draw(st.booleans()):
        return song
    beats = tuple(replace(beat, position=place % 4 + 1) for place, beat in enumerate(song.beats))
    starts = tuple(beat.time_s for beat in beats if beat.position == 1)
    return replace(song, beats=beats, downbeats=starts, meter=Meter(numerator=4, denominator=4) if times else None)


@st.composite
def placed(draw: st.DrawFn) -> BeatsAt:
    times = sorted(draw(st.sets(anywhere, min_size=2, max_size=20)))
    positions = draw(st.none() | st.lists(st.integers(1, 7), min_size=len(times), max_size=len(times)))
    return BeatsAt(
        times_s=tuple(times), positions=None if positions is None else tuple(positions), extend=draw(st.booleans())
    )


def made(kind: Any, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **fields)


grid_corrections: st.SearchStrategy[Correction] = st.one_of(
    made(TempoScale, factor=st.sampled_from(Scale), bpm=st.none() | st.floats(60, 180)),
    made(FixedTempo, bpm=st.floats(30, 300), offset_s=anywhere),
    made(MeterIs, numerator=st.integers(1, 12), denominator=st.sampled_from([4, 8])),
    made(DownbeatShift, beats=st.integers(-9, 9), at_s=st.none() | anywhere),
    placed(),
)
section_corrections: st.SearchStrategy[Correction] = st.one_of(
    made(SectionMove, from_s=anywhere, to_s=anywhere),
    made(SectionDelete, at_s=anywhere),
    made(SectionSplit, at_s=anywhere, label=st.none() | labels),
    made(SectionRelabel, at_s=anywhere, label=labels),
    wide.flatmap(lambda span: made(SectionAdd, start_s=st.just(span[0]), end_s=st.just(span[1]), label=labels)),
    wide.flatmap(lambda span: made(SectionMerge, first_s=st.just(span[0]), last_s=st.just(span[1]))),
    cuts().map(
        lambda edges: SectionsAre(sections=tuple(Span(start_s=a, end_s=b, label="x") for a, b in pairwise(edges)))
    ),
)
corrections = st.lists(grid_corrections | section_corrections, max_size=8).map(tuple)


@given(heard(), corrections)
def test_whatever_is_asked_the_analysis_stays_whole(song: Analysis, asked: tuple[Correction, ...]) -> None:
    before = song.to_json()
    result = apply(song, asked)  # its record refuses gaps, overlaps and beats that do not increase
    assert all(one.end_s > one.start_s for one in result.sections)
    assert {beat.time_s for beat in result.beats if beat.time_s >= SONG_S} <= {beat.time_s for beat in song.beats}
    assert set(result.downbeats) <= {beat.time_s for beat in result.beats}
    assert song.to_json() == before
    assert Analysis.from_json(json.loads(json.dumps(result.to_json()))) == result


@given(corrections)
def test_corrections_survive_being_written(asked: tuple[Correction, ...]) -> None:
    assert from_json(json.loads(json.dumps(to_json(asked)))) == asked


@given(heard())
def test_without_corrections_nothing_changes(song: Analysis) -> None:
    assert apply(song, ()) == song


@given(heard(), heard(), corrections)
def test_what_is_settled_is_settled_once(song: Analysis, other: Analysis, asked: tuple[Correction, ...]) -> None:
    try:
        settled = settle(song, asked)
    except InvalidInput:
        return
    assert apply(song, settled).sections == apply(song, asked).sections
    apply(other, settled)
    assert [type(one) for one in settled] == [type(one) for one in asked]


@given(heard(), st.lists(section_corrections, max_size=5), st.floats(1, SONG_S - 1).map(lambda t: round(t, 3)), labels)
def test_a_boundary_that_is_set_stands_on_every_analysis(
    song: Analysis, before: list[Correction], at_s: float, label: str
) -> None:
    split = apply(song, (*before, SectionSplit(at_s=at_s, label=label)))
    assert [one.label for one in split.sections if one.start_s == at_s] == [label]
    moved = apply(song, (*before, SectionMove(from_s=0.0, to_s=at_s)))
    assert at_s in {one.start_s for one in moved.sections}


@given(heard(), st.lists(section_corrections, max_size=5), moments, labels)
def test_a_label_that_is_set_stands_on_every_analysis(
    song: Analysis, before: list[Correction], at_s: float, label: str
) -> None:
    result = apply(song, (*before, SectionRelabel(at_s=at_s, label=label)))
    assert result.sections[result.section_at(at_s)].label == label


@given(heard(), st.lists(section_corrections, max_size=5), spans, labels)
def test_a_section_that_is_set_is_one_section(
    song: Analysis, before: list[Correction], span: list[float], label: str
) -> None:
    result = apply(song, (*before, SectionAdd(start_s=span[0], end_s=span[1], label=label)))
    assert [(one.start_s, one.end_s, one.label) for one in result.sections if one.start_s == span[0]] == [
        (span[0], span[1], label)
    ]


@given(heard(), st.lists(grid_corrections, max_size=5), placed())
def test_tapped_beats_stand_on_every_analysis(song: Analysis, before: list[Correction], taps: BeatsAt) -> None:
    result = apply(song, (*before, taps))
    inside = [time for time in taps.times_s if time < SONG_S]
    if len(inside) > 1:
        assert set(inside) <= {beat.time_s for beat in result.beats}
        assert taps.extend or [beat.time_s for beat in result.beats] == inside


@given(heard(), st.lists(grid_corrections, max_size=5), st.floats(30, 300), moments)
def test_a_fixed_tempo_stands_on_every_analysis(
    song: Analysis, before: list[Correction], bpm: float, offset_s: float
) -> None:
    result = apply(song, (*before, FixedTempo(bpm=bpm, offset_s=offset_s)))
    assert result.tempo_bpm == bpm
    times = [beat.time_s for beat in result.beats]
    assert all(abs((time - offset_s) * bpm / 60 - round((time - offset_s) * bpm / 60)) < 1e-6 for time in times)
    assert times[0] < 60 / bpm
    assert times[-1] >= SONG_S - 60 / bpm - 1e-9
    assert song.meter is None or offset_s >= SONG_S or offset_s in result.downbeats


def bars(song: Analysis) -> Analysis:
    beats = tuple(replace(beat, position=place % 4 + 1) for place, beat in enumerate(song.beats))
    return replace(song, beats=beats, meter=Meter(numerator=4, denominator=4))


SONG = bars(steady(SONG_S))
FASTER = bars(steady(SONG_S, bpm=240))


def tempo(song: Analysis, *asked: Correction) -> tuple[float | None, list[float]]:
    result = apply(song, asked)
    return result.tempo_bpm, [beat.time_s for beat in result.beats]


def test_a_tempo_is_doubled_and_halved() -> None:
    times = [beat.time_s for beat in SONG.beats]
    double = TempoScale(factor=Scale.DOUBLE)
    bpm, doubled = tempo(SONG, double)
    assert (bpm, doubled[::2]) == (240, times)
    assert doubled[1] == pytest.approx((times[0] + times[1]) / 2)
    assert tempo(SONG, double, TempoScale(factor=Scale.HALF)) == (120, times)
    assert tempo(SONG, TempoScale(factor=Scale.TRIPLE))[0] == 360
    assert tempo(SONG, TempoScale(factor=Scale.THIRD)) == (40, times[::3])


def test_half_the_tempo_keeps_the_downbeats() -> None:
    late = apply(SONG, (DownbeatShift(beats=1),))
    halved = apply(late, (TempoScale(factor=Scale.HALF),))
    assert set(halved.downbeats) <= set(late.downbeats)
    assert halved.downbeats[0] == late.downbeats[0]


def test_a_doubled_tempo_is_not_doubled_again_when_the_song_is_heard_so() -> None:
    settled = settle(SONG, (TempoScale(factor=Scale.DOUBLE),))
    assert settled == (TempoScale(factor=Scale.DOUBLE, bpm=240.0),)
    assert apply(FASTER, settled).tempo_bpm == 240
    assert apply(SONG, settled).tempo_bpm == 240


def test_a_shifted_downbeat_stays_where_the_song_is_heard_anew() -> None:
    shift = (DownbeatShift(beats=1),)
    meant = apply(SONG, shift).downbeats
    assert meant == tuple(beat.time_s for beat in SONG.beats[1::4])
    heard_so = apply(SONG, shift)
    assert apply(heard_so, settle(SONG, shift)).downbeats == meant
    assert apply(SONG, (DownbeatShift(beats=-3),)).downbeats == meant


def test_a_meter_counts_bars_anew() -> None:
    waltz = apply(SONG, (MeterIs(numerator=3),))
    assert [beat.position for beat in waltz.beats[:7]] == [1, 2, 3, 1, 2, 3, 1]
    assert waltz.meter == Meter(numerator=3, denominator=4)


def test_taps_go_on_to_both_ends() -> None:
    taps = BeatsAt(times_s=(10.0, 10.5, 11.0), extend=True)
    times = [beat.time_s for beat in apply(SONG, (taps,)).beats]
    assert times[:2] == [0.0, 0.5]
    assert times[-1] == 59.5


PARTS = [section(0, 20, "verse", 0.2), section(20, 40, "chorus", 0.8), section(40, 60, "verse", 0.4)]
FORM = steady(SONG_S, sections=PARTS)


def form(*asked: Correction) -> list[tuple[float, float, str]]:
    return [(one.start_s, one.end_s, one.label) for one in apply(FORM, asked).sections]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (SectionMove(from_s=21, to_s=25), [(0, 25, "verse"), (25, 40, "chorus"), (40, 60, "verse")]),
        (SectionMove(from_s=20, to_s=45), [(0, 45, "verse"), (45, 60, "verse")]),
        (SectionMove(from_s=20, to_s=39.8), [(0, 39.8, "verse"), (39.8, 60, "verse")]),
        (
            SectionMove(from_s=30, to_s=31),
            [(0, 20, "verse"), (20, 31, "chorus"), (31, 40, "chorus"), (40, 60, "verse")],
        ),
        (SectionMove(from_s=20, to_s=60), [(0, 20, "verse"), (20, 40, "chorus"), (40, 60, "verse")]),
        (SectionDelete(at_s=30), [(0, 40, "verse"), (40, 60, "verse")]),
        (SectionDelete(at_s=0), [(0, 40, "chorus"), (40, 60, "verse")]),
        (SectionMerge(first_s=30, last_s=50), [(0, 20, "verse"), (20, 60, "chorus")]),
        (SectionMerge(first_s=0, last_s=59, label="all"), [(0, 60, "all")]),
        (
            SectionSplit(at_s=30, label="drop"),
            [(0, 20, "verse"), (20, 30, "chorus"), (30, 40, "drop"), (40, 60, "verse")],
        ),
        (SectionSplit(at_s=20.2, label="drop"), [(0, 20.2, "verse"), (20.2, 40, "drop"), (40, 60, "verse")]),
        (SectionAdd(start_s=15, end_s=45, label="drop"), [(0, 15, "verse"), (15, 45, "drop"), (45, 60, "verse")]),
        (
            SectionAdd(start_s=5, end_s=9, label="fill"),
            [(0, 5, "verse"), (5, 9, "fill"), (9, 20, "verse"), (20, 40, "chorus"), (40, 60, "verse")],
        ),
        (
            SectionAdd(start_s=50, end_s=61, label="outro"),
            [(0, 20, "verse"), (20, 40, "chorus"), (40, 50, "verse"), (50, 60, "outro")],
        ),
        (SectionRelabel(at_s=25, label="drop"), [(0, 20, "verse"), (20, 40, "drop"), (40, 60, "verse")]),
        (
            SectionsAre(sections=(Span(start_s=0.3, end_s=30, label="a"), Span(start_s=30.2, end_s=59.8, label="b"))),
            [(0, 30.2, "a"), (30.2, 60, "b")],
        ),
        (
            SectionsAre(sections=(Span(start_s=5, end_s=35, label="a"),)),
            [(0, 5, "verse"), (5, 35, "a"), (35, 40, "chorus"), (40, 60, "verse")],
        ),
    ],
    ids=itertools.count(),
)
def test_sections_are_what_the_user_says(asked: Correction, expected: list[tuple[float, float, str]]) -> None:
    assert form(asked) == expected


def test_a_merged_section_has_the_mean_energy() -> None:
    merged = apply(FORM, (SectionMerge(first_s=30, last_s=50),)).sections[1]
    assert merged.energy == pytest.approx(0.6)
    assert merged.reason == "You set it so."


def test_the_only_section_cannot_be_deleted() -> None:
    alone = steady(SONG_S)
    assert [(one.start_s, one.end_s) for one in apply(alone, (SectionDelete(at_s=3),)).sections] == [(0, 60)]


def test_a_song_without_a_beat_takes_a_grid() -> None:
    silent = analysis(44_100 * SONG_S)
    assert apply(silent, (TempoScale(factor=Scale.DOUBLE), DownbeatShift(beats=1))) == silent
    assert len(apply(silent, (FixedTempo(bpm=60, offset_s=0.5),)).beats) == 60


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ([], "a list named corrections"),
        ({"schema": 2, "corrections": []}, "schema 1 is understood"),
        ({"corrections": [3]}, "number 1 has no kind"),
        ({"corrections": [{"kind": "magic"}]}, "number 1 has no kind"),
        ({"corrections": [{"kind": ["x"]}]}, "number 1 has no kind"),
        ({"corrections": [{"kind": "tempo", "bpm": 120}]}, r"number 1 \(tempo\): it needs bpm, offset_s"),
        ({"corrections": [{"kind": "tempo", "bpm": "fast", "offset_s": 0}]}, "bpm lies between"),
        ({"corrections": [{"kind": "tempo", "bpm": 120, "offset_s": -1}]}, "offset_s is in seconds"),
        ({"corrections": [{"kind": "tempo", "bpm": 120, "offset_s": 1, "x": 1}]}, "there is no x"),
        ({"corrections": [{"kind": "tempo_scale", "factor": "x4"}]}, "scaled by x2, /2, x3, /3"),
        ({"corrections": [{"kind": "beats", "times_s": [1]}]}, "2 to 100000 beats"),
        ({"corrections": [{"kind": "beats", "times_s": [1, 1]}]}, "increase from beat to beat"),
        ({"corrections": [{"kind": "beats", "times_s": [1, float("nan")]}]}, "times_s is in seconds"),
        ({"corrections": [{"kind": "beats", "times_s": [1, 2], "positions": [1]}]}, "as many as"),
        ({"corrections": [{"kind": "beats", "times_s": [1, 2], "positions": [0, 1]}]}, "count from 1"),
        ({"corrections": [{"kind": "beats", "times_s": [1, 2], "extend": 1}]}, "true or false"),
        ({"corrections": [{"kind": "meter", "numerator": 0}]}, "1 to 32 beats"),
        ({"corrections": [{"kind": "meter", "numerator": 3, "denominator": 5}]}, "a beat is 1/1"),
        ({"corrections": [{"kind": "downbeat_shift", "beats": 0.5}]}, "whole number"),
        ({"corrections": [{"kind": "section_add", "start_s": 2, "end_s": 1, "label": "x"}]}, "end_s lies after"),
        ({"corrections": [{"kind": "section_merge", "first_s": 2, "last_s": 1}]}, "not before first_s"),
        ({"corrections": [{"kind": "section_relabel", "at_s": 2, "label": " "}]}, "printable characters"),
        ({"corrections": [{"kind": "section_split", "at_s": 2, "label": "x" * 81}]}, "printable characters"),
        ({"corrections": [{"kind": "sections", "sections": []}]}, "1 to 100000 sections"),
        ({"corrections": [{"kind": "sections", "sections": [1]}]}, "names and values"),
        (
            {
                "corrections": [
                    {
                        "kind": "sections",
                        "sections": [
                            {"start_s": 0, "end_s": 2, "label": "a"},
                            {"start_s": 1, "end_s": 3, "label": "b"},
                        ],
                    }
                ]
            },
            "without overlap",
        ),
        ({"corrections": [{"kind": "section_delete", "at_s": 1}] * 201}, "200 corrections at most"),
    ],
)
def test_corrections_that_cannot_be_meant_are_named(wrong: object, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        from_json(wrong)
    assert refused.value.code == "corrections_invalid"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (SectionSplit(at_s=70), r"number 1 \(section_split\) is at 70.00 s, but the song ends at 60.00 s"),
        (BeatsAt(times_s=(1.0, 99.0)), "is at 99.00 s"),
        (SectionsAre(sections=(Span(start_s=1, end_s=62, label="a"),)), "is at 62.00 s"),
    ],
)
def test_corrections_beyond_the_song_are_refused(asked: Correction, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        settle(FORM, (asked,))


def test_a_tempo_that_no_music_has_is_refused() -> None:
    with pytest.raises(InvalidInput, match="makes 1080 beats a minute of 360"):
        settle(SONG, (TempoScale(factor=Scale.TRIPLE), TempoScale(factor=Scale.TRIPLE)))


def test_figures_of_what_is_not_corrected_stay() -> None:
    result = apply(SONG, (SectionSplit(at_s=30, label="drop"),))
    assert (result.beats, result.tempo_bpm, result.key) == (SONG.beats, SONG.tempo_bpm, SONG.key)
    assert isinstance(result.sections[0], Section)
    assert isinstance(result.beats[0], Beat)
