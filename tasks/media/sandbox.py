"""Decode what a stranger sent, in a child that can do nothing else.

Conventions
-----------
The child is an ffmpeg that gets one open file as ``fd:``, an empty environment, no other protocol, a list of
container formats, and limits on CPU time, memory and files. It dies with us and cannot gain privileges. What it
gives comes through a pipe. This module is the only one that starts programs on media.

The limits are set by a small interpreter that then becomes ffmpeg: unlike a ``preexec_fn`` that is safe in a
process with threads, and unlike ``setpriv`` it is there on every machine that runs us.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.domain import interruption
from tasks.domain.errors import ChildFailed, ChildLost

FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mp3,wav,flac,ogg,aac"
"""Container formats that are opened at all; playlists and other formats that name files are not among them."""

FOOTAGE_FORMATS = f"{FORMATS},avi,mpegts,mpeg,gif"
"""Formats that footage may have besides: cameras and older programs write them, and none names another file."""

MAX_PIXELS = 4096 * 4096
"""The largest picture that is decoded, whatever its file promises."""

GUARDED_INPUT = {"protocol_whitelist": "fd", "format_whitelist": FORMATS, "max_alloc": 512 << 20}
"""ffmpeg options that every guarded input carries."""

_STDERR_KEPT_BYTES = 64 << 10
_PIPE_BYTES = 1 << 20
ASK_EVERY_S = 1.0
"""How often a wait for a child asks whether the work is still wanted."""

_FROM_OUTSIDE = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}
"""How a child ends that somebody else ended; one that uses up its CPU time ends by SIGXCPU."""
_F_SETPIPE_SZ = 1031

_BECOME = """
import ctypes, os, resource, sys
SIGKILL = 9  # importing signal takes a fifth of the start
parent, cpu_s, memory = (int(word) for word in sys.argv[1:4])
os.setsid()
if sys.platform == "linux":
    libc = ctypes.CDLL(None)
    libc.prctl(1, SIGKILL)
    libc.prctl(38, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0),
                   (resource.RLIMIT_NOFILE, 64)):
    resource.setrlimit(what, (most, most))
os.chdir("/")
os.execve(sys.argv[4], sys.argv[4:], {})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may use; ``stall_s`` is how long it may give nothing."""

    cpu_s: int = 900
    memory_bytes: int = 2 << 30
    stall_s: float = 30.0


class Child:
    """A running guarded child, read block by block."""

    def __init__(self, command: list[str], process: subprocess.Popen[bytes], limits: Limits) -> None:
        self._command = tuple(command)
        self._process = process
        self._limits = limits
        self._stderr = bytearray()
        self._drain = threading.Thread(target=self._keep_stderr, daemon=True)
        self._drain.start()

    def read_into(self, buffer: memoryview) -> int:
        """Fill ``buffer`` as far as the child gives bytes; fewer than its length only at the end.

        Raises
        ------
        ChildLost
            If the child gives nothing for the allowed time.
        """
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        filled = 0
        while filled < len(buffer):
            self._await_data(descriptor)
            got = os.readv(descriptor, [buffer[filled:]])
            if got == 0:
                break
            filled += got
        return filled

    def _await_data(self, descriptor: int) -> None:
        waited = 0.0
        while not select.select([descriptor], [], [], ASK_EVERY_S)[0]:
            interruption.check()
            waited += ASK_EVERY_S
            if waited >= self._limits.stall_s:
                self.kill()
                raise self._failure("The decoder stopped giving data.", lost=True)

    def finish(self) -> str:
        """Wait for the end and return what the child printed.

        Raises
        ------
        ChildFailed
            If its exit status is not 0; `ChildLost` if it was killed from outside or does not end.
        """
        try:
            status = self._process.wait(timeout=self._limits.stall_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self._failure("The decoder did not end.", lost=True) from None
        self._drain.join()
        if status != 0:
            raise self._failure("The decoder failed.")
        return self.stderr

    def kill(self) -> None:
        """End the child now; nothing of it stays."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    @property
    def stderr(self) -> str:
        """The last 64 KiB that the child printed."""
        return self._stderr.decode(errors="replace").strip()

    def _failure(self, message: str, *, lost: bool = False) -> ChildFailed:
        self._drain.join(timeout=1)
        status = self._process.poll()
        kind = ChildLost if lost or status in _FROM_OUTSIDE else ChildFailed
        return kind(message, command=self._command, exit_status=-1 if status is None else status, stderr=self.stderr)

    def _keep_stderr(self) -> None:
        assert self._process.stderr is not None
        while chunk := self._process.stderr.read1(1 << 14):  # type: ignore[attr-defined]
            self._stderr += chunk
            del self._stderr[:-_STDERR_KEPT_BYTES]


@contextlib.contextmanager
def guarded(
    path: Path, build: Callable[[int], list[str]], limits: Limits | None = None, *, given: tuple[int, ...] = ()
) -> Iterator[Child]:
    """Start the command that ``build`` makes for the open file; the child is gone when the block ends.

    Parameters
    ----------
    path : Path
        The only file that the child can read.
    build : callable
        Gets the number of the file descriptor and returns the command line, its program an absolute path.
    limits : Limits, optional
        What the child may use.
    given : tuple of int, optional
        Further file descriptors that the child has, such as the end of a pipe; they stay the caller's to close.
    """
    allowed = limits or Limits()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        command = build(descriptor)
        become = [sys.executable, "-I", "-S", "-c", _BECOME]
        process = subprocess.Popen(
            [*become, str(os.getpid()), str(allowed.cpu_s), str(allowed.memory_bytes), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(descriptor, *given),
            env={},
        )
    finally:
        os.close(descriptor)
    assert process.stdout is not None
    assert process.stderr is not None
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(process.stdout, _F_SETPIPE_SZ, _PIPE_BYTES)
    child = Child(command, process, allowed)
    try:
        yield child
    finally:
        if process.poll() is None:
            child.kill()
        process.stdout.close()
        process.stderr.close()
