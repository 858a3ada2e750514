"""Every frame of a shot shows the picture that belongs to its time, from whatever file and however it is decoded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.domain.clip import Beyond, ClipShot
from tasks.domain.errors import InvalidInput
from tasks.media.clip.source import ClipSource
from tasks.media.clip.survey import survey
from tasks.media.ffmpeg import locate
from tests.support.clips import number_of, numbered, run, write

COUNT = 100
X264 = "-c:v libx264 -qp 10 -preset ultrafast -g 20"
HALF = Fraction(1, 2)


def shown(path: Path, start: int, end: int, *, is_proven: bool = True, rate: int = 30, **shot: Any) -> list[int]:
    """Read the numbers of the pictures that a shot shows."""
    given = {"content_key": "clip", "start_s": Fraction(0), "length_s": Fraction(60), **shot}
    source = ClipSource(
        path,
        ClipShot(**given),
        size=(160, 90),
        frame_rate=Fraction(rate),
        ffmpeg=locate(),
        is_proven=is_proven,
    )
    return [number_of(picture) for picture in source.frames(start, end)]


def expected(times: Sequence[Fraction], start_s: Fraction, speed: Fraction, frames: int) -> list[int]:
    """Give for each frame the last picture that begins before half a frame later."""
    bounds = [start_s + (frame + HALF) * speed / 30 for frame in range(frames)]
    return [max(sum(time < bound for time in times) - 1, 0) for bound in bounds]


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("closed.mp4", f"{X264} -bf 2", Fraction(30)),
        ("open.mp4", "-c:v libx264 -qp 10 -preset fast -g 20 -bf 3 -x264opts open_gop=1", Fraction(30)),
        (
            "hevc.mp4",
            "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=20:open-gop=1:bframes=3",
            Fraction(30),
        ),
        ("one keyframe.mkv", f"{X264} -g 1000", Fraction(30)),
        ("late.mkv", f"{X264} -output_ts_offset 5", Fraction(25)),
        ("no index.ts", f"{X264} -bf 2", Fraction(30)),
        ("old.avi", "-c:v mpeg4 -q:v 3 -bf 2 -g 20", Fraction(30)),
        ("ntsc.mp4", X264, Fraction(30000, 1001)),
        ("film.mp4", X264, Fraction(24)),
        ("fast.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -crf 20 -b:v 0 -g 20", Fraction(60)),
    ],
)
def test_any_part_at_any_speed_is_exact(tmp_path: Path, name: str, codec: str, rate: Fraction) -> None:
    path = write(tmp_path / name, [numbered(number) for number in range(COUNT)], rate=str(rate), codec=codec)
    times = [number / rate for number in range(COUNT)]
    if path.suffix in {".mkv", ".webm"}:  # these keep milliseconds
        times = [Fraction(round(time * 1000), 1000) for time in times]
    for start_s, speed in [(Fraction(0), Fraction(1)), (Fraction(47, 30), HALF), (Fraction(4, 3), Fraction(5, 6))]:
        want = expected(times, start_s, speed, 12)
        for is_proven in (True, False):
            assert shown(path, 0, 12, is_proven=is_proven, start_s=start_s, speed=speed) == want


def test_a_slowed_clip_shows_every_picture_twice(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", [numbered(number) for number in range(20)], codec=X264)
    assert shown(path, 0, 12, speed=HALF) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_time_stamps_are_honoured_and_gaps_filled(tmp_path: Path) -> None:
    """Pictures 0..3 come at 30 a second, then one at 1 s, then 5..9 at 10 a second."""
    times = [*(Fraction(n, 30) for n in range(4)), Fraction(1), *(1 + Fraction(n, 10) for n in range(1, 6))]
    ticks = "+".join(f"eq(N\\,{number})*{time * 600}" for number, time in enumerate(times))
    vf = f"settb=1/600,setpts={ticks},format=yuv420p"
    pictures = [numbered(number) for number in range(len(times))]
    path = write(tmp_path / "vfr.mp4", pictures, vf=vf, codec=f"{X264} -fps_mode vfr -enc_time_base 1/600")
    want = expected(times, Fraction(0), Fraction(1), 45)
    assert want[4:30] == [3] * 26
    for is_proven in (True, False):
        assert shown(path, 0, 45, is_proven=is_proven) == want
        later = expected(times, Fraction(6, 5), Fraction(1), 10)
        assert shown(path, 0, 10, is_proven=is_proven, start_s=Fraction(6, 5)) == later


def test_beyond_its_part_a_clip_is_held_or_turned(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", [numbered(number) for number in range(60)], codec=X264)
    part: dict[str, Any] = {"start_s": Fraction(1, 3), "length_s": Fraction(1)}
    for is_proven in (True, False):
        held = shown(path, -2, 40, is_proven=is_proven, beyond=Beyond.FREEZE, **part)
        assert held == [10, 10, *range(10, 40), *[39] * 10]
        turned = shown(path, 0, 90, is_proven=is_proven, beyond=Beyond.BOOMERANG, **part)
        assert turned == [*range(10, 40), *range(38, 10, -1), *range(10, 40), 38, 37]
        assert shown(path, 35, 40, is_proven=is_proven, beyond=Beyond.BOOMERANG, **part) == [33, 32, 31, 30, 29]


def test_a_clip_that_ends_early_holds_its_last_picture(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", [numbered(number) for number in range(10)], codec=X264)
    assert shown(path, 0, 15) == [*range(10), *[9] * 5]
    assert shown(path, 0, 3, start_s=Fraction(100)) == [9, 9, 9]


def test_pictures_may_be_drawn_upon(tmp_path: Path) -> None:
    """What is done to a picture is not seen in the next, though the clip shows the same again."""
    path = write(tmp_path / "clip.mp4", [numbered(number) for number in range(4)], codec=X264)
    shot = ClipShot(content_key="clip", start_s=Fraction(0), length_s=Fraction(1), speed=HALF)
    source = ClipSource(path, shot, size=(160, 90), frame_rate=Fraction(30), ffmpeg=locate(), is_proven=True)
    numbers = []
    for picture in source.frames(0, 12):
        numbers.append(number_of(picture))
        picture.y[:] = 128
    assert numbers == [0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3]


def test_fields_become_whole_pictures(tmp_path: Path) -> None:
    """A bar that moves by 4 pixels a field has straight edges, where its first field shows it."""
    fields = [np.full((96, 160, 3), 40, np.uint8) for _ in range(24)]
    for number, field in enumerate(fields):
        field[:, 8 + 4 * number : 24 + 4 * number] = 220
    tags = "tinterlace=interleave_top,setfield=tff,setparams=colorspace=bt709:range=tv"
    vf = f"scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,{tags}"
    codec = "-c:v libx264 -qp 4 -preset ultrafast -flags +ilme+ildct -x264opts tff=1"
    path = write(tmp_path / "fields.mp4", fields, rate="60", vf=vf, codec=codec)
    shot = ClipShot(content_key="clip", start_s=Fraction(0), length_s=Fraction(1))
    source = ClipSource(path, shot, size=(160, 96), frame_rate=Fraction(30), ffmpeg=locate(), is_proven=True)
    for frame, picture in enumerate(source.frames(0, 12)):
        rows = picture.y[4:-4].astype(int)
        assert abs(rows[:-1] - rows[1:]).max() <= 3
        bar = [column for column in range(160) if rows[20, column] > 130]
        assert abs(bar[0] - (8 + 8 * frame)) <= 1
        assert abs(bar[-1] - (23 + 8 * frame)) <= 1


@pytest.mark.parametrize(
    "light", ["", "setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084:range=tv"]
)
def test_a_clip_that_breaks_off_is_used_as_far_as_it_goes(tmp_path: Path, light: str) -> None:
    """In this process, and in the child that HDR needs."""
    pictures = [numbered(number) for number in range(90)]
    vf = light and f"format=yuv420p,{light}"
    whole = write(tmp_path / "whole.mp4", pictures, vf=vf, codec=f"{X264} -movflags +faststart")
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    facts = survey(path, footage_id="footage_1", content_key="clip", ffmpeg=locate())
    assert 20 < facts.frames < 80
    assert facts.duration_s < Fraction(80, 30)
    assert facts.note is not None
    assert "breaks off after" in facts.note
    for is_proven in (True, False):
        numbers = shown(path, 0, 85, is_proven=is_proven)
        assert numbers[: facts.frames - 1] == list(range(facts.frames - 1))
        assert len(set(numbers[facts.frames :])) == 1


def test_a_damaged_middle_costs_only_what_is_damaged(tmp_path: Path) -> None:
    pictures = [numbered(number) for number in range(90)]
    path = write(
        tmp_path / "clip.mp4", pictures, codec=f"{X264} -movflags +faststart -bsf:v noise=drop=between(n\\,30\\,39)"
    )
    facts = survey(path, footage_id="footage_1", content_key="clip", ffmpeg=locate())
    assert 70 <= facts.frames <= 90
    numbers = [shown(path, 0, 90, is_proven=is_proven) for is_proven in (True, False)]
    assert numbers[0] == numbers[1]
    assert numbers[0][:30] == list(range(30))
    assert numbers[0][65:] == list(range(65, 90))


def test_what_was_seen_is_what_is_there(tmp_path: Path) -> None:
    still, lively = [numbered(7)] * 30, [numbered(number) for number in range(30)]
    path = write(tmp_path / "clip.mp4", [*still, *lively], codec=X264)
    facts = survey(path, footage_id="footage_1", content_key="clip", ffmpeg=locate())
    assert (facts.frames, facts.frame_rate, facts.duration_s) == (60, Fraction(30), Fraction(2))
    assert len(facts.motion) == len(facts.focus_track) == math.ceil(2 / HALF)
    assert max(facts.motion[:2]) < 0.05
    assert min(facts.motion[2:]) > 0.3


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("nothing.mp4", b"", "footage_empty"),
        ("words.mp4", b"just some text\n" * 50, "footage_not_media"),
        ("list.mp4", b"ffconcat version 1.0\nfile 'clip.mp4'\n", "footage_is_playlist"),
        ("stream.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n", "footage_is_playlist"),
        ("stream.mov", b"\n <MPD></MPD>", "footage_is_playlist"),
        (
            "drawing.mp4",
            b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
            "footage_not_media",
        ),
        ("session.mp4", b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n", "footage_not_media"),
    ],
)
def test_what_is_no_clip_is_refused_in_one_sentence(tmp_path: Path, name: str, data: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InvalidInput) as refused:
        survey(path, footage_id="footage_1", content_key="clip", ffmpeg=locate())
    assert refused.value.code == code
    assert refused.value.message.startswith(name)
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("sound.m4a", "-f lavfi -i sine=d=0.3", "footage_no_pictures"),
        (
            "cover.mp3",
            "-f lavfi -i sine=d=0.3 -i {cover} -map 0 -map 1 -c:v copy -disposition:v attached_pic",
            "footage_no_pictures",
        ),
        (
            "huge.mp4",
            "-f lavfi -i color=s=8192x4096:r=5 -frames:v 1 -c:v libx264 -preset ultrafast",
            "footage_too_large",
        ),
        ("photo.png", "-f lavfi -i testsrc2=s=64x64 -frames:v 1", "footage_not_media"),
    ],
)
def test_media_without_fit_pictures_are_refused(tmp_path: Path, name: str, make: str, code: str) -> None:
    cover = tmp_path / "cover.png"
    run("-f", "lavfi", "-i", "testsrc2=s=64x64", "-frames:v", "1", str(cover))
    run(*make.format(cover=cover).split(), str(tmp_path / name))
    with pytest.raises(InvalidInput) as refused:
        survey(tmp_path / name, footage_id="footage_1", content_key="clip", ffmpeg=locate())
    assert refused.value.code == code


def test_a_file_without_a_single_picture_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    write(whole, [numbered(number) for number in range(3)], codec=f"{X264} -movflags +empty_moov+frag_keyframe")
    headers = whole.read_bytes()
    none = tmp_path / "none.mp4"
    none.write_bytes(headers[: headers.index(b"moof") - 4])
    late = tmp_path / "late index.mp4"
    plain = write(tmp_path / "plain.mp4", [numbered(number) for number in range(30)], codec=X264).read_bytes()
    late.write_bytes(plain[: len(plain) * 6 // 10])
    for path, code in ((none, "footage_broken"), (late, "footage_not_media"), (tmp_path / "absent", "footage_absent")):
        with pytest.raises(InvalidInput) as refused:
            survey(path, footage_id="footage_1", content_key="clip", ffmpeg=locate())
        assert refused.value.code == code
