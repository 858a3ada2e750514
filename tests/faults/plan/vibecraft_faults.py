"""The plan that `cluster.faultpoint` asks in processes of the laboratory, and in no others.

``VC_FAULTS`` is JSON: for each point the passages, counted over all processes, at which the process that passes is
killed; passages of a point whose name begins with ``stop:`` are those at which it stops until somebody lets it go on.
Everything is written to a file before it happens, so that a test can prove that its fault fired. ``VC_BUG`` plants a
bug of `vibecraft_bugs`.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import signal
from pathlib import Path

_PLAN: dict[str, list[int]] = json.loads(os.environ["VC_FAULTS"])
_FOLDER = Path(os.environ["VC_FAULTS_FOLDER"])


if os.environ.get("VC_BUG"):
    importlib.import_module("vibecraft_bugs").BUGS[os.environ["VC_BUG"]]()


def at(name: str) -> None:
    """Count the passage, and die if the plan says so."""
    kills, stops = _PLAN.get(name, []), _PLAN.get(f"stop:{name}", [])
    if not kills and not stops:
        return
    count = _count(name)
    if count not in kills and count not in stops:
        return
    with (_FOLDER / "fired").open("a") as file:
        file.write(f"{name} {count} {os.getpid()}\n")
        file.flush()
        os.fsync(file.fileno())
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
