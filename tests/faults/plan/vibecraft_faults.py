"""The plan that `cluster.faultpoint` asks in processes of the laboratory, and in no others.

``VC_FAULTS`` is JSON: for each point the passages, counted over all processes, at which the process that passes is
killed. Every death is written to a file before it happens, so that a test can prove that its fault fired.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
from pathlib import Path

_PLAN: dict[str, list[int]] = json.loads(os.environ["VC_FAULTS"])
_FOLDER = Path(os.environ["VC_FAULTS_FOLDER"])


def at(name: str) -> None:
    """Count the passage, and die if the plan says so."""
    if name not in _PLAN:
        return
    count = _count(name)
    if count in _PLAN[name]:
        with (_FOLDER / "fired").open("a") as file:
            file.write(f"{name} {count} {os.getpid()}\n")
            file.flush()
            os.fsync(file.fileno())
        os.kill(os.getpid(), signal.SIGKILL)


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
