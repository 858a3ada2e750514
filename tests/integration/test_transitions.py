"""Transitions: none loses or moves a frame at any rate, both shots are seen, and each kind does what it says."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from tasks.domain.segment import SegmentPlan, SegmentSpec, Source, SourceKind
from tasks.domain.timebase import FrameRange
from tasks.domain.transition import Transition, TransitionKind
from tasks.media.encode import encode_segment
from tasks.media.ffmpeg import locate
from tasks.media.frames import I420
from tasks.media.mux import assemble
from tasks.media.sound import Sound
from tasks.media.transitions import apply_transition
from tasks.media.transitions.motion import Direction, direction_of
from tasks.steps.render import composed
from tests.support.codes import HEIGHT, WIDTH, Coded, flat_numbers, striped_number
from tests.support.fingerprints import moving
from tests.support.planes import FINE, Still, coded, decoded, flat, same, taken

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(60), Fraction(24000, 1001), Fraction(30000, 1001)]
LENGTHS = (9, 1, 14, 8, 16, 12, 13, 7, 15, 11)
STARTS = (0, *accumulate(LENGTHS))
TRANSITIONS: dict[int, Transition] = {
    1: Transition(kind=TransitionKind.DISSOLVE, frames=1),
    2: Transition(kind=TransitionKind.DISSOLVE, frames=6),
    3: Transition(kind=TransitionKind.WHIP, frames=6),
    4: Transition(kind=TransitionKind.ZOOM, frames=7),
    5: Transition(kind=TransitionKind.FLASH, frames=5),
    6: Transition(kind=TransitionKind.GLITCH, frames=6),
    7: Transition(kind=TransitionKind.WIPE, frames=7),
    8: Transition(kind=TransitionKind.MATCH, frames=6),
    9: Transition(kind=TransitionKind.FLASH, frames=11),
}
EVERYWHERE, LEFT, RIGHT = slice(8, WIDTH - 8), slice(0, 3), slice(WIDTH - 3, WIDTH)


def source_of(shot: int, frames: FrameRange, *, flat: bool) -> Source:
    return Source(kind=SourceKind.STYLE, settings={"shot": shot, "flat": flat}, frames=frames)


def plan_of(shot: int) -> SegmentPlan:
    transition = TRANSITIONS.get(shot)
    glitch = transition is not None and transition.kind is TransitionKind.GLITCH
    outgoing = None
    if transition is not None:
        after = FrameRange(LENGTHS[shot - 1], LENGTHS[shot - 1] + transition.frames)
        outgoing = source_of(shot - 1, after, flat=glitch)
    return SegmentPlan(
        index=shot,
        shot=shot,
        frames=FrameRange(STARTS[shot], STARTS[shot + 1]),
        source=source_of(shot, FrameRange(0, LENGTHS[shot]), flat=glitch),
        transition=transition,
        outgoing=outgoing,
    )


def opened(source: Source) -> Coded:
    shot = source.settings["shot"]
    return Coded(shot, STARTS[shot], source.settings["flat"])


def film_at(rate: Fraction, folder: Path) -> Path:
    spec = SegmentSpec(width=WIDTH, height=HEIGHT, frame_rate=rate, crf=FINE)
    paths = [folder / f"{shot}.mp4" for shot in range(len(LENGTHS))]
    for shot, path in enumerate(paths):
        assert encode_segment(composed(plan_of(shot), opened), spec, path) == LENGTHS[shot]
    samples = np.zeros((round(STARTS[-1] / rate * 8000), 1), np.float32)
    soundfile.write(folder / "song.wav", samples, 8000)
    film = folder / "film.mp4"
    assert assemble(paths, spec, Sound(pcm=folder / "song.wav", original=None, window=None), film) == STARTS[-1]
    return film


def landed(weight: float) -> float:
    return 1 - (1 - weight) ** 2


def check_blend(picture: I420, frame: int, shot: int, transition: Transition) -> None:
    """Read the number from what is seen of the incoming shot, and of the outgoing one where enough of it is."""
    weight = transition.weight(frame - STARTS[shot])
    gone = landed(weight)
    own, other, zooms = EVERYWHERE, EVERYWHERE, (1.0, 1.0)
    match transition.kind:
        case TransitionKind.GLITCH:
            found = flat_numbers(picture)
            assert {number for number, _ in found.values()} == {frame}
            assert found[shot % 2][1] / (HEIGHT / 2) == pytest.approx(gone, abs=0.3)
            assert len(found) == 2
            return
        case TransitionKind.WIPE:
            own, other = LEFT, RIGHT
        case TransitionKind.WHIP | TransitionKind.MATCH:
            own, other = RIGHT, LEFT
        case TransitionKind.ZOOM:
            zooms = (0.55 + 0.45 * gone, 1 + 0.8 * gone)
    assert striped_number(picture, shot, own, zooms[0]) == frame
    if transition.kind in {TransitionKind.DISSOLVE, TransitionKind.WIPE} or gone < 0.9:
        assert striped_number(picture, shot - 1, other, zooms[1]) == frame


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_every_frame_is_in_its_place_through_every_transition(tmp_path: Path, rate: Fraction) -> None:
    film = film_at(rate, tmp_path)
    with av.open(str(film)) as container:
        video = container.streams.video[0]
        assert video.time_base is not None
        stamps = [frame.pts * video.time_base for frame in container.decode(video) if frame.pts is not None]
    assert stamps == [number / rate for number in range(STARTS[-1])]
    pictures = decoded(film)
    for shot, (start, end) in enumerate(pairwise(STARTS)):
        transition = TRANSITIONS.get(shot)
        blended = 0 if transition is None else transition.frames
        for frame in range(start, end):
            if transition is not None and frame < start + blended:
                check_blend(pictures[frame], frame, shot, transition)
            elif transition is not None and transition.kind is TransitionKind.GLITCH:
                assert flat_numbers(pictures[frame]) == {shot % 2: (frame, HEIGHT // 2)}
            else:
                assert striped_number(pictures[frame], shot, EVERYWHERE) == frame
    command = [locate(), "-v", "error", "-xerror", "-err_detect", "explode", "-i", str(film), "-f", "null", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (told.returncode, told.stderr) == (0, "")


def difference(a: I420, b: I420) -> float:
    return float(np.abs(a.y.astype(int) - b.y).mean())


@pytest.mark.parametrize("kind", list(TransitionKind))
def test_the_cut_is_seen_in_its_first_frame_and_later_frames_are_the_new_shot(
    tmp_path: Path, kind: TransitionKind
) -> None:
    old, new = (next(moving(seed)) for seed in (1, 2))
    transition = Transition(kind=kind, frames=6)
    blended = apply_transition(Still(new).frames(0, 10), Still(old).frames(0, 6), transition, 50)
    seen = coded([old, old, *taken(blended)], tmp_path)
    assert difference(seen[1], old) < 2
    assert difference(seen[2], seen[1]) > 5 * difference(seen[1], seen[0]) + 1
    assert all(difference(picture, new) > 1 for picture in seen[2:7])
    assert all(difference(picture, new) < 2 for picture in seen[8:])


def test_a_flash_is_whitest_on_the_cut(tmp_path: Path) -> None:
    dark = flat(WIDTH, HEIGHT, (50, 128, 128))
    transition = Transition(kind=TransitionKind.FLASH, frames=8)
    pictures = coded(apply_transition(Still(dark).frames(0, 12), Still(dark).frames(0, 8), transition), tmp_path)
    light = [float(picture.y.mean()) for picture in pictures]
    assert light[0] > 170
    assert all(before > after for before, after in pairwise(light[:9]))
    assert light[8:] == pytest.approx([50] * 4, abs=1)


def test_glitches_of_two_frames_differ_and_those_of_one_do_not() -> None:
    old, new = (next(moving(seed)) for seed in (1, 2))
    transition = Transition(kind=TransitionKind.GLITCH, frames=2)

    def drawn(first: int) -> I420:
        return taken(apply_transition(Still(new).frames(0, 2), Still(old).frames(0, 2), transition, first))[0]

    assert same(drawn(7), drawn(7))
    assert not same(drawn(7), drawn(8))


MOTIONS = [
    ((5, 0), Direction(upright=False, forwards=True)),
    ((-5, 1), Direction(upright=False, forwards=False)),
    ((1, 6), Direction(upright=True, forwards=True)),
    ((2, -6), Direction(upright=True, forwards=False)),
]


def drifting(step: tuple[int, int], count: int) -> list[I420]:
    """Give pictures of a soft texture whose content moves by ``step`` (to the right, down) pixels a picture."""
    rng = np.random.default_rng(8)
    small = rng.integers(30, 220, (30, 40)).astype(np.uint8)
    texture = np.kron(small, np.ones((12, 12), np.uint8))
    pictures = []
    for place in range(count):
        picture = flat(240, 160, (0, 128, 128))
        left, top = 100 - step[0] * place, 80 - step[1] * place
        picture.y[:] = texture[top : top + 160, left : left + 240]
        pictures.append(picture)
    return pictures


@pytest.mark.parametrize(("step", "direction"), MOTIONS)
def test_a_match_goes_on_where_the_outgoing_pictures_move(step: tuple[int, int], direction: Direction) -> None:
    outgoing = drifting(step, 6)
    assert direction_of(outgoing[:4]) == direction
    white = flat(240, 160, (235, 128, 128))
    transition = Transition(kind=TransitionKind.MATCH, frames=6)
    blended = taken(apply_transition(Still(white).frames(0, 6), iter(outgoing), transition))[2]
    arrived = blended.y.mean(axis=1 if direction.upright else 0) > 225
    ends = (bool(arrived[0]), bool(arrived[-1]))
    assert ends == (
        direction.forwards,
        not direction.forwards,
    )  # the new shot comes from where the old one's motion comes from


def test_where_nothing_moves_or_one_picture_is_all_a_match_goes_to_the_left() -> None:
    still = next(moving(1))
    for pictures in ([], [still], [still] * 4):
        assert direction_of(pictures) == Direction(upright=False, forwards=False)
