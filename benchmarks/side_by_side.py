"""What a second worker gains: many songs at once, and one song of growing length.

usage: python -m benchmarks.side_by_side [--songs N] [--minutes M ...] [--rounds N] [--json]

Songs are heard as Ray tasks, on a Ray of one worker and then on one of two, in turn; rates are medians over the
rounds. A worker keeps more than one core busy, because the decoder it starts works beside it; how many cores were used
is told with the rates, since two workers can be no faster than the machine's cores allow. So the same is measured with
each worker and its decoder on a core of its own, as containers of one core are. One song is heard by one
process and by one whose fan-out runs on the two workers; a ratio above 1 means that the second worker gains.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.memory import song_of
from benchmarks.songs import songs, write
from cluster.environment import prepare_environment
from cluster.settings import load_settings
from tasks import audio
from tasks.steps.context import Mapper

_FIRST_SEED = 5000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=12)
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 5, 15])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one object")
    arguments = parser.parse_args()
    prepare_environment(load_settings())
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        paths = _songs(folder, arguments.songs)
        _hear(paths[0])  # what is compiled is compiled before anything is measured, here and for workers
        _on_ray(1, lambda on_workers: list(on_workers(_hear, paths[:1])))
        together, cores = _compare_rates(paths, arguments.rounds, _hear)
        apart, _ = _compare_rates(paths, arguments.rounds, partial(_hear_on_one_core, folder))
        gains = _compare_one(folder, arguments.minutes, arguments.rounds)
    if arguments.json:
        told = {"songs": arguments.songs, "ratio_of_two_workers": together, "cores_used": cores}
        further = {"ratio_on_one_core_each": apart, "one_song": gains}
        print(json.dumps({"schema": 1, "cores": os.cpu_count(), **told, **further}))
        return
    print(f"{arguments.songs} songs at once: two workers have {together:.2f} of one worker's rate;")
    print(f"one keeps {cores[1]:.2f} cores busy with them and two keep {cores[2]:.2f}, of {os.cpu_count()};")
    print(f"with a core of its own for each worker and its decoder, two have {apart:.2f} of one's rate")
    for minutes, gain in gains.items():
        print(f"one song of {minutes} minutes: the second worker makes it {gain:.2f} times as fast")
    longest = [minutes for minutes, gain in gains.items() if gain > 1]
    print(f"A second worker gains within one song from {min(longest)} minutes." if longest else "It never gains.")


def _songs(folder: Path, count: int) -> list[Path]:
    return [write(folder, samples, truth) for samples, truth in songs(count, _FIRST_SEED)]


def _compare_rates(paths: list[Path], rounds: int, hear: Callable[[Path], float]) -> tuple[float, dict[int, float]]:
    """Give the ratio of the rates of two workers and one, and how many cores each kept busy with the songs."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    cores: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, measured in rates.items():
            used: list[float] = []
            seconds = _on_ray(workers, partial(_hear_all, paths, hear, used))
            measured.append(len(paths) / seconds)
            cores[workers].append(sum(used) / seconds)
    ratio = statistics.median(rates[2]) / statistics.median(rates[1])
    return round(ratio, 3), {workers: round(statistics.median(busy), 2) for workers, busy in cores.items()}


def _compare_one(folder: Path, lengths: list[int], rounds: int) -> dict[int, float]:
    gains = {}
    for minutes in lengths:
        path = song_of(folder / f"{minutes}.flac", minutes)
        ratios = []
        for _ in range(rounds):
            alone = _timed(partial(audio.analyze, path))
            ratios.append(alone / _on_ray(2, partial(_hear_with, path)))
        gains[minutes] = round(statistics.median(ratios), 3)
    return gains


def _on_ray(workers: int, act: Callable[[Mapper], object]) -> float:
    """Give the seconds that ``act`` takes with the fan-out on a Ray whose workers have loaded everything."""
    from cluster.runtime import Runtime  # noqa: PLC0415 - Ray reads the environment when it is loaded
    from tasks.worker import ray_map  # noqa: PLC0415

    runtime = Runtime(load_settings(), workers=workers)
    runtime.start()
    try:
        list(ray_map(_warm, range(4 * workers)))
        return _timed(partial(act, ray_map))
    finally:
        runtime.stop()


def _timed(act: Callable[[], object]) -> float:
    since = time.perf_counter()
    act()
    return time.perf_counter() - since


def _hear(path: Path) -> float:
    """Hear a song and give the CPU seconds that it took, the decoder's too."""
    before = os.times()
    audio.analyze(path)
    return sum(os.times()[:4]) - sum(before[:4])


def _hear_on_one_core(folder: Path, path: Path) -> float:
    """Hear a song in a process that takes a core which no other of the same Ray has taken."""
    core = _core_of(folder / f"cores of {os.getppid()}", sorted(os.sched_getaffinity(0)))
    os.sched_setaffinity(0, {core})
    return _hear(path)


def _core_of(taken: Path, cores: list[int]) -> int:
    """Give the only core that is left to this process, or take the first that is free."""
    if len(cores) == 1:
        return cores[0]
    taken.mkdir(exist_ok=True)
    for core in cores:
        with contextlib.suppress(FileExistsError):
            (taken / str(core)).touch(exist_ok=False)
            return core
    raise RuntimeError("there are fewer cores than workers")


def _hear_all(paths: list[Path], hear: Callable[[Path], float], used: list[float], mapper: Mapper) -> None:
    used.extend(mapper(hear, paths))


def _hear_with(path: Path, mapper: Mapper) -> int:
    return len(audio.analyze(path, map=mapper).beats)


def _warm(_: int) -> None:
    from tasks.audio.warm import warm  # noqa: PLC0415 - after the environment of the worker is settled
    from tasks.kernels import compile_alone  # noqa: PLC0415
    from tasks.worker import prepare  # noqa: PLC0415

    prepare()
    compile_alone("audio", warm)


if __name__ == "__main__":
    main()
