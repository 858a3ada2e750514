"""A running ``vibecraft up`` with all of its processes, as its clients and its enemies meet it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.support.command import PROGRAM, environment

MARK = "VIBECRAFT_TEST_MARK"
FAST = {
    "VC_LEASE_S": "6",
    "VC_HEARTBEAT_S": "1.5",
    "VC_LOOK_S": "0.5",
    "VC_REAP_EVERY_S": "1",
    "VC_REANNOUNCE_S": "4",
    "VC_RETRY_FIRST_S": "0.2",
    "VC_RETRY_MOST_S": "12",
}
"""The numbers of recovery, scaled by about a tenth."""


@dataclass
class Service:
    """A running service; ``said`` collects its lines on stderr."""

    process: subprocess.Popen[str]
    address: str
    mark: str
    said: list[str] = field(default_factory=list)

    def client(self) -> httpx2.Client:
        """Open a client of the service."""
        return httpx2.Client(base_url=self.address, timeout=60)

    def processes(self, title: str) -> list[int]:
        """Give the process ids of the service whose command line begins with or holds ``title``."""
        return [pid for pid, line in marked(self.mark).items() if title in line]

    def job(self, path: str) -> dict[str, Any] | None:
        """Ask for a job; None while the service does not answer."""
        with contextlib.suppress(httpx2.TransportError), self.client() as client:
            answer = client.get(path)
            if answer.status_code == 200:
                body: dict[str, Any] = answer.json()
                return body
        return None


def wait_for(what: Callable[[], Any], limit_s: float = 90.0) -> Any:
    """Ask ``what`` until it gives something and give that; `TimeoutError` after ``limit_s`` seconds."""
    until = time.monotonic() + limit_s
    pause = threading.Event()
    while time.monotonic() < until:
        if found := what():
            return found
        pause.wait(0.05)
    raise TimeoutError(f"nothing came within {limit_s} s")


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def marked(mark: str) -> dict[int, str]:
    """Give the command lines of living processes that carry ``mark`` in their environment."""
    found = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdecimal() and f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return found


def kill(pids: list[int]) -> None:
    """Kill processes without a chance to clear up."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def running_service(data_dir: Path, *options: str, **settings: str) -> Iterator[Service]:
    """Start the service; at the end it is interrupted and must leave nothing."""
    port = free_port()
    command = [str(PROGRAM), "up", "--port", str(port), "--workers", "2", *options]
    given = {**environment(data_dir), **settings, MARK: str(port)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=given) as process:
        service = Service(process, f"http://127.0.0.1:{port}", str(port))
        assert process.stderr is not None
        for line in process.stderr:
            service.said.append(line)
            if "listens on" in line:
                break
        assert process.poll() is None, "".join(service.said)
        listening = threading.Thread(target=service.said.extend, args=(process.stderr,), daemon=True)
        listening.start()
        try:
            yield service
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(timeout=120)
            listening.join()
        text = "".join(service.said)
        assert code == 0, text
        assert "raceback" not in text
    assert marked(str(port)) == {}
