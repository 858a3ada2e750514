"""A file that is no song is refused with its own code and one sentence, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks import audio
from tasks.domain.errors import InvalidInput
from tasks.media.ffmpeg import locate
from tests.support.audio import noise, pulse_song, silence, write


def refused(path: Path, code: str, folder: Path) -> str:
    """Listen to a bad song and give the sentence that it was refused with."""
    before = sorted(folder.rglob("*"))
    with pytest.raises(InvalidInput) as refusal:
        audio.listen(path, ffmpeg=locate(), pcm_to=folder / "kept.flac")
    assert sorted(folder.rglob("*")) == before
    sentence = refusal.value.message
    assert refusal.value.code == code
    assert not refusal.value.retryable
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert sentence.endswith(".")
    return sentence


def cut(path: Path, share: float = 0.6) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def test_a_song_that_is_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "gone.mp3", "song_absent", tmp_path)


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "album.mp3").mkdir()
    refused(tmp_path / "album.mp3", "song_is_directory", tmp_path)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()
    refused(tmp_path / "empty.mp3", "song_empty", tmp_path)


def test_text_named_as_a_song(tmp_path: Path) -> None:
    (tmp_path / "notes.mp3").write_text("These are notes on a song, not the song.\n" * 50, encoding="utf-8")
    refused(tmp_path / "notes.mp3", "song_not_media", tmp_path)


def test_random_bytes_named_as_a_song(tmp_path: Path) -> None:
    (tmp_path / "random.mp3").write_bytes(np.random.default_rng(1).bytes(200_000))
    with pytest.raises(InvalidInput) as refusal:
        audio.listen(tmp_path / "random.mp3", ffmpeg=locate())
    assert refusal.value.code in {"song_not_media", "song_too_short"}


def test_a_playlist_named_as_a_song(tmp_path: Path) -> None:
    (tmp_path / "list.mp3").write_text("#EXTM3U\n#EXTINF:10,\nsong.mp3\n", encoding="utf-8")
    refused(tmp_path / "list.mp3", "song_is_playlist", tmp_path)


def test_a_script_that_names_a_neighbour_does_not_reach_it(tmp_path: Path) -> None:
    sound, _ = pulse_song(120, 4)
    write(tmp_path / "private.mp3", sound, "libmp3lame")
    script = tmp_path / "song.mp3"
    script.write_text("ffconcat version 1.0\nfile private.mp3\n", encoding="utf-8")
    refused(script, "song_is_playlist", tmp_path)
    script.write_text("# a comment first\nffconcat version 1.0\nfile private.mp3\n", encoding="utf-8")
    refused(script, "song_not_media", tmp_path)


def test_a_video_without_sound(tmp_path: Path) -> None:
    refused(write(tmp_path / "silent.mp4", None, "", video_s=3), "song_without_sound", tmp_path)


def test_a_song_of_one_second(tmp_path: Path) -> None:
    song = write(tmp_path / "short.wav", noise(1), "pcm_s16le")
    assert "at least 2 s" in refused(song, "song_too_short", tmp_path)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("counted.mp3", "libmp3lame", {}),
        ("guessed.mp3", "libmp3lame", {"container": {"write_xing": "0"}}),
        ("uncounted.aac", "aac", {}),
    ],
)
def test_a_song_of_sixteen_minutes(tmp_path: Path, name: str, codec: str, options: dict[str, Any]) -> None:
    song = write(tmp_path / name, silence(16 * 60, rate=8_000), codec, rate=8_000, **options)
    assert "15 min" in refused(song, "song_too_long", tmp_path)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("song.mp3", "libmp3lame", {}),
        ("song.wav", "pcm_s16le", {}),
        ("song.flac", "flac", {}),
        ("song.m4a", "aac", {"container": {"movflags": "+faststart"}}),
        ("song.webm", "libopus", {"coded_rate": 48_000}),
    ],
)
def test_a_song_that_breaks_off(tmp_path: Path, name: str, codec: str, options: dict[str, Any]) -> None:
    sound, _ = pulse_song(120, 20)
    song = write(tmp_path / name, sound, codec, **options)
    sentence = refused(cut(song), "song_truncated", tmp_path)
    assert "of 20.0 s" in sentence


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("untagged.mp3", "libmp3lame", {"container": {"write_xing": "0"}}),
        ("song.aac", "aac", {}),
        ("song.ogg", "vorbis", {}),
    ],
)
def test_what_is_there_is_heard_where_nothing_is_promised(
    tmp_path: Path, name: str, codec: str, options: dict[str, Any]
) -> None:
    sound, _ = pulse_song(120, 12)
    song = cut(write(tmp_path / name, sound, codec, **options))
    assert 4 < float(audio.analyze(song).duration_s) < 9


def test_a_wrong_guess_of_the_length_is_no_broken_song(tmp_path: Path) -> None:
    # it begins with cheap silence, so its bit rate promises far more than there is, or far less
    sound = np.concatenate((noise(8), silence(8)))
    for name, sides in (("loud first.mp3", sound), ("quiet first.mp3", sound[::-1].copy())):
        song = write(tmp_path / name, sides, "libmp3lame", container={"write_xing": "0"}, options={"q": "4"})
        assert float(audio.analyze(song).duration_s) == pytest.approx(16, abs=0.1)


def test_a_damaged_middle_is_passed_over(tmp_path: Path) -> None:
    sound, _ = pulse_song(120, 12)
    song = write(tmp_path / "song.mp3", sound, "libmp3lame")
    data = bytearray(song.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1500] = bytes(1500)
    song.write_bytes(data)
    assert float(audio.analyze(song).duration_s) == pytest.approx(12, abs=0.4)


@pytest.mark.parametrize("end", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_when_the_listener_is_stopped(tmp_path: Path, end: Callable[[], BaseException]) -> None:
    sound, _ = pulse_song(120, 5)
    song = write(tmp_path / "song.wav", sound, "pcm_s16le")

    def stop(share: float) -> None:
        if share > 0.1:
            raise end()

    with pytest.raises((KeyboardInterrupt, RuntimeError)):
        audio.listen(song, ffmpeg=locate(), pcm_to=tmp_path / "kept.flac", on_progress=stop)
    assert sorted(tmp_path.iterdir()) == [song]


def test_sentences_use_the_name_that_the_user_knows(tmp_path: Path) -> None:
    song = write(tmp_path / "3f2a.wav", noise(1), "pcm_s16le")
    with pytest.raises(InvalidInput, match=r"^My song\.wav lasts"):
        audio.listen(song, ffmpeg=locate(), name="My song.wav")
