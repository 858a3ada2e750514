"""What each effect and each transition costs inside the single encode that it feeds.

usage: python -m benchmarks.effects [--large] [--scene NAME ...] [--frames N] [--rounds N] [--json]

For every kind two films of the same pictures are encoded with x264 veryfast, in turn: one from finished pictures, one
that draws them on the way. ``cost`` is the time of drawing alone as a share of the encode of what was drawn; ``ratio``
is the time of drawing and encoding over that of encoding alone. Times are CPU times of this process, which has one
thread for drawing and one for encoding; figures are medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.scenes import SCENES, Kept
from cluster.environment import prepare_environment
from cluster.settings import load_settings
from tasks.domain.effect import TIME_KINDS, Curve, Effect, EffectKind
from tasks.domain.segment import SegmentSpec
from tasks.domain.timebase import FrameRange
from tasks.domain.transition import Transition, TransitionKind
from tasks.kernels import compile_alone
from tasks.media import effects, transitions
from tasks.media.effects import apply_effects
from tasks.media.encode import encode_segment
from tasks.media.frames import I420
from tasks.media.retime import retimed
from tasks.media.transitions import apply_transition

_AMOUNT = 0.5
_BEAT, _DECAY = 14, 10  # frames from beat to beat, and of what decays from it
_ON_BEATS = {
    EffectKind.FLASH: 0.3,
    EffectKind.PULSE: 0.5,
    EffectKind.SHAKE: 0.4,
    EffectKind.RGB_SPLIT: 0.4,
}
_THROUGHOUT = {EffectKind.GRADE_WARM: 0.5, EffectKind.VIGNETTE: 0.4, EffectKind.GRAIN: 0.3}

Pictures = Callable[[], Iterable[I420]]


@dataclass(frozen=True, slots=True)
class Case:
    """Pictures that are drawn on, the same ones only read, and the same ones finished."""

    name: str
    drawn: Pictures
    read: Pictures
    finished: Kept


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="1080p instead of 720p")
    parser.add_argument("--scene", choices=SCENES, nargs="+", default=list(SCENES))
    parser.add_argument("--frames", type=int, default=28)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one object")
    arguments = parser.parse_args()
    prepare_environment(load_settings())
    compile_alone("effects", effects.warm)
    compile_alone("transitions", transitions.warm)
    size = (1920, 1080) if arguments.large else (1280, 720)
    rows = [
        row for scene in arguments.scene for row in _measured_scene(scene, size, arguments.frames, arguments.rounds)
    ]
    result = {
        "schema": 1,
        "size": list(size),
        "frames": arguments.frames,
        "rounds": arguments.rounds,
        "rows": rows,
        "highest_cost": max(row["cost"] for row in rows),
        "five_together": max(row["ratio"] for row in rows if row["name"].startswith("five")),
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        _print_table(result)


def _measured_scene(scene: str, size: tuple[int, int], frames: int, rounds: int) -> list[dict[str, Any]]:
    spec = SegmentSpec(width=size[0], height=size[1], frame_rate=Fraction(30))
    source, other = (SCENES[scene](*size, frames, seed) for seed in (1, 2))
    makers = (*_effect_cases(source, frames), *_transition_cases(source, other, frames))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        return [{"scene": scene, **_measured(make(), spec, path, rounds)} for make in makers]


def _effect_cases(source: Kept, frames: int) -> Iterator[Callable[[], Case]]:
    for kind in EffectKind:
        effect = Effect(kind=kind, start_frame=0, end_frame=frames, amount=_AMOUNT, curve=Curve.HOLD)
        yield partial(_effect_case, kind, source, frames, [effect])
    throughout = [
        Effect(kind=kind, start_frame=0, end_frame=frames, amount=amount, curve=Curve.HOLD)
        for kind, amount in _THROUGHOUT.items()
    ]
    beats = [
        Effect(kind=kind, start_frame=beat, end_frame=beat + _DECAY, amount=amount, curve=Curve.DECAY)
        for beat in range(0, frames, _BEAT)
        for kind, amount in _ON_BEATS.items()
    ]
    always = [replace(effect, end_frame=frames, curve=Curve.HOLD) for effect in beats[: len(_ON_BEATS)]]
    yield partial(_effect_case, "five on beats", source, frames, [*throughout, *beats])
    yield partial(_effect_case, "five throughout", source, frames, [*throughout, *always])


def _effect_case(name: str, source: Kept, frames: int, chosen: list[Effect]) -> Case:
    def drawn() -> Iterator[I420]:
        if chosen[0].kind in TIME_KINDS:
            return retimed(source, FrameRange(0, frames), chosen, 0)
        return apply_effects(source.frames(0, frames), chosen, 0)

    return Case(name, drawn, lambda: source.frames(0, frames), _finished(drawn))


def _transition_cases(source: Kept, other: Kept, frames: int) -> Iterator[Callable[[], Case]]:
    for kind in TransitionKind:
        yield partial(_transition_case, Transition(kind=kind, frames=frames), source, other)


def _transition_case(transition: Transition, source: Kept, other: Kept) -> Case:
    frames = transition.frames

    def drawn() -> Iterator[I420]:
        return apply_transition(source.frames(0, frames), other.frames(0, frames), transition, 0)

    def read() -> Iterator[I420]:
        for picture, _ in zip(source.frames(0, frames), other.frames(0, frames), strict=True):
            yield picture

    return Case(f"to {transition.kind}", drawn, read, _finished(drawn))


def _finished(drawn: Pictures) -> Kept:
    return Kept([I420(picture.y.copy(), picture.u.copy(), picture.v.copy()) for picture in drawn()])


def _measured(case: Case, spec: SegmentSpec, path: Path, rounds: int) -> dict[str, Any]:
    count = len(case.finished.pictures)
    times: dict[str, list[float]] = {"draw": [], "read": [], "encode": [], "both": []}
    for _ in range(rounds):
        times["encode"].append(_cpu_s(lambda: encode_segment(case.finished.frames(0, count), spec, path)))
        times["both"].append(_cpu_s(lambda: encode_segment(case.drawn(), spec, path)))
        times["draw"].append(_cpu_s(lambda: _exhaust(case.drawn())))
        times["read"].append(_cpu_s(lambda: _exhaust(case.read())))
    draw = statistics.median(a - b for a, b in zip(times["draw"], times["read"], strict=True))
    encode = statistics.median(times["encode"])
    pairs = zip(times["both"], times["encode"], strict=True)
    return {
        "name": str(case.name),
        "draw_ms": round(1000 * draw / count, 3),
        "encode_ms": round(1000 * encode / count, 3),
        "cost": round(draw / encode, 3),
        "ratio": round(statistics.median(both / alone for both, alone in pairs), 3),
    }


def _cpu_s(act: Callable[[], object]) -> float:
    since = time.process_time()
    act()
    return time.process_time() - since


def _exhaust(pictures: Iterable[I420]) -> None:
    for _ in pictures:
        pass


def _print_table(result: dict[str, Any]) -> None:
    width, height = result["size"]
    print(f"{width}x{height}, {result['frames']} frames, {result['rounds']} rounds; medians, milliseconds a frame")
    print(f"{'':12}{'':20}{'draw':>8}{'encode':>9}{'cost':>8}{'ratio':>8}")
    for row in result["rows"]:
        figures = f"{row['draw_ms']:8.2f}{row['encode_ms']:9.2f}{row['cost']:8.3f}{row['ratio']:8.3f}"
        print(f"{row['scene']:12}{row['name']:20}{figures}")
    print(f"The dearest kind costs {result['highest_cost']:.2f} of the encode that it feeds.")
    print(f"The five usual ones together take {result['five_together']:.2f} of encoding the same pictures alone.")


if __name__ == "__main__":
    main()
