"""What any store of bytes does.

A key is a relative path of lower-case letters, digits, ``-``, ``_``, ``.`` and ``/``, made from content; so an
object never changes, and putting it twice is putting it once. An object is there whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cluster.errors import StorageError

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """What is known of a stored object without reading it."""

    key: str
    size_bytes: int


class Storage(Protocol):
    """A store of bytes."""

    def put_file(self, path: Path, key: str) -> ObjectInfo:
        """Store the file under ``key``, whole or not at all; what is there already stays."""
        ...

    def fetch_file(self, key: str, to: Path) -> Path:
        """Give a local file with the object's bytes, ``to`` or one that must not be written; raise `ObjectMissing`."""
        ...

    def open_range(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Give the object's bytes ``start <= n < end``, block by block; raise `ObjectMissing`."""
        ...

    def stat(self, key: str) -> ObjectInfo:
        """Tell the object's size; raise `ObjectMissing`."""
        ...

    def exists(self, key: str) -> bool:
        """Tell whether the object is there."""
        ...

    def presign_get(self, key: str, expires_s: int) -> str | None:
        """Give an address from which anyone reads the object for a while; None where bytes go through us."""
        ...

    def presign_post(self, key: str, expires_s: int, max_bytes: int) -> dict[str, str] | None:
        """Give a form with which anyone sends the object for a while; None where bytes go through us."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object if it is there."""
        ...

    def keys(self, prefix: str = "", older_than_s: float = 0) -> Iterator[str]:
        """Give the keys that begin with ``prefix``, in no order, of objects stored at least ``older_than_s`` ago.

        The age is told by the store's own clock, in whole seconds. Names that are no keys are passed over.
        """
        ...

    def sweep(self, older_than_s: float | None = None) -> int:
        """Remove what writers that died left half written, and tell how many pieces that were.

        Only what was not touched for ``older_than_s`` goes: by default so long that no living writer is meant.
        """
        ...


def is_key(name: str) -> bool:
    """Tell whether ``name`` has the form of a key."""
    return _KEY.fullmatch(name) is not None


def expect_key(key: str) -> str:
    """Refuse a key that is not of the form that this module tells.

    Raises
    ------
    StorageError
        If it is not.
    """
    if not is_key(key):
        raise StorageError(f"{key!r} is no storage key")
    return key
