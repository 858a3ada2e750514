"""The segments of `benchmarks.compose` on a warm Ray: time on one and two workers, and what Ray itself uses."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.compose_film import Film
from benchmarks.compose_ways import encode_shot, join, segment_paths
from cluster.environment import prepare_environment
from cluster.settings import load_settings

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_DAEMONS = ("raylet", "gcs_server", "ray/dashboard", "log_monitor", "runtime_env_agent", "monitor.py")


def pairs_on_ray(film: Film, folder: Path, ffmpeg: str, pairs: int) -> dict[str, Any]:
    """Make the film by Ray tasks, one at a time and two at a time in turn.

    Returns
    -------
    dict
        ``makespan2_measured`` is the median over the pairs of two workers' time over one worker's; ``daemon_cpu_s``
        what Ray's own processes used for one film, on average.
    """
    prepare_environment(load_settings())
    import ray  # noqa: PLC0415 - Ray reads the environment when it is loaded

    from cluster.runtime import Runtime  # noqa: PLC0415

    runtime = Runtime(load_settings(), workers=2)
    runtime.start()
    encode: Any = ray.remote(num_cpus=1)(encode_shot)  # type: ignore[arg-type]
    try:
        _make(film.first(2), folder, ffmpeg, encode, 2)  # workers have loaded everything
        before = _daemons_cpu_s()
        times = [[_make(film, folder, ffmpeg, encode, workers) for workers in (1, 2)] for _ in range(pairs)]
        used = _daemons_cpu_s() - before
    finally:
        runtime.stop()
    return {
        "pairs": [[round(each, 2) for each in pair] for pair in times],
        "makespan2_measured": round(statistics.median(two / one for one, two in times), 3),
        "daemon_cpu_s": round(used / (2 * pairs), 3),
    }


def _make(film: Film, folder: Path, ffmpeg: str, encode: Any, at_once: int) -> float:
    """Encode the longest shots first, ``at_once`` of them side by side, then join; give the seconds."""
    import ray  # noqa: PLC0415

    since = time.perf_counter()
    work = sorted(
        zip(film.clips, film.plans, segment_paths(film, folder), strict=True), key=lambda item: -len(item[1].frames)
    )
    running: list[Any] = []
    for clip, plan, path in work:
        if len(running) >= at_once:
            _, running = ray.wait(running)
        running.append(encode.remote(clip, plan, film.spec, path, ffmpeg, is_proven=False))
    ray.get(running)
    join(film, folder)
    return time.perf_counter() - since


def _daemons_cpu_s() -> float:
    """Give the CPU seconds that Ray's own processes have used so far."""
    return sum(_cpu_s(entry) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and _is_daemon(entry))


def _is_daemon(entry: Path) -> bool:
    try:
        command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        is_ours = os.getpgid(int(entry.name)) == os.getpgid(0) or int((entry / "stat").read_text().split()[5]) > 0
    except OSError:
        return False
    return is_ours and not command.startswith("ray::") and any(name in command for name in _DAEMONS)


def _cpu_s(entry: Path) -> float:
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
