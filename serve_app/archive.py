"""Many stored objects as one ZIP archive that is sent while it is written: no file and no object is held whole."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping

from cluster.storage.base import Storage

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the least a ZIP can say: the same objects give the same bytes


def archive(storage: Storage, texts: Mapping[str, str], objects: Mapping[str, str]) -> Iterator[bytes]:
    """Give the archive's bytes, block by block; nothing is compressed, since films and songs are already.

    Parameters
    ----------
    texts : mapping
        Texts by the names of their files.
    objects : mapping
        Keys of stored objects by the names of their files.

    Raises
    ------
    ObjectMissing
        If an object is not stored: at the call, before the first block.
    """
    sizes = {name: storage.stat(key).size_bytes for name, key in objects.items()}
    return _written(storage, texts, objects, sizes)


def _written(
    storage: Storage, texts: Mapping[str, str], objects: Mapping[str, str], sizes: Mapping[str, int]
) -> Iterator[bytes]:
    sent = _Sent()
    with zipfile.ZipFile(sent, "w") as files:
        for name, text in texts.items():
            files.writestr(zipfile.ZipInfo(name, _LONG_AGO), text)
        for name, key in objects.items():
            about = zipfile.ZipInfo(name, _LONG_AGO)
            about.file_size = sizes[name]
            with files.open(about, "w") as file:
                for block in storage.open_range(key):
                    file.write(block)
                    yield sent.taken()
    yield sent.taken()


class _Sent(io.RawIOBase):
    """Keeps what was written until it is taken; it cannot be rewound, so that the archive is written in one go."""

    def __init__(self) -> None:
        super().__init__()
        self._blocks: list[bytes] = []

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, data: object) -> int:
        """Keep a copy of ``data``."""
        block = bytes(data)  # type: ignore[call-overload]
        self._blocks.append(block)
        return len(block)

    def taken(self) -> bytes:
        """Give what was written since the last time."""
        blocks, self._blocks = self._blocks, []
        return b"".join(blocks)
