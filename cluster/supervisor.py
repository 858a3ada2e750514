"""A child that is started again when it dies or hangs, with all that it started.

The child tells over a pipe that it is well. When the tellings stop, or the child ends badly, everything that descends
from it is killed (nothing of an old cluster goes on beside a new one) and it is started anew. When the supervisor
itself is killed, the child's next telling fails and ends it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cluster.clock import Clock

PIPE_VARIABLE = "VC_SUPERVISED_BY"
_PR_SET_CHILD_SUBREAPER = 36
_WAITS_S = (0.5, 2.0, 5.0, 10.0, 30.0)
_LOOK_EVERY_S = 0.5


class Telling:
    """The child's end: ``tell`` says that it is well."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def tell(self) -> None:
        """Say that the child is well; `BrokenPipeError` when the supervisor is gone."""
        os.write(self._descriptor, b".")


def telling() -> Telling | None:
    """Give the pipe to the supervisor of this process; None when it has none."""
    given = os.environ.get(PIPE_VARIABLE)
    return None if given is None else Telling(int(given))


class Supervisor:
    """Keeps one command running.

    Parameters
    ----------
    first_s : float
        How long the child may take to say for the first time that it is well.
    silence_s : float
        How long it may say nothing after that.
    stop_s : float
        How long it may take to end when it is asked to.
    say : callable
        Gets a sentence for people when the child is started again.
    """

    def __init__(
        self,
        command: Sequence[str],
        clock: Clock,
        *,
        first_s: float = 180.0,
        silence_s: float = 45.0,
        stop_s: float = 60.0,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._command = list(command)
        self._clock = clock
        self._first_s = first_s
        self._silence_s = silence_s
        self._stop_s = stop_s
        self._say = say

    def run(self) -> int:
        """Run the command until it ends by itself or this process is asked to stop; give its exit code.

        A child that ends before it was ever well is not started again: what stops it will stop the next one too.
        """
        _adopt_orphans()
        failures, was_ever_well = 0, False
        while True:
            child, pipe = self._start()
            try:
                was_well = self._watch(child, pipe)
            except KeyboardInterrupt as asked:
                return self._stop(child, signal.SIGTERM if asked.args == (signal.SIGTERM,) else signal.SIGINT)
            finally:
                os.close(pipe)
                _kill_all(_descendants(os.getpid()))
            was_ever_well |= was_well
            if child.returncode == 0 or not was_ever_well:
                return child.returncode
            failures = 0 if was_well else failures + 1
            self._say(f"The service ended ({_ending(child.returncode)}); it is started again.")
            self._clock.sleep(_WAITS_S[min(failures, len(_WAITS_S) - 1)])

    def _start(self) -> tuple[subprocess.Popen[bytes], int]:
        reading, writing = os.pipe()
        child = subprocess.Popen(
            self._command,
            pass_fds=(writing,),
            env={**os.environ, PIPE_VARIABLE: str(writing)},
            start_new_session=True,  # Ctrl-C on a terminal reaches us alone, and we tell the child
        )
        os.close(writing)
        return child, reading

    def _watch(self, child: subprocess.Popen[bytes], pipe: int) -> bool:
        """Return when the child has ended; whether it was ever well. One that is silent for too long is killed."""
        was_well = False
        heard_at = self._clock.monotonic()
        while child.poll() is None:
            ready, _, _ = select.select([pipe], [], [], _LOOK_EVERY_S)
            if ready and os.read(pipe, 4096):
                was_well, heard_at = True, self._clock.monotonic()
            _bury(child.pid)
            silent_s = self._clock.monotonic() - heard_at
            if silent_s > (self._silence_s if was_well else self._first_s):
                child.kill()
                child.wait()
        return was_well

    def _stop(self, child: subprocess.Popen[bytes], how: signal.Signals) -> int:
        child.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            return child.wait(timeout=self._stop_s)
        child.kill()
        return child.wait()


def _adopt_orphans() -> None:
    """Let processes whose parent dies become our children, so that none escapes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _bury(besides: int) -> None:
    """Take note of adopted children that ended; the child itself is left to its owner."""
    for pid in _children(os.getpid()):
        if pid != besides:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _kill_all(pids: Sequence[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        with contextlib.suppress(ChildProcessError):  # a grandchild whose parent was killed first is ours by now
            os.waitpid(pid, 0)


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for child in _children(pid):
        found.append(child)
        found += _descendants(child)
    return found


def _children(pid: int) -> Iterator[int]:
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, file.read_text().split())


def _ending(returncode: int) -> str:
    return f"signal {signal.Signals(-returncode).name}" if returncode < 0 else f"exit code {returncode}"
