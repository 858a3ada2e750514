"""What every store of bytes promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster.errors import ObjectMissing, StorageError
from cluster.storage.base import Storage
from cluster.storage.local import LocalStorage

KEY = "segments/0123abcd.mp4"


@pytest.fixture(params=["local"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    assert request.param == "local"
    return LocalStorage(tmp_path / "objects")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 5000)
    return path


def test_what_is_put_can_be_fetched(storage: Storage, file: Path, tmp_path: Path) -> None:
    assert not storage.exists(KEY)
    assert storage.put_file(file, KEY).size_bytes == file.stat().st_size
    assert storage.exists(KEY)
    assert storage.fetch_file(KEY, tmp_path / "copy").read_bytes() == file.read_bytes()


def test_putting_twice_is_putting_once(storage: Storage, file: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        sizes = {info.size_bytes for info in pool.map(lambda _: storage.put_file(file, KEY), range(16))}
    assert sizes == {file.stat().st_size}
    leftovers = [path for path in tmp_path.rglob("*") if path.name.startswith(".tmp")]
    assert leftovers == []


@pytest.mark.parametrize(("start", "end"), [(0, None), (10, 20), (1_000_000, None), (0, 10**9), (5, 5)])
def test_a_range_is_half_open(storage: Storage, file: Path, start: int, end: int | None) -> None:
    storage.put_file(file, KEY)
    assert b"".join(storage.open_range(KEY, start, end)) == file.read_bytes()[start:end]


def test_what_is_not_there_is_said_to_be_missing(storage: Storage, tmp_path: Path) -> None:
    for ask in (
        lambda: storage.stat(KEY),
        lambda: storage.fetch_file(KEY, tmp_path / "x"),
        lambda: storage.open_range(KEY),
    ):
        with pytest.raises(ObjectMissing):
            ask()


def test_deleting_twice_is_deleting_once(storage: Storage, file: Path) -> None:
    storage.put_file(file, KEY)
    storage.delete(KEY)
    storage.delete(KEY)
    assert not storage.exists(KEY)


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../b", "", "A", "a//b", "a/", ".hidden", "a\x00"])
def test_a_key_cannot_lead_outside(storage: Storage, file: Path, key: str) -> None:
    with pytest.raises(StorageError):
        storage.put_file(file, key)


def test_a_source_that_is_not_there_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        storage.put_file(tmp_path / "absent", KEY)
    assert not storage.exists(KEY)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
