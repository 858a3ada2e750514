"""Files as odd as people have them: each becomes the right picture, decoded in a child and in this process alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tasks.domain.clip import ClipShot, Fit, Matrix
from tasks.media.clip.source import ClipSource
from tasks.media.clip.survey import survey
from tasks.media.ffmpeg import locate
from tasks.media.frames import I420
from tests.support.clips import COLOURS, Rgb, chart, edge_error, packed, patch_error, pq_planes, run, said, write

SIZE = (320, 180)
FRAMES = 4
HEVC = "-c:v libx265 -preset ultrafast -x265-params log-level=none:qp=4"
VP9 = "-c:v libvpx-vp9 -crf 4 -b:v 0 -deadline realtime -cpu-used 8"
_AS_RGB = "setparams=colorspace=gbr:color_primaries=bt709:color_trc=bt709:range=pc"
_LINEAR = f"{_AS_RGB},zscale=t=linear:npl=203,format=gbrpf32le"

Build = Callable[[Path], Path]


@dataclass(frozen=True)
class Odd:
    """A file, how it is made, and what its picture is."""

    name: str
    build: Build
    size: tuple[int, int] = SIZE
    colours: Rgb = field(default_factory=lambda: COLOURS)
    shown: tuple[int, int] = SIZE
    untagged: Matrix | None = None
    within: float = 3.0


def coded(codec: str = "", *, size: tuple[int, int] = SIZE, frames: int = FRAMES, vf: str = "") -> Build:
    return lambda path: write(path, [chart(*size)] * frames, vf=vf, codec=codec)


def turned(*options: str) -> Build:
    def build(path: Path) -> Path:
        plain = write(path.with_name("plain.mp4"), [chart(*SIZE)] * FRAMES)
        run(*options, "-i", str(plain), "-c", "copy", str(path))
        return path

    return build


def pq(path: Path) -> Path:
    tags = "setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084:range=tv"
    raw = f"-f rawvideo -pix_fmt yuv420p10le -s {SIZE[0]}x{SIZE[1]} -r 30 -i -".split()
    run(*raw, "-vf", tags, *HEVC.split(), str(path), given=pq_planes(*SIZE) * FRAMES)
    return path


def half_seen(pixels: str, codec: str) -> Build:
    """Make the right half of the chart half transparent."""

    def build(path: Path) -> Path:
        alpha = np.full((SIZE[1], SIZE[0], 1), 255, np.uint8)
        alpha[:, SIZE[0] // 2 :] = 128
        picture = np.concatenate([chart(*SIZE), alpha], axis=2).tobytes()
        vf = f"scale=out_color_matrix=bt709:out_range=tv,format={pixels},setparams=colorspace=bt709:range=tv"
        raw = f"-f rawvideo -pix_fmt rgba -s {SIZE[0]}x{SIZE[1]} -r 30 -i -".split()
        filters = vf if "yuv" in pixels else f"format={pixels}"
        run(*raw, "-vf", filters, *codec.split(), str(path), given=picture * FRAMES)
        return path

    return build


def growing(path: Path) -> Path:
    """Change the picture's size midway, as streams do."""
    parts = []
    for index, size in enumerate([SIZE, (160, 90)]):
        part = path.with_name(f"{index}.ts")
        offset = f" -output_ts_offset {index * FRAMES / 30:.6f}"
        codec = "-c:v libx264 -qp 4 -preset ultrafast -muxdelay 0 -muxpreload 0" + offset
        parts.append(write(part, [chart(*size)] * FRAMES, codec=codec).read_bytes())
    path.write_bytes(b"".join(parts))
    return path


HALF = np.concatenate([COLOURS[:, :2], np.rint(COLOURS[:, 2:] * (128 / 255)).astype(np.uint8)], axis=1)
UPRIGHT = (180, 320)

ODD = [
    Odd("BT.709 tagged.mp4", coded()),
    Odd("BT.709 untagged.mp4", coded(size=(1280, 720), frames=1, vf=said("bt709", tag="unknown")), size=(1280, 720)),
    Odd("BT.601 tagged.mp4", coded(vf=said("smpte170m"))),
    Odd("BT.601 PAL.mp4", coded(vf=said("bt470bg"))),
    Odd("BT.601 untagged.mp4", coded(vf=said("smpte170m", tag="unknown"))),
    Odd("BT.709 said to be believed.mp4", coded(vf=said("bt709", tag="unknown")), untagged=Matrix.BT709),
    Odd("SMPTE 240M.mp4", coded(vf=said("smpte240m"))),
    Odd("BT.2020 matrix.mp4", coded(vf=said("bt2020nc"))),
    Odd("full range.mp4", coded(vf=said("bt709", full=True))),
    Odd("turned 90.mp4", turned("-display_rotation", "90"), UPRIGHT, np.rot90(COLOURS), UPRIGHT),
    Odd("turned 180.mp4", turned("-display_rotation", "180"), SIZE, np.rot90(COLOURS, 2)),
    Odd("turned 270.mp4", turned("-display_rotation", "270"), UPRIGHT, np.rot90(COLOURS, 3), UPRIGHT),
    Odd("mirrored.mp4", turned("-display_hflip"), SIZE, COLOURS[:, ::-1]),
    Odd("upside down.mov", turned("-display_vflip"), SIZE, COLOURS[::-1]),
    Odd(
        "turned and mirrored.mp4",
        turned("-display_rotation", "90", "-display_hflip"),
        UPRIGHT,
        np.rot90(COLOURS)[:, ::-1],
        UPRIGHT,
    ),
    Odd("narrow pixels.mp4", coded(size=(240, 180), vf=said("bt709", more="setsar=4/3"))),
    Odd("wide pixels.mkv", coded(size=(360, 180), vf=said("bt709", more="setsar=8/9"))),
    Odd("ten bits.mp4", coded(HEVC, vf=said("bt709", "yuv420p10le"))),
    Odd("ten bits.webm", coded(VP9, vf=said("bt709", "yuv420p10le"))),
    Odd("ProRes.mov", coded("-c:v prores_ks", vf=said("bt709", "yuv422p10le"))),
    Odd("AV1.mp4", coded("-c:v libsvtav1 -crf 5 -preset 12")),
    Odd("VP8.webm", coded("-c:v libvpx -crf 4 -b:v 4M", vf=said("smpte170m"))),
    Odd("MPEG-4.avi", coded("-c:v mpeg4 -q:v 2 -bf 2", vf=said("smpte170m", tag="unknown"))),
    Odd("MPEG-2.ts", coded("-c:v mpeg2video -q:v 2 -bf 2", vf=said("smpte170m"))),
    Odd("MPEG-2.mpg", coded("-c:v mpeg2video -q:v 2 -bf 2", vf=said("smpte170m"))),
    Odd(  # JPEG itself is 2 levels off on these patches
        "JPEG.mov",
        coded("-c:v mjpeg -q:v 1 -qmin 1", vf=said("smpte170m", "yuvj444p", full=True)),
        within=4.0,
    ),
    Odd("RGB.mp4", coded("-c:v libx264rgb -qp 4 -preset ultrafast", vf="format=rgb24")),
    Odd("animation.gif", coded("-c:v gif", vf="split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none")),
    Odd("PQ.mp4", pq),
    Odd(
        "HLG.mp4",
        coded(HEVC, vf=f"{_LINEAR},zscale=p=bt2020:t=arib-std-b67:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"),
    ),
    Odd("BT.2020.mp4", coded(HEVC, vf=f"{_AS_RGB},zscale=p=bt2020:t=bt709:m=bt2020nc:r=tv,format=yuv420p10le")),
    Odd("Display P3.mp4", coded(HEVC, vf=f"{_AS_RGB},zscale=p=smpte432:t=bt709:m=bt709:r=tv,format=yuv420p10le")),
    Odd("alpha VP9.webm", half_seen("yuva420p", VP9), colours=HALF),
    Odd("alpha VP8.webm", half_seen("yuva420p", "-c:v libvpx -crf 4 -b:v 4M -auto-alt-ref 0"), colours=HALF),
    Odd("alpha ProRes.mov", half_seen("yuva444p10le", "-c:v prores_ks -profile:v 4"), colours=HALF),
    Odd("alpha RGB.mov", half_seen("argb", "-c:v qtrle"), colours=HALF),
    Odd("odd sides.mp4", coded(size=(641, 361), vf=said("bt709", "yuv444p")), size=(641, 361)),
    Odd("4K.mp4", coded(size=(3840, 2160), frames=1), size=(3840, 2160)),
    Odd("one picture.mp4", coded(frames=1)),
    Odd("size changes.ts", growing),
]


def pictures(path: Path, odd: Odd, untagged: Matrix, *, is_proven: bool, frames: int = 8) -> list[I420]:
    shot = ClipShot(content_key="clip", start_s=Fraction(0), length_s=Fraction(1), untagged=untagged)
    source = ClipSource(path, shot, size=odd.shown, frame_rate=Fraction(30), ffmpeg=locate(), is_proven=is_proven)
    return [I420(picture.y.copy(), picture.u.copy(), picture.v.copy()) for picture in source.frames(0, frames)]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_an_odd_file_gives_the_right_picture_either_way(tmp_path: Path, odd: Odd) -> None:
    path = odd.build(tmp_path / odd.name)
    facts = survey(path, footage_id="footage_1", content_key="clip", ffmpeg=locate())
    assert (facts.width, facts.height) == odd.size
    assert facts.note is None
    untagged = odd.untagged or facts.matrix
    decoded_here = pictures(path, odd, untagged, is_proven=True)
    for picture in decoded_here:
        assert patch_error(picture, odd.colours) <= odd.within
        assert edge_error(picture, odd.colours) <= 1
    decoded_there = pictures(path, odd, untagged, is_proven=False)
    assert [packed(picture) for picture in decoded_here] == [packed(picture) for picture in decoded_there]


def test_light_above_white_is_squeezed_and_not_lost(tmp_path: Path) -> None:
    """White at 203 cd/m² keeps its level; brighter white is brighter, and none leaves the range."""
    tags = "setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084:range=tv"
    raw = f"-f rawvideo -pix_fmt yuv420p10le -s {SIZE[0]}x{SIZE[1]} -r 30 -i -".split()
    levels = []
    for nits in (203.0, 240.0, 1000.0):
        path = tmp_path / f"{nits:.0f}.mp4"
        run(*raw, "-vf", tags, *HEVC.split(), str(path), given=pq_planes(*SIZE, nits=nits))
        picture = pictures(path, Odd(path.name, pq), Matrix.BT709, is_proven=True, frames=1)[0]
        levels.append(float(picture.y[-20:, -20:].mean()))
    assert levels[0] < levels[1] < levels[2] <= 235.5


@pytest.mark.parametrize("fit", Fit)
@pytest.mark.parametrize("shown", [(180, 320), (320, 180), (180, 180), (160, 200)], ids=str)
def test_another_shape_is_fitted_as_asked(tmp_path: Path, fit: Fit, shown: tuple[int, int]) -> None:
    """A square chart of four patches fills the frame, or lies in its middle between bars or blur."""
    colours = np.array([[(192, 32, 32), (32, 192, 32)], [(32, 32, 192), (192, 192, 32)]], np.uint8)
    path = write(tmp_path / "square.mp4", [chart(200, 200, colours)] * 2)
    shot = ClipShot(content_key="clip", start_s=Fraction(0), length_s=Fraction(1), fit=fit)
    found = []
    for is_proven in (True, False):
        source = ClipSource(path, shot, size=shown, frame_rate=Fraction(30), ffmpeg=locate(), is_proven=is_proven)
        picture = next(source.frames(0, 1))
        found.append(I420(picture.y.copy(), picture.u.copy(), picture.v.copy()))
    assert packed(found[0]) == packed(found[1])
    width, height = shown
    side = max(shown) if fit is Fit.FILL else min(shown)
    inside = _part(found[0], (width - min(side, width)) // 2, (height - min(side, height)) // 2)
    assert patch_error(inside, colours) <= 3
    assert edge_error(inside, colours) <= 1
    if fit is not Fit.FILL and width != height:
        corner = found[0].y[:8, :8]
        assert corner.max() == 16 if fit is Fit.FIT else corner.min() > 16


def _part(picture: I420, x: int, y: int) -> I420:
    """Cut as much off each side."""
    height, width = picture.y.shape
    x, y = x // 2 * 2, y // 2 * 2
    cut = (slice(y // 2, (height - y) // 2), slice(x // 2, (width - x) // 2))
    return I420(picture.y[y : height - y, x : width - x], picture.u[cut], picture.v[cut])


@pytest.mark.parametrize("shown", [(90, 160), (160, 160), (128, 160)], ids=str)
@pytest.mark.parametrize("place", [0.16, 0.5, 0.8])
def test_a_crop_keeps_the_subject(tmp_path: Path, place: float, shown: tuple[int, int]) -> None:
    """A bright disc on a ground of noise is whole in each narrower shape."""
    across, down = np.meshgrid(np.arange(320), np.arange(180))
    disc = (across - place * 320) ** 2 + (down - 100) ** 2 < 20**2
    grain = np.random.default_rng(1).normal(70, 8, (180, 320, 1))
    picture = np.where(disc[:, :, None], 220, np.clip(grain, 16, 120)).astype(np.uint8).repeat(3, axis=2)
    path = write(tmp_path / "subject.mp4", [picture] * 2)
    facts = survey(path, footage_id="footage_1", content_key="clip", ffmpeg=locate())
    shot = ClipShot(content_key="clip", start_s=Fraction(0), length_s=Fraction(1), focus=facts.focus)
    source = ClipSource(path, shot, size=shown, frame_rate=Fraction(30), ffmpeg=locate(), is_proven=True)
    seen = float((next(source.frames(0, 1)).y > 150).sum())
    scale = max(shown[0] / 320, shown[1] / 180)
    assert abs(seen / (float(disc.sum()) * scale**2) - 1) < 0.08
