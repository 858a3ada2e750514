"""Peak memory of a command: the sum of PSS over all its processes, sampled five times a second.

usage: python -m benchmarks.memory [--json] [--limit-mb N] -- COMMAND ...

Every process that the command starts carries a mark in its environment, so that processes which leave its session
(Ray's do) are counted too. PSS counts each shared page once over all processes (Linux: /proc/PID/smaps_rollup).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

_EVERY_S = 0.2
_MARK = "VIBECRAFT_MEMORY_MARK"


def main() -> int:
    """Run the command, print its peak, and return its exit code or 1 when it passed the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--limit-mb", type=float, help="fail above this peak")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    mark = uuid.uuid4().hex
    started = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, _MARK: mark}, stdout=sys.stderr)
    peak, processes, samples = 0.0, {}, 0
    while process.poll() is None:
        sizes = _sizes(mark)
        samples += 1
        if sum(sizes.values()) > peak:
            peak, processes = sum(sizes.values()), sizes
        time.sleep(_EVERY_S)
    result = {
        "schema": 1,
        "peak_pss_mb": round(peak, 1),
        "processes": len(processes),
        "samples": samples,
        "seconds": round(time.monotonic() - started, 1),
        "exit_code": process.returncode,
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        for name, size in sorted(processes.items(), key=lambda item: -item[1]):
            print(f"{size:9.1f} MB  {name}")
        print(f"{peak:9.1f} MB  peak PSS over {len(processes)} processes, {samples} samples")
    over = arguments.limit_mb is not None and peak > arguments.limit_mb
    return 1 if over else int(process.returncode)


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
