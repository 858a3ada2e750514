"""What every store of bytes promises: a folder, a bucket on moto, and a bucket where the environment names one."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from boto3.s3.transfer import TransferConfig

from cluster.errors import DiskFull, ObjectMissing, StorageError
from cluster.settings import S3Settings
from cluster.storage.base import Storage
from cluster.storage.local import LocalStorage
from cluster.storage.s3 import S3Storage
from cluster.storage.s3_client import open_client
from cluster.storage.sweep import sweep_strays
from tests.support.disk import full_disk
from tests.support.s3 import moto_server, named_endpoint

SERVERS = {"moto": moto_server, **({"endpoint": named_endpoint} if os.environ.get("NAMED_S3_ENDPOINT_URL") else {})}
SMALL_PARTS = TransferConfig(
    multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=2, preferred_transfer_client="classic"
)
CENTURY_S = 100 * 365 * 86400
PUT_SLOWLY = """
import sys
from pathlib import Path
from boto3.s3.transfer import TransferConfig
from cluster.settings import S3Settings
from cluster.storage.s3 import S3Storage

slow = TransferConfig(
    multipart_threshold=5 << 20,
    multipart_chunksize=5 << 20,
    max_concurrency=1,
    max_bandwidth=4 << 20,
    preferred_transfer_client="classic",
)
S3Storage(S3Settings(), slow).put_file(Path(sys.argv[1]), sys.argv[2])
"""
PUT_LOCALLY = """
import sys
from pathlib import Path
from cluster.storage.local import LocalStorage

LocalStorage(Path(sys.argv[3])).put_file(Path(sys.argv[1]), sys.argv[2])
"""


@pytest.fixture(scope="module")
def buckets() -> Iterator[dict[str, S3Settings]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(server()) for name, server in SERVERS.items()}


@pytest.fixture(params=SERVERS)
def bucket(request: pytest.FixtureRequest, buckets: dict[str, S3Settings]) -> S3Settings:
    return buckets[request.param]


@pytest.fixture(params=["local", *SERVERS])
def storage(
    request: pytest.FixtureRequest, buckets: dict[str, S3Settings], tmp_path: Path, key: str
) -> Iterator[Storage]:
    local = request.param == "local"
    opened = LocalStorage(tmp_path / "objects") if local else S3Storage(buckets[request.param], SMALL_PARTS)
    yield opened
    for left in opened.keys(key.partition("/")[0]):
        opened.delete(left)


@pytest.fixture
def key() -> str:
    return f"t{uuid.uuid4().hex}/segments/0123abcd.mp4"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 5000)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Give a file that goes in three parts, no two of which are alike."""
    path = tmp_path / "large"
    path.write_bytes(b"".join(number.to_bytes(8, "big") for number in range(11 << 17)))
    return path


def test_what_is_put_can_be_fetched(storage: Storage, key: str, file: Path, tmp_path: Path) -> None:
    assert not storage.exists(key)
    assert storage.put_file(file, key).size_bytes == file.stat().st_size
    assert storage.exists(key)
    for _ in range(2):  # the second time it may lie there already
        assert storage.fetch_file(key, tmp_path / "copy").read_bytes() == file.read_bytes()


def test_a_large_object_is_put_and_fetched_whole(storage: Storage, key: str, large: Path, tmp_path: Path) -> None:
    assert storage.put_file(large, key).size_bytes == large.stat().st_size
    assert storage.fetch_file(key, tmp_path / "copy").read_bytes() == large.read_bytes()
    middle = 5 << 20
    assert b"".join(storage.open_range(key, middle - 3, middle + 3)) == large.read_bytes()[middle - 3 : middle + 3]
    blocks = list(storage.open_range(key))
    assert b"".join(blocks) == large.read_bytes()
    assert max(map(len, blocks)) <= 1 << 20
    assert storage.sweep(0) == 0


def test_an_empty_object_is_an_object(storage: Storage, key: str, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert storage.put_file(tmp_path / "empty", key).size_bytes == 0
    assert storage.exists(key)
    assert list(storage.open_range(key)) == []
    assert storage.fetch_file(key, tmp_path / "copy").read_bytes() == b""


@pytest.mark.parametrize("name", ["file", "large"])
def test_of_many_writers_all_succeed_and_nothing_is_left(
    storage: Storage, key: str, name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    path: Path = request.getfixturevalue(name)
    with ThreadPoolExecutor(16) as pool:
        sizes = {info.size_bytes for info in pool.map(lambda _: storage.put_file(path, key), range(16))}
    assert sizes == {path.stat().st_size}
    assert b"".join(storage.open_range(key)) == path.read_bytes()
    assert list(storage.keys(key.partition("/")[0])) == [key]
    assert storage.sweep(0) == 0
    assert [path for path in tmp_path.rglob("*") if path.name.startswith(".tmp")] == []


@pytest.mark.parametrize("name", ["file", "large"])
def test_what_is_there_already_stays(
    storage: Storage, key: str, name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    (tmp_path / "first").write_bytes(b"first")
    storage.put_file(tmp_path / "first", key)
    assert storage.put_file(request.getfixturevalue(name), key).size_bytes == len(b"first")
    assert b"".join(storage.open_range(key)) == b"first"


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, None), (0, 1), (10, 20), (1_000_000, None), (0, 10**9), (5, 5), (9, 5), (1_280_000, None), (10**9, 10**10)],
)
def test_a_range_is_half_open(storage: Storage, key: str, file: Path, start: int, end: int | None) -> None:
    storage.put_file(file, key)
    assert b"".join(storage.open_range(key, start, end)) == file.read_bytes()[start:end]


def test_what_is_not_there_is_said_to_be_missing(storage: Storage, key: str, tmp_path: Path) -> None:
    for ask in (
        lambda: storage.stat(key),
        lambda: storage.fetch_file(key, tmp_path / "x"),
        lambda: storage.open_range(key),
        lambda: storage.open_range(key, 5, 5),
    ):
        with pytest.raises(ObjectMissing, match=key):
            ask()
    assert list(tmp_path.glob("*")) == []


def test_deleting_twice_is_deleting_once(storage: Storage, key: str, file: Path) -> None:
    storage.put_file(file, key)
    storage.delete(key)
    storage.delete(key)
    assert not storage.exists(key)


@pytest.mark.parametrize("bad", ["../x", "/etc/passwd", "a/../b", "", "A", "a//b", "a/", ".hidden", "a\x00"])
def test_a_key_cannot_lead_outside(storage: Storage, file: Path, tmp_path: Path, bad: str) -> None:
    for ask in (
        lambda: storage.put_file(file, bad),
        lambda: storage.fetch_file(bad, tmp_path / "x"),
        lambda: storage.open_range(bad),
        lambda: storage.exists(bad),
        lambda: storage.delete(bad),
    ):
        with pytest.raises(StorageError, match="no storage key"):
            ask()


def test_a_source_that_is_not_there_leaves_nothing(storage: Storage, key: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        storage.put_file(tmp_path / "absent", key)
    assert not storage.exists(key)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_keys_are_listed_by_prefix_and_age(storage: Storage, key: str, file: Path) -> None:
    folder = key.partition("/")[0]
    names = {f"{folder}/a", f"{folder}/ab", f"{folder}/b/c"}
    for name in names:
        storage.put_file(file, name)
    assert set(storage.keys(f"{folder}/")) == names
    assert set(storage.keys(f"{folder}/a")) == {f"{folder}/a", f"{folder}/ab"}
    assert list(storage.keys(f"{folder}/nothing")) == []
    assert list(storage.keys(f"{folder}/", older_than_s=3600)) == []


def test_strays_go_and_what_is_known_or_young_stays(storage: Storage, key: str, file: Path) -> None:
    folder = key.partition("/")[0]
    known, stray = f"{folder}/known", f"{folder}/stray"
    for name in (known, stray):
        storage.put_file(file, name)
    asked: list[str] = []

    def is_known(keys: list[str]) -> set[str]:
        asked.extend(keys)
        return {known} & set(keys)

    assert sweep_strays(storage, is_known, older_than_s=3600, prefix=folder) == 0
    assert asked == []
    assert sweep_strays(storage, is_known, older_than_s=0, prefix=folder) == 1
    assert set(asked) == {known, stray}
    assert list(storage.keys(folder)) == [known]


def test_an_address_holds_for_reading_in_parts(bucket: S3Settings, key: str, file: Path) -> None:
    storage = S3Storage(bucket)
    storage.put_file(file, key)
    answer = httpx2.get(storage.presign_get(key, 60), headers={"Range": "bytes=10-19"})
    assert answer.headers["Content-Range"] == f"bytes 10-19/{file.stat().st_size}"
    assert answer.content == file.read_bytes()[10:20]
    assert answer.headers["Content-Type"] == "video/mp4"
    for expires_s in (0, 7 * 86400 + 1):
        with pytest.raises(StorageError, match="between 1 and 604800 s"):
            storage.presign_get(key, expires_s)
    storage.delete(key)


def test_a_killed_local_writer_leaves_nothing_that_is_visible(tmp_path: Path, key: str, file: Path) -> None:
    storage = LocalStorage(tmp_path / "objects")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", PUT_LOCALLY, str(pipe), key, str(tmp_path / "objects")]
    with subprocess.Popen(command) as writer, pipe.open("wb", buffering=0) as source:
        source.write(bytes(3 << 20))
        while not any(path.stat().st_size for path in tmp_path.rglob(".tmp-*")):
            assert writer.poll() is None
        writer.kill()
        assert writer.wait() == -signal.SIGKILL
    assert not storage.exists(key)
    assert list(storage.keys()) == []
    assert storage.sweep() == 0  # it could still be at work
    assert storage.sweep(0) == 1
    assert list(tmp_path.rglob(".tmp-*")) == []
    storage.put_file(file, key)
    assert b"".join(storage.open_range(key)) == file.read_bytes()


def test_a_killed_upload_leaves_nothing_that_is_visible(bucket: S3Settings, tmp_path: Path, key: str) -> None:
    storage, client, name = S3Storage(bucket, SMALL_PARTS), open_client(bucket), str(bucket.bucket_name)
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(64 << 20)
    secret = bucket.secret_access_key
    assert secret is not None
    given = bucket.model_dump(mode="json", exclude_none=True, exclude={"secret_access_key"})
    environment = {f"S3_{field.upper()}": value for field, value in given.items()}
    environment["S3_SECRET_ACCESS_KEY"] = secret.get_secret_value()
    command = [sys.executable, "-c", PUT_SLOWLY, str(tmp_path / "huge"), key]
    with subprocess.Popen(command, env={**os.environ, **environment}) as writer:
        parts = 0
        while not parts:
            assert writer.poll() is None
            for upload in client.list_multipart_uploads(Bucket=name).get("Uploads", []):
                found = client.list_parts(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
                parts += len(found.get("Parts", []))
        writer.kill()
        assert writer.wait() == -signal.SIGKILL
    assert not storage.exists(key)
    assert list(storage.keys(key)) == []
    assert storage.sweep(CENTURY_S) == 0  # it could still be at work
    assert storage.sweep(0) == 1
    assert "Uploads" not in client.list_multipart_uploads(Bucket=name)
    assert storage.put_file(tmp_path / "huge", key).size_bytes == 64 << 20
    storage.delete(key)


def test_a_full_disk_takes_no_object_in_part(tmp_path: Path, key: str, file: Path) -> None:
    storage = LocalStorage(tmp_path / "objects")
    with full_disk(1 << 19), pytest.raises(DiskFull, match="free some space"):
        storage.put_file(file, key)
    assert not storage.exists(key)
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # boto3 stops a download and closes nothing
def test_a_full_disk_keeps_no_object_in_part(bucket: S3Settings, tmp_path: Path, key: str, file: Path) -> None:
    storage = S3Storage(bucket)
    storage.put_file(file, key)
    with full_disk(1 << 19), pytest.raises(DiskFull, match="free some space"):
        storage.fetch_file(key, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    storage.delete(key)
    gc.collect()  # here, where the warning is expected


def test_what_is_no_object_is_neither_listed_nor_swept(tmp_path: Path, key: str, file: Path) -> None:
    storage = LocalStorage(tmp_path / "objects")
    storage.put_file(file, key)
    for name in ("UPPER", ".hidden"):
        (tmp_path / "objects" / name).touch()
    assert list(storage.keys()) == [key]
    assert storage.sweep(0) == 0


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path, key: str, file: Path) -> None:
    (tmp_path / "objects").touch()
    with pytest.raises(StorageError, match=r"exists|directory"):
        LocalStorage(tmp_path / "objects").put_file(file, key)


def test_bytes_of_local_objects_go_through_us(tmp_path: Path, key: str) -> None:
    storage = LocalStorage(tmp_path)
    assert storage.presign_get(key, 60) is None
    assert storage.presign_post(key, 60, 10) is None
