"""The parts of hearing do what their sentences say, on inputs whose answer is plain."""

from __future__ import annotations

import itertools

import librosa
import numpy as np
import pytest

from benchmarks.scoring import bootstrap, score
from benchmarks.songs import STYLES, make
from tasks.audio import borders, cues
from tasks.audio.borders import Habit, checkerboard, pick
from tasks.audio.features import Stretch, describe
from tasks.audio.filters import chroma_bank, mel_bank, mel_hz
from tasks.audio.form import Form, settle
from tasks.audio.free import in_time
from tasks.audio.grid import Grid
from tasks.audio.hooks import find_hooks
from tasks.audio.judge import networks
from tasks.audio.likeness import Likeness
from tasks.audio.naming import Portrait, named
from tasks.audio.pointer import follow, walk
from tasks.audio.tempo import Periodicity
from tasks.audio.units import Units, sample
from tests.support.analyses import analysis, section


def test_filters_are_librosas() -> None:
    edges = mel_hz(64, 30.0, 10_000.0)
    assert np.allclose(edges, librosa.mel_frequencies(66, fmin=30.0, fmax=10_000.0))
    theirs = librosa.filters.mel(sr=22_050, n_fft=1024, n_mels=64, fmin=30.0, fmax=10_000.0, norm=None)
    assert np.abs(mel_bank(22_050, 1024, edges) - theirs).max() < 1e-6
    pitches = librosa.filters.chroma(sr=22_050, n_fft=8192, octwidth=None)
    ours = chroma_bank(22_050, 8192, 55.0, 5000.0)
    assert np.abs(pitches - ours)[ours > 0].max() < 1e-6
    heard = (np.fft.rfftfreq(8192, 1 / 22_050) > 55) & (np.fft.rfftfreq(8192, 1 / 22_050) < 5000)
    assert pitches[:, heard][ours[:, heard] == 0].max() <= 0.05 + 1e-6
    assert not ours[:, ~heard].any()


@pytest.mark.parametrize("level", [1e-5, 1.0, 1e5])
def test_mel_magnitudes_are_kept_to_a_thousandth_however_loud_the_sound(level: float) -> None:
    sound = (level * np.random.default_rng(1).uniform(-1, 1, 22_050)).astype(np.float32)
    spectra = describe(Stretch(sound, 20, 1))
    start = (8192 - 1024) // 2
    windows = np.lib.stride_tricks.sliding_window_view(sound[start:], 1024)[::256][:20].astype(np.float64)
    exact = np.abs(np.fft.rfft(windows * np.hanning(1025)[:-1])) @ mel_bank(22_050, 1024, mel_hz(64, 30.0, 10_000.0)).T
    kept = spectra.mel(0, 20)
    assert kept.dtype == np.float32
    assert np.abs(kept / exact - 1).max() < 1.1e-3
    assert np.array_equal(np.concatenate(list(spectra.mel_blocks())), kept)


def test_the_bar_pointer_finds_the_best_of_all_rows() -> None:
    random = np.random.default_rng(1)
    frames, shortest, longest, region, steadiness = 24, 4, 6, 16, 5.0
    gain = random.normal(-0.5, 1.0, frames)
    paces = np.arange(shortest, longest + 1)
    change = np.exp(-steadiness * np.abs(paces[None] / paces[:, None] - 1))
    change = np.log(change / change.sum(axis=1, keepdims=True))

    def worth(first: int, lengths: tuple[int, ...], before: int) -> float:
        total = -np.log(paces[before]) + (gain[0] if first == paces[before] else 0.0)
        at, last = first, before
        for length in lengths:
            total += change[last, length - shortest] + gain[at]
            at, last = at + length, length - shortest
        return float(total)

    best = -np.inf
    for before, first in itertools.product(range(3), range(7)):
        if first > paces[before]:
            continue
        for count in range(1, 7):
            for lengths in itertools.product(paces.tolist(), repeat=count):
                starts = first + np.cumsum((0, *lengths))
                if starts[-2] < frames <= starts[-1]:
                    best = max(best, worth(first, lengths, before))
    row = follow(gain, shortest, longest, region=region, steadiness=steadiness, prior=np.zeros(3))
    assert len(row) >= 4
    steps = np.diff(row)
    assert steps.min() >= shortest
    assert steps.max() <= longest
    found = max(
        worth(int(row[0]), (*steps.tolist(), last), before)
        for before in range(3)
        for last in paces.tolist()
        if row[0] <= paces[before] and row[-1] + last >= frames
    )
    assert found == pytest.approx(best)


def test_bars_are_walked_through_with_a_slip_where_it_pays() -> None:
    odds = np.full(40, -2.0)
    odds[:20:4] = 3.0
    odds[21::4] = 3.0  # one beat too many in the middle
    gain, slips, places = walk(odds, 4, 4.0)
    assert slips == 1
    assert gain == pytest.approx(3.0 * 10 - 4.0)
    assert set(np.flatnonzero(places == 0)) == {*range(0, 20, 4), *range(21, 40, 4)}


def test_a_network_is_summed_alike_however_many_rows_it_weighs() -> None:
    network = networks()["reading"]
    rows = np.random.default_rng(2).normal(size=(50, len(network.inward) - 1))
    assert np.array_equal(network.judge(rows)[:7], network.judge(rows[:7]))


def test_borders_are_picked_where_the_odds_are_and_lengths_are_usual() -> None:
    odds = np.full(32, -4.0)
    odds[[8, 15, 16, 24]] = (2.0, 2.0, 2.0, 2.0)
    habit = np.full(33, -5.0)
    habit[8] = -1.0
    assert pick(odds, Habit(habit, 0.0)).tolist() == [0, 8, 16, 24, 32]


@pytest.mark.parametrize("at", [-1.5, 1.5])
def test_a_doubtful_border_is_settled_by_what_comes_back(at: float) -> None:
    """Four bars of each of A B C B C D; nothing but the form speaks for the border between the first C and B."""
    random = np.random.default_rng(1)
    kinds = np.repeat([0, 1, 2, 1, 2, 3], 4)
    sound, busy, chords = random.normal(size=(4, 26)), random.uniform(0, 1, (4, 4)), random.uniform(0, 1, (4, 4, 48))
    harmony = chords[kinds, np.arange(24) % 4]
    harmony /= np.linalg.norm(harmony, axis=1, keepdims=True)
    nothing = np.zeros((24, 4))
    units = Units(
        edges=np.arange(25.0), sound=sound[kinds], harmony=harmony, loudness=np.array([0.0, 0.5, 1.0, 0.2])[kinds],
        busy=busy[kinds], strike=nothing, tail=nothing,
    )  # fmt: skip
    odds = np.full(24, -5.0)
    odds[[4, 8, 16, 20]], odds[12] = 3.0, at
    lengths = np.full(33, -3.0)
    lengths[[4, 8]] = -1.0
    habit, likeness = Habit(lengths, 0.0), Likeness(units, networks()["likeness"])
    picked = pick(odds, habit)
    assert (12 in picked) == (at > 0)
    form = settle(picked, odds, habit, likeness)
    assert form.borders.tolist() == [0, 4, 8, 12, 16, 20, 24]
    assert form.kinds.tolist() == [1, 2, 3, 2, 3, 4]
    assert form.returns.tolist() == [False, True, True, True, True, False]


@pytest.mark.parametrize("count", [511, 512, 513, 2000])
def test_pairs_of_many_bars_are_sampled_without_favouring_one_of_four(count: int) -> None:
    few = sample(count)
    assert len(few) == min(count, 512)
    assert (few[0], few[-1]) == (0, count - 1)
    assert np.diff(few).min() >= 1
    share = np.bincount(few % 4, minlength=4) / len(few)
    assert share.min() > 0.2, "songs repeat every four bars"


def test_what_follows_itself_has_not_come_back() -> None:
    form = Form(np.array([0, 4, 8, 12]), np.array([1, 1, 2]), np.ones(3))
    assert not form.returns.any()


def test_a_checkerboard_is_highest_where_two_blocks_meet() -> None:
    near = np.asarray(np.kron(np.eye(2), np.ones((6, 6))), np.float64)
    assert int(checkerboard(lambda part: near[part, part], len(near), 4).argmax()) == 6


@pytest.mark.parametrize("reach", [2, 4, 8])
def test_a_checkerboard_made_in_parts_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch, reach: int) -> None:
    harmony = np.random.default_rng(reach).standard_normal((45, 6))
    near = np.asarray(harmony @ harmony.T, np.float64)
    whole = checkerboard(lambda part: near[part, part], len(near), reach)
    monkeypatch.setattr(borders, "_AT_ONCE", 7)
    parts = checkerboard(lambda part: near[part, part], len(near), reach)
    assert parts == pytest.approx(whole)


def test_beats_without_support_are_left_out_only_where_the_count_does_not_go_on() -> None:
    bpm = np.array((60.0, 120.0))
    scores = np.full((60, 2), 0.5)
    scores[20:40] = 0.0
    times = np.arange(0, 90, 0.5)
    support = np.where((times > 30) & (times < 60), 0.0, 1.0)
    periodicity = Periodicity(bpm=bpm, scores=scores)
    assert in_time(Grid(times=times, support=support), periodicity).all()
    shifted = np.concatenate((times[times < 59], times[times >= 59] + 0.25))
    kept = in_time(Grid(times=shifted, support=support), periodicity)
    assert not kept[(shifted > 33) & (shifted < 56)].any()
    assert kept[(shifted < 28) | (shifted > 62)].all()


def portrait(index: int, cluster: int, energy: float, kick: float = 1.0) -> Portrait:
    return Portrait(
        start_s=16.0 * index, end_s=16.0 * index + 16, units=8, cluster=cluster, sure=1.0, energy=energy, kick=kick,
        valence=0.5, arousal=0.5,
    )  # fmt: skip


def labels(*parts: tuple[int, float, float]) -> list[str]:
    portraits = [portrait(index, *part) for index, part in enumerate(parts)]
    return [part.label for part in named(portraits)]


def test_sections_are_named_by_energy_repetition_and_place() -> None:
    verse, lead, chorus = (2, 0.6, 1.0), (3, 0.7, 1.0), (4, 1.0, 1.0)
    song = labels((1, 0.3, 0.0), verse, lead, chorus, verse, lead, chorus, (5, 0.65, 1.0), chorus, (6, 0.3, 0.0))
    assert song == [
        "intro", "verse", "pre-chorus", "chorus", "verse", "pre-chorus", "chorus", "bridge", "chorus", "outro",
    ]  # fmt: skip


def test_what_comes_after_a_break_is_a_drop() -> None:
    verse, pause, drop = (2, 0.7, 1.0), (3, 0.3, 0.0), (4, 1.0, 1.0)
    song = labels((1, 0.4, 0.5), verse, pause, drop, verse, pause, drop, (1, 0.4, 0.5))
    assert song == ["intro", "verse", "break", "drop", "verse", "break", "drop", "outro"]


def test_hooks_last_9_to_60_seconds_and_do_not_overlap() -> None:
    song = (section(0, 5, "intro", 0.2), section(5, 100, "verse", 0.5), section(100, 200, "chorus", 1.0))
    hooks = find_hooks(song, tuple(np.arange(0, 200, 2.0).tolist()))
    assert hooks[0].start_s == 100
    assert all(9 <= hook.end_s - hook.start_s <= 60 and hook.end_s % 2 == 0 for hook in hooks)
    assert find_hooks((section(0, 5, "verse"),), ()) == ()


def test_a_tempo_curve_and_free_stretches_follow_from_the_beats() -> None:
    beats = np.concatenate((np.arange(10, 30, 0.5), np.arange(40, 60, 0.6)))
    song = analysis(44_100 * 70, beats.tolist(), [section(0, 70)], tempo_bpm=120.0)
    points = song.tempo_curve()
    assert {round(point.bpm) for point in points} == {120, 100}
    assert [point["bpm"] for point in song.to_json()["tempo_curve"]] == [point.bpm for point in points]
    assert all(not 28 < point.time_s < 42 for point in points)
    assert song.free_stretches() == ((0.0, 10.0), (29.5, 40.0), (float(beats[-1]), 70.0))


def test_a_perfect_estimate_scores_one_and_the_interval_holds_the_mean() -> None:
    samples, truth = make("waltz", 3)
    again, _ = make("waltz", 3)
    assert np.array_equal(samples, again)
    estimate = {name: truth[name] for name in ("beats", "downbeats", "tempo_bpm", "sections")}
    found = score(truth, estimate)
    assert found.pop("bias_ms") == 0.0
    assert set(found.values()) == {1.0}
    low, high = bootstrap([0.2, 0.4, 0.9])
    assert low < 0.5 < high


@pytest.mark.parametrize("style", list(STYLES))
def test_truth_is_in_order_and_covers_the_song(style: str) -> None:
    _, truth = make(style, 1)
    assert np.all(np.diff(truth["beats"]) > 0)
    sections = truth["sections"]
    assert sections[0]["start"] == 0
    assert sections[-1]["end"] == truth["duration"]
    assert all(one["end"] == other["start"] for one, other in itertools.pairwise(sections))


def test_beats_judged_some_at_a_time_have_the_same_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = np.arange(46.0).reshape(23, 2) + 1
    (whole,) = cues.in_context(figures)
    monkeypatch.setattr(cues, "_BEATS_AT_ONCE", 5)
    assert np.vstack(list(cues.in_context(figures))).tolist() == whole.tolist()


def test_peaks_of_periodicity_are_the_best_first() -> None:
    scores = np.array([[0.0, 0.3, 0.1, 0.9, 0.2, 0.5, 0.1]])
    found = Periodicity(bpm=np.arange(60.0, 130.0, 10.0), scores=scores)
    assert found.peaks(2) == [90.0, 110.0]
    assert found.peaks(9) == [90.0, 110.0, 70.0]
