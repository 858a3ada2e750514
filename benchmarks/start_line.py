"""Worker processes that get ready, start together, and tell what they did.

A worker is a module that is run with ``-m``: it calls `await_start` when it is ready and `report` at its end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

_READY = "ready\n"


def race(
    module: str, workers: int, environment: Mapping[str, str], arguments: Sequence[str] = ()
) -> tuple[float, list[Any]]:
    """Run ``workers`` processes of ``module`` and give the seconds from their common start to the last one's end.

    Returns
    -------
    seconds : float
    reports : list
        What each worker reported.

    Raises
    ------
    RuntimeError
        If a worker ended with another exit code than 0.
    """
    command = [sys.executable, "-c", f"import sys; from {module} import main; sys.exit(main())", *arguments]
    started = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )
        for _ in range(workers)
    ]
    try:
        for process in started:
            _expect(process.stdout is not None and process.stdout.readline() == _READY, module)
        since = time.perf_counter()
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        reports = [json.loads(process.stdout.readline() or "null") for process in started if process.stdout]
        seconds = time.perf_counter() - since
        _expect(all(process.wait() == 0 for process in started), module)
    finally:
        for process in started:
            process.kill()
            process.communicate()
    return seconds, reports


def await_start() -> None:
    """Tell that this worker is ready, and wait for the others."""
    sys.stdout.write(_READY)
    sys.stdout.flush()
    sys.stdin.readline()


def report(done: object) -> None:
    """Tell what this worker did."""
    sys.stdout.write(json.dumps(done) + "\n")
    sys.stdout.flush()


def _expect(well: bool, module: str) -> None:  # noqa: FBT001 - read as expect(this)
    if not well:
        raise RuntimeError(f"a worker of {module} did not do its work; see above")
