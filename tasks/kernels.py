"""Where compiled kernels are kept, so that a second process does not compile them again."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import version
from pathlib import Path

from cluster.settings import Settings

_SOURCES = ("procedural", "audio")


def use_kernel_cache(settings: Settings) -> None:
    """Point numba's cache at a folder of this very code and these versions, for this process and its children.

    Must run before numba is imported. The folder's name holds a hash of our sources, since numba's own index does
    not notice a change in a helper of another file.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for source in sorted((Path(__file__).parent / folder).rglob("*.py")):
            digest.update(source.read_bytes())
    versions = " ".join(f"{name} {version(name)}" for name in ("numba", "llvmlite", "numpy"))
    folder_of_this = settings.kernels_dir(f"{digest.hexdigest()} {versions} {platform.python_version()}")
    folder_of_this.mkdir(parents=True, exist_ok=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder_of_this)
