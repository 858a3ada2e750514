"""Folders in which steps work; each names the process that made it, so that those of dead ones can be removed."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """Give a folder below ``root`` that is gone when the block ends."""
    root.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=f"{_host()}.{os.getpid()}.", dir=root))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep_scratch(root: Path) -> int:
    """Remove folders that processes of this host left when they were killed, and give their number."""
    removed = 0
    for path in root.glob(f"{_host()}.*.*"):
        pid = path.name.split(".")[1]
        if pid.isdecimal() and not _is_alive(int(pid)):
            shutil.rmtree(path, ignore_errors=True)
            removed += 1
    return removed


def _host() -> str:
    return platform.node().replace(".", "-") or "host"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
