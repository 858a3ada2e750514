"""Files that a user named: refused before any work where they cannot be, and written whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from cluster.services import Services
from tasks.domain.errors import InvalidInput


def expect_target(path: Path, song: Path | None, *endings: str) -> Path:
    """Refuse a place where no file can be written, before any work is done.

    Raises
    ------
    InvalidInput
        If the folder is not there, the path is a folder or the song itself, or its name has none of ``endings``.
    """
    if path.suffix.lower() not in endings:
        raise InvalidInput(
            f"The output {path} does not end in {' or '.join(endings)}; give a name that does.", code="output_invalid"
        )
    if path.is_dir():
        raise InvalidInput(f"The output {path} is a folder; name a file in it.", code="output_invalid")
    if not path.parent.is_dir():
        raise InvalidInput(f"There is no folder {path.parent}; make it first.", code="output_invalid")
    if not os.access(path.parent, os.W_OK):
        raise InvalidInput(f"The folder {path.parent} cannot be written; choose another.", code="output_invalid")
    if song is not None and path.exists() and song.exists() and path.samefile(song):
        raise InvalidInput("The output is the song itself; name another file.", code="output_invalid")
    return path


def fetch(services: Services, key: str, target: Path) -> None:
    """Write a stored object to ``target``, whole or not at all."""

    def fill(path: Path) -> None:
        stored = services.storage.fetch_file(key, path)
        if stored != path:
            shutil.copyfile(stored, path)

    publish(target, fill)


def publish(target: Path, fill: Callable[[Path], object]) -> None:
    """Let ``fill`` write a file beside ``target`` and put it there whole, or not at all."""
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        fill(temporary)
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
