"""Songs with a known truth are heard as they are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import av
import mir_eval
import numpy as np
import pytest
import soundfile

from demo.song import synthesize
from tasks import audio
from tasks.audio.features import FRAME_RATE
from tasks.domain.document import canonical
from tasks.media.ffmpeg import locate
from tests.support.audio import RATE, Sound, Times, clicks, noise, pulse_song, silence, tone, write

_MP3_PADDING = 1105 / RATE
_AAC_PADDING = 1024 / RATE


def hear(path: Path, **options: Any) -> audio.Heard:
    return audio.listen(path, ffmpeg=locate(), **options)


def beats_of(heard: audio.Heard) -> Times:
    return np.array([beat.time_s for beat in heard.analysis.beats])


def expect_beats(
    heard: audio.Heard, truth: Times, bpm: float, *, within_s: float = 0.02, bias_s: float = 0.006
) -> None:
    found = beats_of(heard)
    inside = found[(found > truth[0] - 0.1) & (found < truth[-1] + 0.1)]
    assert mir_eval.beat.f_measure(truth, inside, within_s) >= 0.98
    nearest = inside[np.abs(inside[None] - truth[:, None]).argmin(axis=1)]
    assert abs(float(np.median(nearest - truth))) <= bias_s
    assert heard.analysis.tempo_bpm == pytest.approx(bpm, rel=0.005)


@pytest.mark.parametrize(
    ("name", "codec", "options", "late_s"),
    [
        ("song.mp3", "libmp3lame", {}, 0.0),
        ("untagged.mp3", "libmp3lame", {"container": {"write_xing": "0"}}, _MP3_PADDING),
        ("song.wav", "pcm_s16le", {}, 0.0),
        ("song.flac", "flac", {}, 0.0),
        ("song.m4a", "aac", {}, 0.0),
        ("song.aac", "aac", {}, _AAC_PADDING),
        ("song.ogg", "vorbis", {}, 0.0),
        ("song.opus", "libopus", {"coded_rate": 48_000}, 0.0),
        ("song.webm", "libopus", {"coded_rate": 48_000}, 0.0),
        ("film.mp4", "aac", {"video_s": 9.0}, 0.0),
        ("film.mov", "aac", {"video_s": 9.0}, 0.0),
        ("long pictures.mkv", "flac", {"video_s": 30.0}, 0.0),
    ],
)
def test_beats_are_found_in_every_container(
    tmp_path: Path, name: str, codec: str, options: dict[str, Any], late_s: float
) -> None:
    sound, beats = pulse_song(118, 9)
    heard = hear(write(tmp_path / name, sound, codec, **options))
    expect_beats(heard, beats + late_s, 118)
    assert float(heard.analysis.duration_s) == pytest.approx(9, abs=0.06)
    assert heard.analysis.channels == 2


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (22_050, 2), (48_000, 1), (96_000, 2)])
def test_beats_are_found_at_every_rate(tmp_path: Path, rate: int, channels: int) -> None:
    sound, beats = pulse_song(96, 10, rate=rate, channels=channels)
    heard = hear(write(tmp_path / "song.wav", sound, "pcm_s16le", rate=rate))
    expect_beats(heard, beats, 96)
    analysis = heard.analysis
    assert (analysis.samples, analysis.sample_rate, analysis.channels) == (len(sound), rate, channels)


@pytest.mark.parametrize("bpm", [60.0, 90.0, 128.0, 140.5, 174.0])
def test_clicks_are_found_to_the_frame(tmp_path: Path, bpm: float) -> None:
    sound, beats = clicks(bpm, 20)
    heard = hear(write(tmp_path / "clicks.wav", sound, "pcm_s16le"))
    expect_beats(heard, beats, bpm)
    assert len(beats_of(heard)) == len(beats)


@pytest.mark.parametrize(("beats_a_bar", "bpm"), [(4, 110.0), (3, 132.0)])
def test_bars_are_counted(tmp_path: Path, beats_a_bar: int, bpm: float) -> None:
    sound, beats = pulse_song(bpm, 24, beats_a_bar=beats_a_bar)
    analysis = hear(write(tmp_path / "song.flac", sound, "flac")).analysis
    assert analysis.meter is not None
    assert analysis.meter.numerator == beats_a_bar
    assert mir_eval.beat.f_measure(beats[::beats_a_bar], np.array(analysis.downbeats), 0.03) >= 0.9
    assert {beat.position for beat in analysis.beats} == set(range(1, beats_a_bar + 1))


def one_click() -> Sound:
    sound = silence(10)
    sound[RATE * 4 : RATE * 4 + 40] = 0.9
    return sound


@pytest.mark.parametrize(
    "make",
    [lambda: silence(6), lambda: noise(12), lambda: tone(220, 10), lambda: tone(220, 10) + tone(331, 10), one_click],
    ids=["silence", "noise", "drone", "chord", "one click"],
)
def test_sound_without_a_beat_has_none(tmp_path: Path, make: Callable[[], Sound]) -> None:
    heard = hear(write(tmp_path / "sound.wav", make(), "pcm_s16le"))
    analysis = heard.analysis
    assert (analysis.beats, analysis.downbeats, analysis.tempo_bpm, analysis.meter) == ((), (), None, None)
    assert analysis.sections[0].start_s == 0.0
    assert analysis.sections[-1].end_s == float(analysis.duration_s)


def test_the_demonstration_song_is_heard_as_it_was_made(tmp_path: Path) -> None:
    samples, truth = synthesize()
    again, _ = synthesize()
    assert np.array_equal(samples, again)
    heard = hear(write(tmp_path / "demo.mp3", samples, "libmp3lame"))
    expect_beats(heard, np.array(truth["beats"]), truth["tempo_bpm"])
    analysis = heard.analysis
    assert mir_eval.beat.f_measure(np.array(truth["downbeats"]), np.array(analysis.downbeats), 0.02) >= 0.98
    assert [section.label for section in analysis.sections] == [section["label"] for section in truth["sections"]]
    starts = np.array([section["start_s"] for section in truth["sections"]])
    assert np.abs(np.array([section.start_s for section in analysis.sections]) - starts).max() < 0.05
    energy = {section.label: section.energy for section in analysis.sections}
    assert energy["intro"] < energy["verse"] < energy["chorus"]
    assert analysis.key == "A minor"
    assert len({section.cluster for section in analysis.sections if section.label == "chorus"}) == 1


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    sound, _ = pulse_song(100, 8)
    song = write(tmp_path / "song.mp3", sound, "libmp3lame")
    first, second = hear(song), hear(song)
    assert canonical(first.analysis.to_json()) == canonical(second.analysis.to_json())
    assert first.features.to_bytes() == second.features.to_bytes()


def test_the_decoded_song_is_kept_at_its_own_rate(tmp_path: Path) -> None:
    sound, _ = pulse_song(100, 5, rate=48_000)
    kept = tmp_path / "kept.flac"
    heard = hear(write(tmp_path / "song.wav", sound, "pcm_s16le", rate=48_000), pcm_to=kept)
    samples, rate = soundfile.read(kept, dtype="float32")
    assert (rate, samples.shape) == (48_000, sound.shape)
    assert heard.analysis.samples == len(samples)
    assert np.abs(samples - sound).max() < 1e-4


def test_channels_that_cancel_each_other_are_still_heard(tmp_path: Path) -> None:
    sound, beats = pulse_song(104, 10)
    sound[:, 1] *= -1
    heard = hear(write(tmp_path / "song.wav", sound, "pcm_s16le"))
    expect_beats(heard, beats, 104)


def test_surround_is_mixed_down(tmp_path: Path) -> None:
    sound, beats = pulse_song(104, 8, channels=6)
    heard = hear(write(tmp_path / "song.flac", sound * np.float32(0.4), "flac"), pcm_to=tmp_path / "kept.flac")
    expect_beats(heard, beats, 104)
    assert heard.analysis.channels == soundfile.info(tmp_path / "kept.flac").channels == 2


def test_samples_that_are_no_numbers_are_silence(tmp_path: Path) -> None:
    sound, beats = pulse_song(120, 8)
    sound[10_000:10_010] = np.nan
    sound[20_000] = np.inf
    soundfile.write(tmp_path / "song.wav", sound, RATE, subtype="FLOAT")
    expect_beats(hear(tmp_path / "song.wav"), beats, 120)


def test_progress_grows_to_one_and_the_given_map_does_the_work(tmp_path: Path) -> None:
    sound, _ = pulse_song(120, 6)
    shares: list[float] = []
    asked: list[int] = []

    def recording(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterable[Any]:
        given = list(items)
        asked.append(len(given))
        return map(function, given)

    heard = hear(write(tmp_path / "song.wav", sound, "pcm_s16le"), on_progress=shares.append, map=recording)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert [*asked[:2], *asked[3:]] == [1, 4, len(heard.analysis.sections)]  # stretches, ranges of tempo, sections
    assert 1 <= asked[2] <= 8  # steady tempos: the usual one of each range, and four at which it is most periodic


def test_curves_rise_at_the_clicks_and_lie_between_zero_and_one(tmp_path: Path) -> None:
    sound, beats = clicks(120, 8)
    features = hear(write(tmp_path / "clicks.wav", sound, "pcm_s16le")).features
    assert features.frame_rate == FRAME_RATE
    assert len(features) == pytest.approx(8 * float(FRAME_RATE), abs=2)
    assert all(curve.min() >= 0 and curve.max() <= 1 for curve in features.curves.values())
    onset = features.curves["onset"]
    for beat in beats:
        centre = round(beat * float(FRAME_RATE))
        assert onset[centre - 1 : centre + 2].max() > 0.8
        assert onset[centre + 12 : centre + 20].max() < 0.1


def test_silence_has_flat_curves(tmp_path: Path) -> None:
    features = hear(write(tmp_path / "silence.wav", silence(4), "pcm_s16le")).features
    assert all(not curve.any() for curve in features.curves.values())


def test_a_late_sound_track_starts_at_its_first_sample(tmp_path: Path) -> None:
    sound, beats = pulse_song(120, 8)
    whole = write(tmp_path / "whole.mp4", sound, "aac", video_s=10)
    late = tmp_path / "late.mp4"
    with av.open(str(whole)) as source, av.open(str(late), "w") as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            if packet.stream.type == "audio":
                shift = int(1.5 / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = streams[packet.stream.index]
            target.mux(packet)
    found = beats_of(hear(late))
    assert mir_eval.beat.f_measure(beats, found, 0.05) >= 0.9


def test_analyze_needs_only_a_path(tmp_path: Path) -> None:
    sound, _ = pulse_song(120, 5)
    song = write(tmp_path / "song.wav", sound, "pcm_s16le")
    assert audio.analyze(song) == hear(song).analysis


def test_neither_ray_nor_librosa_is_loaded_to_hear_a_song(tmp_path: Path) -> None:
    song = write(tmp_path / "song.wav", pulse_song(120, 5)[0], "pcm_s16le")
    code = (
        "import sys; from tasks import audio; audio.analyze(sys.argv[1]); "
        "sys.exit('librosa' in sys.modules or 'ray' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(song)], cwd=Path(audio.__file__).parents[2], check=False)
    assert ran.returncode == 0
