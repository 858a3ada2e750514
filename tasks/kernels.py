"""Where compiled kernels are kept, so that a second process does not compile them again."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import tempfile
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from cluster.settings import Settings

_SOURCES = ("procedural", "audio", "media")
_VARIABLE = "NUMBA_CACHE_DIR"
_ready: set[str] = set()


def use_kernel_cache(settings: Settings) -> None:
    """Point numba's cache at a folder of this very code and these versions, for this process and its children.

    Must run before numba is imported. The folder's name holds a hash of our sources, since numba's own index does
    not notice a change in a helper of another file.
    """
    if _VARIABLE in os.environ:
        return
    folder_of_this = settings.kernels_dir(_fingerprint())
    folder_of_this.mkdir(parents=True, exist_ok=True)
    os.environ[_VARIABLE] = str(folder_of_this)


def compile_alone(name: str, compile_all: Callable[[], None]) -> None:
    """Call ``compile_all`` once in this process, and while it compiles for the first time let nobody else compile.

    numba writes an index and the code that it names one after the other. Two processes that compile the same function
    at once leave an index of the one and code of the other, whose symbols it does not know; every process that loads
    them crashes.
    """
    if name in _ready:
        return
    kept = os.environ.get(_VARIABLE)
    folder = Path(kept) if kept is not None else Path(tempfile.gettempdir()) / f"vibecraft-{os.getuid()}"
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / f"{name}-{hashlib.sha256(_fingerprint().encode()).hexdigest()[:16]}.ready"
    if marker.exists():
        compile_all()  # loads what is compiled
    else:
        with marker.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            compile_all()
            marker.touch()
    _ready.add(name)


@lru_cache(maxsize=1)
def _fingerprint() -> str:
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for source in sorted((here / folder).rglob("*.py")):
            digest.update(source.read_bytes())
    versions = " ".join(f"{name} {version(name)}" for name in ("numba", "llvmlite", "numpy"))
    return (
        f"{digest.hexdigest()} {versions} {platform.python_version()} {here}"  # numba keeps code by its source's place
    )
