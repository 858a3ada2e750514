"""Films that ffmpeg alone made: clean ones pass, and of every other the planted fault and its size are named."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from tasks.domain.timeline import Timeline
from tasks.domain.transition import Transition, TransitionKind
from tasks.media.ffmpeg import locate
from tasks.media.verify import OwnSound, Report, verify
from tests.support.audio import pulse_song, write
from tests.support.command import vibecraft
from tests.support.outside import CLEAN, CUTS, Outside, Piece, make, planned, write_song


def judged(folder: Path, film: Outside, timeline: Timeline | None = None) -> Report:
    song = write_song(folder)
    return verify(make(folder, song, film), song, ffmpeg=locate(), timeline=timeline or planned())


def shifted(cut: int, late: int) -> tuple[Piece, ...]:
    """Cut ``late`` frames after the plan, at one cut."""
    pieces = list(CLEAN)
    before, after = pieces[cut - 1], pieces[cut]
    pieces[cut - 1] = (before[0], before[1], before[2] + late)
    pieces[cut] = (after[0], after[1] + late, after[2])
    return tuple(pieces)


def told(report: Report) -> str:
    return "\n".join(report.problems)


FLASHED = "eq=brightness='0.5*(eq(n,31)+eq(n,88))+0.3*(eq(n,32)+eq(n,89))':eval=frame"
ZOOMED = "zoompan=z='1+0.12*between(mod(on,31),0,4)':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':d=1:s=160x90:fps=30"


@pytest.mark.parametrize(
    "film",
    [
        Outside(),
        Outside(pictures=FLASHED),
        Outside(pictures=ZOOMED),
        Outside(pictures=f"{ZOOMED},{FLASHED}"),
        Outside(suffix=".mkv"),
        Outside(output=("-fps_mode", "cfr", "-r", "30", "-g", "12", "-bf", "0")),
    ],
)
def test_clean_films_pass_with_flashes_and_zooms_and_in_other_containers(tmp_path: Path, film: Outside) -> None:
    report = judged(tmp_path, film)
    assert report.problems == ()
    assert [cut.found_frame for cut in report.cuts] == list(CUTS[1:-1])
    assert (report.sound.lag_samples, report.duplicates, report.missing) == (0, 0, 0)


@pytest.mark.parametrize("pictures", ["null", FLASHED, ZOOMED])
@pytest.mark.parametrize("late", [1, 2, -1])
def test_a_cut_off_its_frame_is_named_in_frames_and_ms(tmp_path: Path, pictures: str, late: int) -> None:
    report = judged(tmp_path, Outside(pieces=shifted(3, late), pictures=pictures))
    side = "late" if late > 0 else "early"
    frames = "1 frame" if abs(late) == 1 else f"{abs(late)} frames"
    assert report.problems[0] == (
        f"The cut planned at frame 88 is at frame {88 + late}: {frames} {side} ({abs(late) / 30 * 1000:.1f} ms)."
    )
    document = report.to_json()
    assert document["cuts"][2]["error_ms"] == pytest.approx(late / 30 * 1000 - 3, abs=0.1)


@pytest.mark.parametrize(
    ("sound", "samples"), [("adelay=20|20", 882), ("atrim=start_sample=441,asetpts=N/SR/TB", -441)]
)
def test_sound_off_its_time_is_named_to_the_sample(tmp_path: Path, sound: str, samples: int) -> None:
    report = judged(tmp_path, Outside(sound=f"{sound},apad,atrim=end=6"))
    assert report.sound.lag_samples == samples
    if abs(samples) > 441:
        assert told(report) == "The film's sound is 20.0 ms late, 10 ms are allowed."
    assert abs((report.sound.drift or 0) * 6) < 1e-4


def test_a_doubled_frame_is_named(tmp_path: Path) -> None:
    pieces = (*CLEAN[:2], (2, 5, 21), (2, 20, 40), *CLEAN[3:])
    report = judged(tmp_path, Outside(pieces=pieces))
    assert report.doubled == (68,)
    assert "1 frame doubled, the picture before shown again where the plan has motion: 68." in report.problems
    assert "1 frame missing" in told(report)


def test_a_dropped_frame_is_named_with_its_place(tmp_path: Path) -> None:
    pieces = (*CLEAN[:5], (5, 5, 23), (5, 24, 42))
    report = judged(tmp_path, Outside(pieces=pieces))
    assert "The film has 179 frames, its song asks for 180: 1 frame missing." in report.problems
    assert report.dropped == (161,)
    assert "right before frame 161 (5.367 s)" in told(report)


def test_a_frame_dropped_from_the_clock_is_named_with_its_place(tmp_path: Path) -> None:
    report = judged(tmp_path, Outside(pictures="select='not(eq(n,60))'", output=("-fps_mode", "passthrough")))
    assert "No picture is stamped for frame 60 (2.000 s): 1 frame dropped there." in report.problems
    assert report.to_json()["gaps"] == [{"frame": 60, "missing": 1}]
    assert [cut.found_frame for cut in report.cuts] == list(CUTS[1:-1])


def test_a_wrong_rate_is_named(tmp_path: Path) -> None:
    film = Outside(pictures="setpts=N/25/TB", output=("-fps_mode", "cfr", "-r", "25"))
    report = judged(tmp_path, film)
    assert "The film runs at 25/1 frames a second, its plan says 30/1." in report.problems
    assert "The pictures last 7.200 s, the sound 6.000 s" in told(report)


@pytest.mark.parametrize(("rate", "speed"), [(44056, "slow"), (44144, "fast")])
def test_sound_that_drifts_is_named_with_its_slope(tmp_path: Path, rate: int, speed: str) -> None:
    report = judged(tmp_path, Outside(sound=f"asetrate={rate},aresample=44100,apad,atrim=end=6"))
    assert report.sound.drift == pytest.approx(44100 / rate - 1, abs=3e-5)
    assert f"The film's sound drifts: it runs 0.10% too {speed} against its song, 6.0 ms" in told(report)


def test_pictures_that_drift_are_named(tmp_path: Path) -> None:
    exact = ("-enc_time_base", "1/30000", "-video_track_timescale", "30000")
    film = Outside(pictures="settb=1/30000,setpts=1.001*PTS", output=("-fps_mode", "passthrough", *exact))
    report = judged(tmp_path, film)
    assert "The film drifts: it runs 0.10% too slow, 0.18 frames by its end." in report.problems


def test_sound_that_jumps_is_named(tmp_path: Path) -> None:
    cut_out = "[s1][s2]concat=n=2:v=0:a=1"
    sound = f"asplit[c1][c2];[c1]atrim=end=3[s1];[c2]atrim=start=3.03,asetpts=N/SR/TB[s2];{cut_out},apad,atrim=end=6"
    report = judged(tmp_path, Outside(sound=sound))
    assert report.sound.jump is not None
    assert report.sound.jump[0] == pytest.approx(3.0, abs=0.6)
    assert "from there on it is 30.0 ms earlier" in told(report)


def test_missing_sound_is_named(tmp_path: Path) -> None:
    report = judged(tmp_path, Outside(sound=None))
    assert report.problems == ("The film has no sound, its song is missing.",)


@pytest.mark.parametrize(("kind", "name"), [(TransitionKind.DISSOLVE, "fade"), (TransitionKind.WIPE, "wipeleft")])
@pytest.mark.parametrize("late", [0, 1, -2])
def test_a_transition_is_proven_from_its_first_blended_frame(
    tmp_path: Path, kind: TransitionKind, name: str, late: int
) -> None:
    """The first picture of xfade is still the old one: 9 blended frames follow."""
    old = "testsrc2=s=160x90:r=30,format=yuv420p,trim=end_frame=100,setpts=N/30/TB[o]"
    new = "mandelbrot=s=160x90:r=30:maxiter=300,format=yuv420p,trim=end_frame=120,setpts=N/30/TB[n]"
    mixed = f"xfade=transition={name}:duration={10 / 30}:offset={(59 + late) / 30}"
    song = write_song(tmp_path, 5)
    pictures = f"nullsink;{old};{new};[o][n]{mixed},trim=end_frame=150"
    video = make(tmp_path, song, Outside(pieces=((0, 0, 1),), pictures=pictures))
    timeline = planned((0, 60, 150), {60: Transition(kind=kind, frames=9)})
    report = verify(video, song, ffmpeg=locate(), timeline=timeline)
    assert report.cuts[0].found_frame == 60 + late
    assert report.cuts[0].transition == kind
    if late == 0:
        assert report.problems == ()
    else:
        assert f"The {kind} planned from frame 60 is at frame {60 + late}" in told(report)


def test_the_free_search_is_apart_and_tells_its_doubt(tmp_path: Path) -> None:
    report = judged(tmp_path, Outside(pictures=FLASHED))
    sure = [cut["frame"] for cut in report.to_json()["detected"]["cuts"] if cut["confidence"] >= 0.5]
    assert set(CUTS[1:-1]) <= set(sure)
    assert len(sure) <= len(CUTS)
    assert "5 of its 5 plain cuts are found again" in report.to_json()["detected"]["doubt"]


def test_a_strobe_is_a_problem_unless_the_film_says_so(tmp_path: Path) -> None:
    strobe = "hue=s=0,drawbox=c=white:t=fill:enable='between(n,60,100)*lt(mod(n,6),3)'"
    report = judged(tmp_path, Outside(pictures=strobe))
    assert [spell["kind"] for spell in report.to_json()["flashes"]["violations"]] == ["general"]
    assert "flashes a second over more than a quarter of the field of view; 3 are allowed." in told(report)
    comment = "comment=Made by VibeCraft with flash limiting switched off: may flash."
    stated = judged(tmp_path, Outside(pictures=strobe, output=("-r", "30", "-metadata", comment)))
    assert "flashes a second" not in told(stated)
    assert any("its flashes were not limited: up to" in warning for warning in stated.warnings)


def test_black_pictures_are_noted(tmp_path: Path) -> None:
    report = judged(tmp_path, Outside(pictures="drawbox=c=black:t=fill:enable='between(n,100,102)'"))
    assert "Black from 3.333 s: frame 100 to 102." in report.warnings


def test_without_a_plan_cuts_are_held_against_the_beats_that_are_heard(tmp_path: Path) -> None:
    """Cuts on the beats of 120 a minute, every 15 frames, one of them a frame late."""
    bounds = [12, 42, 72, 102, 132, 162, 192, 222, 252, 282]
    bounds[5] += 1
    edges = [0, *bounds, 312]
    pieces = tuple((n % 6, 10 * n, 10 * n + end - start) for n, (start, end) in enumerate(pairwise(edges)))
    sound, beats = pulse_song(120, 312 / 30)
    song = write(tmp_path / "song.wav", sound, "pcm_s16le")
    video = make(tmp_path, song, Outside(pieces=pieces))
    own = OwnSound(beats=tuple(beats.tolist()), loudness=None)
    report = verify(video, None, ffmpeg=locate(), own=own)
    assert report.problems == ()
    assert [cut.frame for cut in report.detected if cut.confidence >= 0.5] == bounds
    assert any("frame 163 (5.433 s) is 1.00 frames after its beat (33 ms)" in warning for warning in report.warnings)
    given = verify(video, song, ffmpeg=locate(), beats=beats.tolist())
    assert "The cut found at frame 163" in told(given)


def test_the_command_hears_the_film_and_writes_json_and_a_page(tmp_path: Path) -> None:
    edges = [0, 12, 42, 72, 103, 132, 162, 192, 222, 240]
    pieces = tuple((n % 6, 10 * n, 10 * n + end - start) for n, (start, end) in enumerate(pairwise(edges)))
    sound, _ = pulse_song(120, 8)
    video = make(tmp_path, write(tmp_path / "song.wav", sound, "pcm_s16le"), Outside(pieces=pieces))
    page = tmp_path / "report.html"
    done = vibecraft(tmp_path / "data", "verify", video, "--json", "--report", page)
    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"]) == (0, True), done.stderr
    assert document["beats"]["source"] == "sound"
    assert document["sound"]["integrated_lufs"] < 0
    assert document["sound"]["true_peak_dbtp"] < 3
    assert any("The cut found at frame 103 (3.433 s)" in warning for warning in document["warnings"])
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "<svg" in text
    assert "prefers-color-scheme: dark" in text
    assert "http" not in text.replace("http://www.w3.org", "")
    assert Fraction(document["fps"]) == 30
