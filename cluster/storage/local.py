"""Objects as files below one folder.

Publishing is write, sync, link: the link appears with the whole file behind it or not at all, and a second writer
of the same key finds it there.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from cluster.errors import ObjectMissing, StorageError
from cluster.storage.base import ObjectInfo, expect_key

_BLOCK_BYTES = 1 << 20


class LocalStorage:
    """A folder on this machine's disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_file(self, path: Path, key: str) -> ObjectInfo:
        """Store the file under ``key``, whole or not at all; what is there already stays.

        Raises
        ------
        StorageError
            If the disk refuses, for instance because it is full.
        """
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f".tmp-{uuid.uuid4().hex}"
        try:
            with path.open("rb") as source, temporary.open("xb") as copy:
                shutil.copyfileobj(source, copy, _BLOCK_BYTES)
                copy.flush()
                os.fsync(copy.fileno())
            try:
                os.link(temporary, target)
            except FileExistsError:
                pass
            else:
                _sync_directory(target.parent)
        except OSError as error:
            raise StorageError(f"storing {key} failed: {error.strerror}") from error
        finally:
            temporary.unlink(missing_ok=True)
        return self.stat(key)

    def fetch_file(self, key: str, to: Path) -> Path:
        """Give the object's own file, which must not be written."""
        self.stat(key)
        return self._path(key)

    def open_range(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Give the object's bytes ``start <= n < end``, block by block."""
        size = self.stat(key).size_bytes
        return _blocks(self._path(key), start, size if end is None else min(end, size))

    def stat(self, key: str) -> ObjectInfo:
        """Tell the object's size."""
        try:
            return ObjectInfo(key=key, size_bytes=self._path(key).stat().st_size)
        except FileNotFoundError:
            raise ObjectMissing(f"there is no object {key}") from None

    def exists(self, key: str) -> bool:
        """Tell whether the object is there."""
        return self._path(key).is_file()

    def presign_get(self, key: str, expires_s: int) -> str | None:
        """Give None: bytes of local objects go through us."""
        return None

    def presign_post(self, key: str, expires_s: int, max_bytes: int) -> dict[str, str] | None:
        """Give None: bytes of local objects go through us."""
        return None

    def delete(self, key: str) -> None:
        """Remove the object if it is there."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._root / expect_key(key)


def _blocks(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        left = end - start
        while left > 0 and (block := file.read(min(left, _BLOCK_BYTES))):
            left -= len(block)
            yield block


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
