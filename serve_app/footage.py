"""Footage that is named on the command line: which files are meant, and taking them in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console

from cluster.db.tables import Footage
from cluster.environment import cores
from cluster.services import Services
from tasks.domain.errors import InvalidInput
from tasks.steps import footage


def take_in_all(
    services: Services, named: Sequence[Path], console: Console, *, apart_from: Sequence[Path] = ()
) -> tuple[str, ...]:
    """Take in what ``named`` names, side by side, and give the ids in its order.

    A folder means the files in it, in the order of their names with numbers as numbers; hidden ones and those of
    ``apart_from`` are passed over, and so is, with a line that says why, each that is no video.

    Raises
    ------
    InvalidInput
        If a file that is named by itself is no video, or a folder holds none.
    """
    chosen = [(path, folder) for name in named for path, folder in _meant(name, apart_from)]
    if len(chosen) > 1:
        console.print(f"looking through {len(chosen)} files", highlight=False)
    with ThreadPoolExecutor(cores()) as pool:
        taken = list(pool.map(lambda pair: _take_in(services, pair[0], is_named=pair[1] is None), chosen))
    ids = []
    for (path, _), found in zip(chosen, taken, strict=True):
        if isinstance(found, InvalidInput):
            console.print(f"passed over: {found.message}", highlight=False, markup=False)
            continue
        if note := found.document.get("note"):
            console.print(f"{path.name}: {note}", highlight=False, markup=False)
        ids.append(found.id)
    for name in named:
        members = [found for (_, folder), found in zip(chosen, taken, strict=True) if folder == name]
        if name.is_dir() and all(isinstance(found, InvalidInput) for found in members):
            raise InvalidInput(f"The folder {name} holds no video; name another.", code="footage_absent")
    return tuple(ids)


def natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Give what names are sorted by, so that clip 9 comes before clip 10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def _meant(name: Path, apart_from: Sequence[Path]) -> Iterator[tuple[Path, Path | None]]:
    if not name.is_dir():
        yield name, None
        return
    others = {path.resolve() for path in apart_from}
    for path in sorted(name.iterdir(), key=natural):
        if path.is_file() and not path.name.startswith(".") and path.resolve() not in others:
            yield path, name


def _take_in(services: Services, path: Path, *, is_named: bool) -> Footage | InvalidInput:
    try:
        return footage.take_in(services, path, services.settings.owner_id)
    except InvalidInput as error:
        if is_named:
            raise
        return error
