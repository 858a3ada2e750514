"""A Ray head that other machines can join, and the service on it, in one container.

usage: head.py [options of ``ray start --head``]

Each of the two is useless without the other, so when either ends, both end, and so does the container: its restart
policy brings it back with a fresh head. SIGTERM stops the service first and gives its exit code.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

PORT = 6379
HEAD = ("ray", "start", "--head", "--block", f"--port={PORT}", "--dashboard-host=127.0.0.1")
SERVICE = ("vibecraft", "up")
_LOOK_EVERY_S = 0.2
_STOP_S = 75.0
"""How long each may take to end; `vibecraft up` gives its own child 60 seconds."""


def run(head: Sequence[str], service: Sequence[str], is_up: Callable[[], bool]) -> int:
    """Run ``head``, then ``service`` once ``is_up`` says so, until either ends or SIGTERM comes; give the exit code."""
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    at_once = {"RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0"}  # without its service a head has nothing to finish
    started = [subprocess.Popen(head, env={**os.environ, **at_once}, start_new_session=True)]
    while _all_run(started) and not asked and not is_up():
        time.sleep(_LOOK_EVERY_S)
    if _all_run(started) and not asked:
        address = {"RAY_ADDRESS": f"127.0.0.1:{PORT}"}
        started.append(subprocess.Popen(service, env={**os.environ, **address}, start_new_session=True))
    while _all_run(started) and not asked:
        time.sleep(_LOOK_EVERY_S)
    was_asked = bool(asked)
    within_s = _STOP_S if started[0].poll() is None else 0.0  # without its cluster the service cannot end in order
    codes = [_end(process, within_s) for process in reversed(started)]
    return codes[0] if was_asked else 1


def _all_run(processes: Sequence[subprocess.Popen[bytes]]) -> bool:
    return all(process.poll() is None for process in processes)


def _end(process: subprocess.Popen[bytes], within_s: float) -> int:
    """End the process if it runs, and give its exit code as a shell does."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    code = process.returncode
    return 128 - code if code < 0 else code


def _answers() -> bool:
    """Tell whether the head listens."""
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(run([*HEAD, *sys.argv[1:]], SERVICE, _answers))
