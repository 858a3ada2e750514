"""The plan that `cluster.faultpoint` asks in processes of the laboratory, and in no others.

``VC_FAULTS`` is JSON: for each point the passages, counted over all processes, at which the process that passes is
killed; passages of a point whose name begins with ``stop:`` are those at which it stops until somebody lets it go on.
Everything is written to a file before it happens, so that a test can prove that its fault fired. ``VC_BUG`` plants a
bug of `vibecraft_bugs`, and ``VC_CLOCK_SKEW_S`` lets the process's time of day be off by so many seconds.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

_PLAN: dict[str, list[int]] = json.loads(os.environ["VC_FAULTS"])
_FOLDER = Path(os.environ["VC_FAULTS_FOLDER"])


def _skew_clock(seconds: float) -> None:
    from cluster.clock import SystemClock  # noqa: PLC0415

    def now(_: SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=seconds)

    SystemClock.now = now  # type: ignore[assignment, method-assign]
    _note(f"clock {seconds:+g}")


def _note(what: str) -> None:
    with (_FOLDER / "fired").open("a") as file:
        file.write(f"{what} {os.getpid()}\n")
        file.flush()
        os.fsync(file.fileno())


def at(name: str) -> None:
    """Count the passage, and die if the plan says so."""
    kills, stops = _PLAN.get(name, []), _PLAN.get(f"stop:{name}", [])
    if not kills and not stops:
        return
    count = _count(name)
    if count not in kills and count not in stops:
        return
    _note(f"{name} {count}")
    os.kill(os.getpid(), signal.SIGKILL if count in kills else signal.SIGSTOP)


def _count(name: str) -> int:
    with (_FOLDER / f"{name.replace(' ', '-')}.count").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        count = int(file.read() or 0) + 1
        file.seek(0)
        file.truncate()
        file.write(str(count))
        file.flush()
    return count


if os.environ.get("VC_BUG"):
    importlib.import_module("vibecraft_bugs").BUGS[os.environ["VC_BUG"]]()
if os.environ.get("VC_CLOCK_SKEW_S"):
    _skew_clock(float(os.environ["VC_CLOCK_SKEW_S"]))
