"""What a bucket does when its server or the way to it fails; moto behind a proxy, or no server at all."""

from __future__ import annotations

import dataclasses
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from boto3.s3.transfer import TransferConfig

from cluster.errors import ObjectMissing, StorageError
from cluster.settings import S3Settings
from cluster.storage.s3 import S3Storage
from cluster.storage.s3_client import open_client
from tests.support.s3 import SECRET, Answer, Asked, Forward, Proxy, moto_server, new_bucket, proxy_of

KEY = "segments/0123abcd.mp4"
SMALL_PARTS = TransferConfig(
    multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=2, preferred_transfer_client="classic"
)
PUBLISHING = [("file", "PutObject"), ("large", "CompleteMultipartUpload")]


@pytest.fixture(scope="module")
def moto() -> Iterator[S3Settings]:
    with moto_server() as settings:
        yield settings


@pytest.fixture
def proxy(moto: S3Settings) -> Iterator[Proxy]:
    """Give a proxy before an empty bucket."""
    with proxy_of(new_bucket(moto)) as running:
        yield running


@pytest.fixture
def storage(proxy: Proxy) -> S3Storage:
    return S3Storage(proxy.settings, SMALL_PARTS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 5000)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    path.write_bytes(bytes(11 << 20))
    return path


class Failing:
    """Answers ``operation`` with ``answers``, one after the other, and hands on whatever else is asked."""

    def __init__(self, operation: str, *answers: Answer, after_it_is_done: bool = False) -> None:
        self._operation = operation
        self._answers = list(answers)
        self._after = after_it_is_done

    def __call__(self, asked: Asked, forward: Forward) -> Answer:
        if asked.operation != self._operation or not self._answers:
            return forward(asked)
        if self._after:
            forward(asked)
        return self._answers.pop(0)


def uploads_of(settings: S3Settings) -> list[str]:
    found = open_client(settings).list_multipart_uploads(Bucket=str(settings.bucket_name))
    return [upload["Key"] for upload in found.get("Uploads", [])]


@pytest.mark.parametrize(("status", "code"), [(501, "NotImplemented"), (400, "InvalidArgument")])
@pytest.mark.parametrize(("name", "operation"), PUBLISHING)
def test_a_server_that_knows_no_condition_is_asked_it_once(
    storage: S3Storage,
    proxy: Proxy,
    request: pytest.FixtureRequest,
    *,
    name: str,
    operation: str,
    status: int,
    code: str,
) -> None:
    def between(asked: Asked, forward: Forward) -> Answer:
        return Answer.error(status, code) if "If-None-Match" in asked.headers else forward(asked)

    proxy.between = between
    path: Path = request.getfixturevalue(name)
    for number in range(3):
        assert storage.put_file(path, f"{KEY}.{number}").size_bytes == path.stat().st_size
        assert storage.put_file(path, f"{KEY}.{number}").size_bytes == path.stat().st_size
    assert [asked.operation for asked in proxy.asked if "If-None-Match" in asked.headers] == [operation]
    assert Counter(proxy.operations())[operation] == 4  # none of the second puts sends anything
    assert uploads_of(proxy.settings) == []


def test_an_error_that_is_not_about_the_condition_does_not_end_its_use(
    storage: S3Storage, proxy: Proxy, file: Path
) -> None:
    proxy.between = Failing("PutObject", *[Answer.error(400, "InvalidArgument")] * 2)
    with pytest.raises(StorageError, match="InvalidArgument"):
        storage.put_file(file, KEY)
    storage.put_file(file, KEY)
    assert ["If-None-Match" in asked.headers for asked in proxy.asked if asked.method == "PUT"] == [True, False, True]


@pytest.mark.parametrize(("name", "operation"), PUBLISHING)
def test_a_conflict_with_another_writer_is_tried_again(
    storage: S3Storage, proxy: Proxy, request: pytest.FixtureRequest, name: str, operation: str
) -> None:
    path: Path = request.getfixturevalue(name)
    proxy.between = Failing(operation, Answer.error(409, "ConditionalRequestConflict"))
    assert storage.put_file(path, KEY).size_bytes == path.stat().st_size
    assert Counter(proxy.operations())[operation] == 2
    assert uploads_of(proxy.settings) == []


@pytest.mark.parametrize(("name", "operation"), PUBLISHING)
def test_whoever_comes_second_has_succeeded(
    storage: S3Storage, proxy: Proxy, request: pytest.FixtureRequest, name: str, operation: str
) -> None:
    path: Path = request.getfixturevalue(name)

    def between(asked: Asked, forward: Forward) -> Answer:
        if asked.operation == operation and Counter(proxy.operations())[operation] == 1:
            S3Storage(proxy.settings, SMALL_PARTS).put_file(path, KEY)
        return forward(asked)

    proxy.between = between
    assert storage.put_file(path, KEY).size_bytes == path.stat().st_size
    assert uploads_of(proxy.settings) == []


@pytest.mark.parametrize("answer", [Answer.error(500, "InternalError"), Answer.error(503, "SlowDown"), None])
@pytest.mark.parametrize(("name", "operation"), PUBLISHING)
def test_an_answer_that_is_lost_or_late_does_no_harm(
    storage: S3Storage,
    proxy: Proxy,
    request: pytest.FixtureRequest,
    *,
    name: str,
    operation: str,
    answer: Answer | None,
) -> None:
    path: Path = request.getfixturevalue(name)
    broken = Answer(200, [("Content-Length", "100")], b"<", cut_at=1)
    proxy.between = Failing(operation, answer or broken, after_it_is_done=True)
    assert storage.put_file(path, KEY).size_bytes == path.stat().st_size
    assert b"".join(storage.open_range(KEY)) == path.read_bytes()
    assert uploads_of(proxy.settings) == []


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
def test_an_upload_that_fails_is_aborted(storage: S3Storage, proxy: Proxy, large: Path, operation: str) -> None:
    proxy.between = Failing(operation, Answer.error(403, "AccessDenied"))
    with pytest.raises(StorageError, match="AccessDenied"):
        storage.put_file(large, KEY)
    assert not storage.exists(KEY)
    assert list(storage.keys()) == []
    assert uploads_of(proxy.settings) == []


def test_an_upload_that_is_swept_meanwhile_is_begun_again(storage: S3Storage, proxy: Proxy, large: Path) -> None:
    sweeps: list[int] = []

    def between(asked: Asked, forward: Forward) -> Answer:
        if asked.operation == "CompleteMultipartUpload" and not sweeps:
            sweeps.append(S3Storage(proxy.settings).sweep(0))
            return Answer.error(404, "NoSuchUpload")  # as S3 does; moto itself fails
        return forward(asked)

    proxy.between = between
    assert storage.put_file(large, KEY).size_bytes == large.stat().st_size
    assert sweeps == [1]


def test_an_object_that_arrives_short_is_taken_away(storage: S3Storage, proxy: Proxy, file: Path) -> None:
    def between(asked: Asked, forward: Forward) -> Answer:
        return forward(dataclasses.replace(asked, body=asked.body[:1000]) if asked.operation == "PutObject" else asked)

    proxy.between = between
    with pytest.raises(StorageError, match="1000 of 1280000 bytes"):
        storage.put_file(file, KEY)
    assert not storage.exists(KEY)


def test_a_stream_that_breaks_is_an_error_and_no_short_object(
    storage: S3Storage, proxy: Proxy, large: Path, tmp_path: Path
) -> None:
    storage.put_file(large, KEY)

    def between(asked: Asked, forward: Forward) -> Answer:
        answer = forward(asked)
        return dataclasses.replace(answer, cut_at=3 << 20) if asked.operation == "GetObject" else answer

    proxy.between = between
    blocks = storage.open_range(KEY)
    with pytest.raises(StorageError, match="broke off"):
        list(blocks)
    with pytest.raises(StorageError, match="broke off"):
        storage.fetch_file(KEY, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["large"]


def test_a_server_that_gives_no_parts_is_not_believed(storage: S3Storage, proxy: Proxy, file: Path) -> None:
    storage.put_file(file, KEY)

    def between(asked: Asked, forward: Forward) -> Answer:
        del asked.headers["Range"]
        return forward(asked)

    proxy.between = between
    assert b"".join(storage.open_range(KEY)) == file.read_bytes()
    with pytest.raises(StorageError, match="does not give parts"):
        storage.open_range(KEY, 10, 20)


@pytest.mark.parametrize(
    "code", ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"]
)
def test_a_refusal_says_so_in_a_sentence_without_the_secret(
    storage: S3Storage, proxy: Proxy, file: Path, tmp_path: Path, code: str
) -> None:
    proxy.between = lambda *_: Answer.error(403, code)
    for ask in (
        lambda: storage.put_file(file, KEY),
        lambda: storage.fetch_file(KEY, tmp_path / "x"),
        lambda: storage.open_range(KEY),
        lambda: storage.stat(KEY),
        lambda: storage.exists(KEY),
        lambda: storage.delete(KEY),
        lambda: list(storage.keys()),
        storage.sweep,
    ):
        with pytest.raises(StorageError, match="was refused") as caught:
            ask()
        assert ("clock" if code == "RequestTimeTooSkewed" else code) in caught.value.message
        assert caught.value.retryable
        assert not isinstance(caught.value, ObjectMissing)
        assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in repr(vars(storage))


def test_a_bucket_that_is_not_there_is_named(moto: S3Settings, file: Path, tmp_path: Path) -> None:
    storage = S3Storage(moto.model_copy(update={"bucket_name": "not-made-yet"}))
    for ask in (
        lambda: storage.put_file(file, KEY),
        lambda: storage.fetch_file(KEY, tmp_path / "x"),
        lambda: storage.open_range(KEY),
        lambda: storage.stat(KEY),
        lambda: storage.exists(KEY),
        lambda: storage.delete(KEY),
        lambda: list(storage.keys()),
    ):
        with pytest.raises(StorageError, match="there is no bucket not-made-yet"):
            ask()


def test_a_server_that_is_not_there_is_a_storage_error(proxy: Proxy, file: Path) -> None:
    storage = S3Storage(proxy.settings.model_copy(update={"endpoint_url": "http://127.0.0.1:1"}))
    with pytest.raises(StorageError, match="was not reached") as caught:
        storage.put_file(file, KEY)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_name_that_no_bucket_can_have_is_a_storage_error(moto: S3Settings) -> None:
    with pytest.raises(StorageError, match="'No bucket'"):
        S3Storage(moto.model_copy(update={"bucket_name": "No bucket"})).exists(KEY)
