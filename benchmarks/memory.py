"""Peak memory of a command: the sum of PSS over all its processes, sampled five times a second.

usage: python -m benchmarks.memory [--json] [--limit-mb N] -- COMMAND ...
       python -m benchmarks.memory [--json] [--limit-ratio N] (--analyze | --render) SHORT LONG

With ``--analyze`` it makes a song of SHORT minutes and one of LONG, lets `vibecraft analyze` hear each in one process
and prints the ratio of the peaks; with ``--render`` `vibecraft render` makes a film of each, as a draft of 480p.

Every process that the command starts carries a mark in its environment, so that processes which leave its session
(Ray's do) are counted too. PSS counts each shared page once over all processes (Linux: /proc/PID/smaps_rollup).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import soundfile

from demo.song import RATE, synthesize

_EVERY_S = 0.2
_MARK = "VIBECRAFT_MEMORY_MARK"
_HEAR = ("analyze",)
_RENDER = (
    "render",
    "-o",
    "{folder}/film.mp4",
    "--resolution",
    "480p",
    "--fps",
    "24",
    "--preset",
    "draft",
    "--no-verify",
)


def main() -> int:
    """Measure, print, and return the command's exit code or 1 when it passed the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--limit-mb", type=float, help="fail above this peak")
    parser.add_argument(
        "--analyze", nargs=2, type=int, metavar=("SHORT", "LONG"), help="compare songs of so many minutes"
    )
    parser.add_argument("--render", nargs=2, type=int, metavar=("SHORT", "LONG"), help="compare films of them")
    parser.add_argument("--limit-ratio", type=float, help="fail above this ratio of the peaks")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if lengths := arguments.analyze or arguments.render:
        how = _HEAR if arguments.analyze else _RENDER
        return _compare(how, lengths, limit_ratio=arguments.limit_ratio, as_json=arguments.json)
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        parser.error("give -- COMMAND, --analyze or --render")
    result, processes = _measure(command)
    if arguments.json:
        print(json.dumps(result))
    else:
        for name, size in sorted(processes.items(), key=lambda item: -item[1]):
            print(f"{size:9.1f} MB  {name}")
        print(f"{result['peak_pss_mb']:9.1f} MB  peak PSS over {len(processes)} processes, {result['samples']} samples")
    over = arguments.limit_mb is not None and result["peak_pss_mb"] > arguments.limit_mb
    return 1 if over else int(result["exit_code"])


def _compare(how: tuple[str, ...], lengths: list[int], *, limit_ratio: float | None, as_json: bool) -> int:
    """Let the program work on songs of both ``lengths``, in minutes, and compare its peaks."""
    peaks: list[float] = []
    for minutes in lengths:
        with tempfile.TemporaryDirectory() as folder:
            song = song_of(Path(folder) / "song.flac", minutes)
            program = Path(sys.executable).with_name("vibecraft")
            words = [word.format(folder=folder) for word in how]
            command = [str(program), words[0], str(song), *words[1:], "--json", "--workers", "1"]
            result, _ = _measure(command, {"VC_DATA_DIR": str(Path(folder) / "data")})
        if result["exit_code"] != 0:
            return int(result["exit_code"])
        peaks.append(result["peak_pss_mb"])
    ratio = round(peaks[1] / peaks[0], 2)
    if as_json:
        print(json.dumps({"schema": 1, "minutes": lengths, "peak_pss_mb": peaks, "ratio": ratio}))
    else:
        for minutes, peak in zip(lengths, peaks, strict=True):
            print(f"{peak:9.1f} MB  peak PSS for {minutes} min")
        print(f"{ratio:9.2f}     ratio")
    return 1 if limit_ratio is not None and ratio > limit_ratio else 0


def song_of(path: Path, minutes: int) -> Path:
    """Write the demonstration song over and over."""
    once, _ = synthesize()
    left = minutes * 60 * RATE
    with soundfile.SoundFile(path, "w", RATE, 2, format="FLAC", subtype="PCM_16") as file:
        while left:
            file.write(once[:left])
            left -= min(left, len(once))
    return path


def _measure(command: list[str], extra: dict[str, str] | None = None) -> tuple[dict[str, Any], dict[str, float]]:
    """Run a command; give what was measured and the size of each process at the peak."""
    mark = uuid.uuid4().hex
    started = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, **(extra or {}), _MARK: mark}, stdout=sys.stderr)
    peak, processes, samples = 0.0, {}, 0
    while process.poll() is None:
        sizes = _sizes(mark)
        samples += 1
        if sum(sizes.values()) > peak:
            peak, processes = sum(sizes.values()), sizes
        time.sleep(_EVERY_S)
    return {
        "schema": 1,
        "peak_pss_mb": round(peak, 1),
        "processes": len(processes),
        "samples": samples,
        "seconds": round(time.monotonic() - started, 1),
        "exit_code": process.returncode,
    }, processes


def _sizes(mark: str) -> dict[str, float]:
    """Give the PSS in MB of each marked process, by its number and name."""
    sizes = {}
    needle = f"{_MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            if needle not in (folder / "environ").read_bytes():
                continue
            lines = (folder / "smaps_rollup").read_text().splitlines()
            name = (folder / "comm").read_text().strip()
        except (OSError, ProcessLookupError):
            continue  # it ended meanwhile, or belongs to somebody else
        pss_kb = next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
        sizes[f"{folder.name} {name}"] = pss_kb / 1024
    return sizes


if __name__ == "__main__":
    sys.exit(main())
