"""Objects as files below one folder.

Publishing is write, sync, link: the link appears with the whole file behind it or not at all, and a second writer
of the same key finds it there. What a writer that was killed leaves is a ``.tmp-`` file, which is no object.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from cluster.errors import ObjectMissing, StorageError, exhausted
from cluster.faultpoint import faultpoint
from cluster.storage.base import ObjectInfo, expect_key, is_key

ABANDONED_AFTER_S = 3600.0
"""How long a half written file is left alone, in seconds since its last byte."""

_TEMPORARY = ".tmp-"
_BLOCK_BYTES = 1 << 20


class LocalStorage:
    """A folder on this machine's disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_file(self, path: Path, key: str) -> ObjectInfo:
        """Store the file under ``key``, whole or not at all; what is there already stays.

        Raises
        ------
        DiskFull
            If there is no room for it.
        StorageError
            If the disk refuses in another way.
        """
        target = self._path(key)
        temporary = target.parent / f"{_TEMPORARY}{uuid.uuid4().hex}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as source, temporary.open("xb") as copy:
                shutil.copyfileobj(source, copy, _BLOCK_BYTES)
                copy.flush()
                os.fsync(copy.fileno())
            faultpoint(f"half put of {key.partition('/')[0]}")
            try:
                os.link(temporary, target)
            except FileExistsError:
                pass
            else:
                _sync_directory(target.parent)
        except OSError as error:
            raise exhausted(error) or StorageError(f"storing {key} failed: {error.strerror}") from error
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()
        return self.stat(key)

    def fetch_file(self, key: str, to: Path) -> Path:
        """Give the object's own file, which must not be written."""
        self.stat(key)
        return self._path(key)

    def open_range(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Give the object's bytes ``start <= n < end``, block by block."""
        size = self.stat(key).size_bytes
        return _blocks(self._path(key), max(start, 0), size if end is None else min(end, size))

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

    def keys(self, prefix: str = "", older_than_s: float = 0) -> Iterator[str]:
        """Give the keys that begin with ``prefix``, in no order, of objects stored at least ``older_than_s`` ago.

        Raises
        ------
        StorageError
            If a folder cannot be read.
        """
        latest = int(time.time()) - older_than_s
        for path in self._files():
            key = path.relative_to(self._root).as_posix()
            if key.startswith(prefix) and is_key(key) and _changed_by(path, latest):
                yield key

    def sweep(self, older_than_s: float | None = None) -> int:
        """Remove the temporary files of writers that died, and tell how many those were.

        Parameters
        ----------
        older_than_s : float, optional
            How long ago the last byte was written, in seconds; by default `ABANDONED_AFTER_S`.

        Raises
        ------
        StorageError
            If a folder cannot be read or a file cannot be removed.
        """
        latest = int(time.time()) - (ABANDONED_AFTER_S if older_than_s is None else older_than_s)
        removed = 0
        for path in self._files():
            if path.name.startswith(_TEMPORARY) and _changed_by(path, latest):
                try:
                    path.unlink()
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise StorageError(f"removing {path.name} failed: {error.strerror}") from error
                removed += 1
        return removed

    def _files(self) -> Iterator[Path]:
        for folder, _, names in os.walk(self._root, onerror=_refuse_folder):
            yield from (Path(folder, name) for name in names)

    def _path(self, key: str) -> Path:
        return self._root / expect_key(key)


def _changed_by(path: Path, latest: float) -> bool:
    """Tell whether the file is there and was last written in the second of ``latest`` or before."""
    try:
        return int(path.stat().st_mtime) <= latest
    except FileNotFoundError:
        return False


def _refuse_folder(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise StorageError(f"listing objects failed: {error.strerror}") from error


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
