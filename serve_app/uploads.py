"""Files that come with a request, on their way to storage."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePath

from fastapi import UploadFile

from cluster.services import Services

_BLOCK_BYTES = 1 << 20
_LONGEST_NAME = 200


@contextlib.contextmanager
def received(services: Services, file: UploadFile, nameless: str) -> Iterator[tuple[Path, str]]:
    """Write an upload into scratch; give its path, which is gone after the block, and its own name.

    Parameters
    ----------
    nameless : str
        What a file without a name is called.
    """
    name = PurePath((file.filename or nameless).replace("\\", "/")).name[:_LONGEST_NAME] or nameless
    folder = services.settings.scratch_dir
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch) / "upload"
        with path.open("wb") as copy:
            shutil.copyfileobj(file.file, copy, _BLOCK_BYTES)
        yield path, name
