"""The judge is judged: good films pass, and every planted fault is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.errors import InvalidInput
from tasks.domain.timeline import Window
from tasks.domain.transition import Transition, TransitionKind
from tasks.media.ffmpeg import locate
from tasks.media.verify import Report, verify
from tests.support.films import (
    SOUND_RATE,
    Look,
    Made,
    Samples,
    Take,
    damage,
    delayed,
    melody,
    shoot,
    shown_in_order,
)

FINE_CUTS = (13, 4, 1, 9, 1, 1, 5, 2, 3, 12, 4, 4, 4, 30, 27)
GRAIN = Look(grain=6, speed=3)
BEATS = Look(flash=1, grain=2)
FLAT = Look(flat=True)


def measure(made: Made, *, planned: bool = True) -> Report:
    return verify(made.video, made.song, ffmpeg=locate(), timeline=made.timeline if planned else None)


def judged(folder: Path, take: Take) -> Report:
    return measure(shoot(folder, take))


def names(report: Report, *parts: str) -> bool:
    """Tell whether the film is refused and one sentence holds all ``parts``."""
    return not report.ok and any(all(part in problem for part in parts) for problem in report.problems)


def both_mixed(samples: Samples) -> Samples:
    return np.repeat(mono(samples), 2, axis=1)


def mono(samples: Samples) -> Samples:
    return np.asarray(samples.mean(axis=1, keepdims=True))


def looped(samples: Samples) -> Samples:
    return np.resize(melody(0.5, seed=9), samples.shape)


@pytest.mark.parametrize("rate", [24, 25, 30, 60, Fraction(30000, 1001)])
def test_a_good_film_passes_at_each_rate(tmp_path: Path, rate: int | Fraction) -> None:
    report = judged(tmp_path, Take(frame_rate=Fraction(rate), look=GRAIN))
    assert report.problems == ()
    document = report.to_json()
    assert set(document) >= {
        *("schema", "ok", "fps", "frames", "expected_frames", "decode_errors", "duplicates", "irregular_pts"),
        *("cuts", "cut_error_max_frames", "drift_frames", "av_difference_s", "sound", "detected", "problems"),
    }
    assert set(document["cuts"][0]) >= {"frame", "found_frame", "beat_s", "error_frames", "error_ms"}
    assert set(document["sound"]) >= {"lag_ms", "similarity", "channels"}
    assert (document["schema"], document["ok"]) == (1, True)
    assert document["fps"] == f"{Fraction(rate).numerator}/{Fraction(rate).denominator}"
    assert document["frames"] == document["expected_frames"] == 120
    assert document["decode_errors"] == document["duplicates"] == document["irregular_pts"] == 0
    assert document["drift_frames"] == 0
    assert 0 < document["cut_error_max_frames"] <= 0.5
    assert document["av_difference_s"] < 1 / rate
    assert abs(document["sound"]["lag_ms"]) < 0.1
    assert document["sound"]["similarity"] > 0.99
    assert report.line().startswith("Verified: 120 frames at")


@pytest.mark.parametrize("look", [Look(), GRAIN, BEATS, FLAT, Look(speed=0), Look(speed=0.2), Look(speed=0, grain=5)])
def test_shots_of_one_and_four_frames_and_stills_pass(tmp_path: Path, look: Look) -> None:
    report = judged(tmp_path, Take(lengths=FINE_CUTS, look=look))
    assert [problem for problem in report.problems if "flashes a second" not in problem] == []
    assert all(cut.found_frame == cut.frame for cut in report.cuts)
    assert report.duplicates == 0


@pytest.mark.parametrize(("look", "late"), [(Look(), 1), (GRAIN, 1), (BEATS, 1), (FLAT, 1), (BEATS, -1), (GRAIN, 3)])
def test_a_cut_off_its_frame_is_named(tmp_path: Path, look: Look, late: int) -> None:
    report = judged(tmp_path, Take(look=look, shown_lengths=(23, 31 + late, 19 - late, 40, 7)))
    assert [(cut.frame, cut.found_frame) for cut in report.cuts if cut.found_frame != cut.frame] == [(54, 54 + late)]
    assert names(report, "planned at frame 54 is at frame", str(54 + late), "late" if late > 0 else "early")
    assert report.cut_error_max_frames is not None
    assert report.cut_error_max_frames > 0.5


def test_a_late_cut_is_named_between_shots_of_four_frames(tmp_path: Path) -> None:
    lengths = (20, *[4] * 10, 30)
    shown = (20, *[4] * 4, 5, 3, *[4] * 4, 30)
    report = judged(tmp_path, Take(lengths=lengths, shown_lengths=shown, look=GRAIN))
    assert [cut.frame for cut in report.cuts if cut.found_frame != cut.frame] == [40]
    assert names(report, "planned at frame 40 is at frame 41: 1 frame late")


def on_cuts(cuts: tuple[int, ...]) -> tuple[Effect, ...]:
    """Flash, zoom, shake and split colours on every cut, under grain and a vignette."""
    fading = {EffectKind.FLASH: 0.5, EffectKind.PULSE: 1.0, EffectKind.SHAKE: 1.0, EffectKind.RGB_SPLIT: 1.0}
    return (
        *(
            Effect(kind=kind, start_frame=cut, end_frame=cut + 9, amount=amount, curve=Curve.DECAY)
            for cut in cuts
            for kind, amount in fading.items()
        ),
        Effect(kind=EffectKind.GRAIN, start_frame=0, end_frame=200, amount=0.4, curve=Curve.HOLD),
        Effect(kind=EffectKind.VIGNETTE, start_frame=0, end_frame=200, amount=0.6, curve=Curve.HOLD),
    )


@pytest.mark.parametrize("kind", [None, *TransitionKind])
@pytest.mark.parametrize("late", [0, 1])
def test_cuts_and_transitions_are_proven_under_all_effects(
    tmp_path: Path, kind: TransitionKind | None, late: int
) -> None:
    transition = None if kind is None else Transition(kind=kind, frames=8)
    shown = (30 + late, 34 - late, 30)
    cuts = (30 + late, 64)
    report = judged(
        tmp_path, Take(lengths=(30, 34, 30), shown_lengths=shown, transition=transition, effects=on_cuts(cuts))
    )
    assert [cut.found_frame for cut in report.cuts] == list(cuts)
    assert report.to_json()["cuts"][0]["transition"] == kind
    if late:
        assert names(report, "planned", "frame 30 is at frame 31: 1 frame late (33.3 ms)")
    else:
        assert report.problems == ()


@pytest.mark.parametrize("kind", TransitionKind)
def test_a_transition_that_is_not_there_is_named(tmp_path: Path, kind: TransitionKind) -> None:
    made = shoot(tmp_path, Take(lengths=(30, 34), shown_lengths=(64,)))
    (first, second) = made.timeline.shots
    shots = (first, replace(second, transition=Transition(kind=kind, frames=8)))
    report = verify(made.video, made.song, ffmpeg=locate(), timeline=replace(made.timeline, shots=shots))
    assert names(report, f"do not change within 3 frames of the {kind} planned from frame 30")


@pytest.mark.parametrize("look", [Look(), FLAT, GRAIN])
def test_a_cut_that_is_not_there_is_named(tmp_path: Path, look: Look) -> None:
    report = judged(tmp_path, Take(look=look, lengths=(30, 30, 40), shown_lengths=(30, 70)))
    assert [cut.found_frame for cut in report.cuts] == [30, None]
    assert names(report, "do not change within 3 frames of the cut planned at frame 60")


@pytest.mark.parametrize("look", [Look(), GRAIN, BEATS, Look(speed=1.3)])
@pytest.mark.parametrize("frame", [24, 60, 72])
def test_a_doubled_frame_is_named(tmp_path: Path, look: Look, frame: int) -> None:
    """One picture is shown twice and the next is not shown: no cut moves."""
    report = judged(tmp_path, Take(look=look, order=shown_in_order(double=[frame - 1], drop=[frame])))
    assert (report.duplicates, report.missing) == (1, 1)
    assert names(report, "1 frame doubled", f": {frame}.")
    assert names(report, "1 frame missing")


def test_pictures_that_stand_for_a_while_are_named(tmp_path: Path) -> None:
    held = list(range(61, 66))
    report = judged(tmp_path, Take(order=lambda numbers: [60 if number in held else number for number in numbers]))
    assert report.duplicates == 5
    assert names(report, "5 frames doubled", "61, 62, 63, 64, 65")


def test_a_dropped_frame_is_named(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(order=shown_in_order(drop=[60])))
    assert (report.frames, report.expected_frames, report.missing) == (119, 120, 1)
    assert names(report, "119 frames", "1 frame missing")
    assert names(report, "planned at frame 73 is at frame 72: 1 frame early")
    assert report.drift_frames == 0


def test_a_frame_dropped_here_and_doubled_there_is_named(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(order=shown_in_order(drop=[40], double=[90])))
    assert (report.frames, report.duplicates, report.missing) == (120, 1, 1)
    assert names(report, "planned at frame 54 is at frame 53")
    assert names(report, "1 frame doubled", ": 90.")


@pytest.mark.parametrize("shift_ms", [20, -20, 11, 300])
def test_sound_off_its_time_is_named(tmp_path: Path, shift_ms: int) -> None:
    report = judged(tmp_path, Take(hear=delayed(shift_ms / 1000)))
    assert report.sound.lag_ms == pytest.approx(shift_ms, abs=0.1)
    assert names(report, f"{abs(shift_ms)}.0 ms", "late" if shift_ms > 0 else "early")


def test_sound_stamped_late_is_named(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(sound_starts=882))
    assert report.sound.lag_ms == pytest.approx(20, abs=0.1)
    assert names(report, "20.0 ms late")


def test_sound_within_bounds_passes_at_any_loudness(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(hear=lambda samples: delayed(0.0052)(samples * np.float32(0.2))))
    assert report.problems == ()
    assert report.sound.lag_ms == pytest.approx(5.2, abs=0.1)


def test_the_lag_of_a_loop_is_found(tmp_path: Path) -> None:
    """A loop of half a second is nearly the same half a second away."""
    report = judged(tmp_path, Take(compose=looped, hear=delayed(-0.02)))
    assert report.sound.lag_ms == pytest.approx(-20, abs=0.1)
    assert judged(tmp_path, Take(compose=looped)).problems == ()


@pytest.mark.parametrize(
    ("mixed", "channels", "sentence"),
    [
        (mono, 1, "sound is mono, its song is stereo"),
        (both_mixed, 2, "stereo became mono"),
    ],
)
def test_stereo_made_mono_is_named(
    tmp_path: Path, mixed: Callable[[Samples], Samples], channels: int, sentence: str
) -> None:
    report = judged(tmp_path, Take(hear=mixed))
    assert report.sound.channels == channels
    assert names(report, sentence)


def test_swapped_channels_are_named(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(hear=lambda samples: samples[:, ::-1]))
    assert names(report, "not that of the song")


def test_a_mono_song_may_be_two_equal_channels(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(compose=mono, hear=both_mixed))
    assert report.problems == ()
    assert (report.sound.channels, report.sound.song_channels) == (2, 1)


def test_another_song_is_named(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(hear=lambda samples: melody(len(samples) / SOUND_RATE, seed=8)))
    assert report.sound.similarity is not None
    assert report.sound.similarity < 0.5
    assert names(report, "not that of the song")


def test_a_silent_song_with_a_silent_film_passes(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(compose=np.zeros_like))
    assert report.problems == ()
    assert (report.sound.lag_ms, report.sound.similarity) == (0, 1)


def test_a_film_that_lost_its_sound_is_named(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(hear=np.zeros_like))
    assert report.sound.similarity == 0
    assert names(report, "not that of the song")


def test_a_film_without_sound_track_is_named(tmp_path: Path) -> None:
    made = shoot(tmp_path, Take())
    report = verify(_pictures_only(made.video), made.song, ffmpeg=locate(), timeline=made.timeline)
    assert (report.sound.channels, report.sound.lag_ms, report.av_difference_s) == (0, None, None)
    assert names(report, "no sound")
    assert report.frames == 120


def test_a_wrong_rate_is_named(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(stamp=lambda k: Fraction(k, 25)))
    assert report.to_json()["fps"] == "25/1"
    assert names(report, "25/1 frames a second, its plan says 30/1")
    assert names(report, "must end within one frame of each other")


def test_a_rate_of_the_wrong_country_is_named_with_its_drift(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(stamp=lambda k: Fraction(k * 1001, 30000)))
    assert report.to_json()["fps"] == "30000/1001"
    assert report.drift_frames == pytest.approx(0.12, abs=0.01)
    assert names(report, "30000/1001", "30/1")
    assert names(report, "drifts", "0.10% too slow")


def test_drift_of_a_thousandth_is_named(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(stamp=lambda k: Fraction(k, 30) * Fraction(999, 1000)))
    assert report.drift_frames == pytest.approx(-0.12, abs=0.01)
    assert names(report, "drifts", "0.10% too fast")


def test_irregular_time_stamps_are_named(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(stamp=lambda k: Fraction(k, 30) + (Fraction(1, 36000) if k in {40, 41, 70} else 0)))
    assert report.irregular_pts == 3
    assert names(report, "3 frames not shown at the time that 30/1 frames a second ask for")


def test_a_film_that_starts_late_is_named(tmp_path: Path) -> None:
    report = judged(tmp_path, Take(stamp=lambda k: Fraction(k + 1, 30)))
    assert report.irregular_pts == 120
    assert not report.ok


def test_a_corrupted_packet_is_named(tmp_path: Path) -> None:
    made = shoot(tmp_path, Take())
    damage(made.video, 23)
    report = measure(made)
    assert report.decode_errors > 0
    assert names(report, "Decoding reports")


def test_a_truncated_film_is_named(tmp_path: Path) -> None:
    made = shoot(tmp_path, Take())
    data = made.video.read_bytes()
    made.video.write_bytes(data[: len(data) * 2 // 3])
    report = measure(made)
    assert report.decode_errors > 0
    assert report.missing > 0
    assert names(report, "cannot be decoded")
    assert names(report, "frames missing")
    assert report.irregular_pts == 0


def test_a_window_of_the_song_is_measured(tmp_path: Path) -> None:
    take = Take(window=Window(start_s=Fraction(17, 8), end_s=Fraction(49, 8)), song_s=7)
    made = shoot(tmp_path, take)
    report = measure(made)
    assert report.problems == ()
    assert report.expected_frames == 120
    beyond = replace(made.timeline, window=Window(start_s=Fraction(4), end_s=Fraction(8)))
    other = verify(made.video, made.song, ffmpeg=locate(), timeline=beyond)
    assert other.expected_frames == 90
    assert names(other, "30 frames too many")
    assert names(other, "not that of the song")


def test_without_a_plan_repeats_are_reported_and_do_no_harm(tmp_path: Path) -> None:
    report = measure(shoot(tmp_path, Take(order=shown_in_order(double=[59], drop=[60]))), planned=False)
    assert report.problems == ()
    assert report.duplicates == 1
    document = report.to_json()
    assert (document["cuts"], document["cut_error_max_frames"], document["missing"]) == ([], None, 0)


def test_without_a_plan_a_short_film_is_named(tmp_path: Path) -> None:
    report = measure(shoot(tmp_path, Take(order=shown_in_order(drop=range(100, 120)))), planned=False)
    assert names(report, "20 frames missing")
    assert names(report, "must end within one frame")


def test_given_beats_replace_those_of_the_plan(tmp_path: Path) -> None:
    take = Take(window=Window(start_s=Fraction(2), end_s=Fraction(6)), song_s=7)
    made = shoot(tmp_path, take)
    good = [2 + cut.frames.start / 30 + 0.01 for cut in made.timeline.cuts]
    report = verify(made.video, made.song, ffmpeg=locate(), timeline=made.timeline, beats=[0.5, *good, 6.5])
    assert report.problems == ()
    assert report.cut_error_max_frames == pytest.approx(0.3, abs=0.001)
    report = verify(made.video, made.song, ffmpeg=locate(), timeline=made.timeline, beats=[*good[:-1], 6.5])
    assert names(report, "The cut at frame 113", "frames before its beat")


def test_cuts_without_a_beat_are_not_counted(tmp_path: Path) -> None:
    made = shoot(tmp_path, Take())
    shots = tuple(replace(shot, beat_s=None) for shot in made.timeline.shots)
    report = verify(made.video, made.song, ffmpeg=locate(), timeline=replace(made.timeline, shots=shots), beats=[0.1])
    assert report.problems == ()
    assert report.cut_error_max_frames == 0
    assert all(cut.error_frames is None and cut.beat_s is None for cut in report.cuts)


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    made = shoot(tmp_path, Take())
    text, empty = tmp_path / "text.mp4", tmp_path / "empty.mp4"
    text.write_text("not a film")
    empty.touch()
    cases = {
        tmp_path / "none.mp4": "no file",
        tmp_path: "is no file",
        text: "not a film that can be read",
        empty: "not a film that can be read",
        made.song: "no picture track",
    }
    for video, sentence in cases.items():
        with pytest.raises(InvalidInput, match=sentence):
            verify(video, made.song, ffmpeg=locate())
    with pytest.raises(InvalidInput, match="not a song"):
        verify(made.video, text, ffmpeg=locate())


def _pictures_only(video: Path) -> Path:
    target = video.with_name("mute.mp4")
    with av.open(str(video)) as source, av.open(str(target), "w", options={"video_track_timescale": "36000"}) as film:
        stream = film.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                film.mux(packet)
    return target
