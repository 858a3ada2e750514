"""What a bucket does when its server or the way to it fails; moto behind a proxy, or no server at all."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from boto3.s3.transfer import TransferConfig

from cluster.errors import ObjectMissing, SettingsError, StorageError
from cluster.settings import AddressingStyle, S3Settings, Settings
from cluster.storage.local import LocalStorage
from cluster.storage.opened import open_storage
from cluster.storage.s3 import S3Storage
from cluster.storage.s3_client import open_client
from tests.support.s3 import SECRET, Answer, Asked, Forward, Proxy, moto_server, new_bucket, proxy_of

KEY = "segments/0123abcd.mp4"
SMALL_PARTS = TransferConfig(
    multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=2, preferred_transfer_client="classic"
)
PUBLISHING = [("file", "PutObject"), ("large", "CompleteMultipartUpload")]
FORK = """
import os, sys
from cluster.settings import S3Settings
from cluster.storage.s3 import S3Storage

storage = S3Storage(S3Settings())
assert storage.stat(sys.argv[1]).size_bytes
child = os.fork()
sizes = [storage.stat(sys.argv[1]).size_bytes for _ in range(50)]
if child == 0:
    os._exit(0)
sys.exit(os.waitpid(child, 0)[1])
"""


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


def test_a_put_is_signed_with_its_bytes_and_conditional(storage: S3Storage, proxy: Proxy, file: Path) -> None:
    storage.put_file(file, KEY)
    (put,) = [asked for asked in proxy.asked if asked.operation == "PutObject"]
    digest = hashlib.sha256(file.read_bytes())
    assert put.body == file.read_bytes()
    assert put.headers["Authorization"].startswith("AWS4-HMAC-SHA256 ")
    assert put.headers["X-Amz-Content-SHA256"] == digest.hexdigest()
    assert put.headers["x-amz-checksum-sha256"] == base64.b64encode(digest.digest()).decode()
    assert put.headers["If-None-Match"] == "*"
    assert put.headers["Content-Type"] == "video/mp4"


def test_parts_are_signed_with_their_bytes_and_completed_on_condition(
    storage: S3Storage, proxy: Proxy, large: Path
) -> None:
    storage.put_file(large, KEY)
    parts = [asked for asked in proxy.asked if asked.operation == "UploadPart"]
    assert sorted(len(part.body) for part in parts) == [1 << 20, 5 << 20, 5 << 20]
    for part in parts:
        assert part.headers["X-Amz-Content-SHA256"] == hashlib.sha256(part.body).hexdigest()
    conditional = [asked.operation for asked in proxy.asked if asked.headers["If-None-Match"] == "*"]
    assert conditional == ["CompleteMultipartUpload"]


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


def test_objects_are_listed_over_many_pages_and_strangers_passed_over(
    storage: S3Storage, proxy: Proxy, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    names = {f"a/{number}" for number in range(5)}
    for name in names:
        storage.put_file(file, name)
    client, bucket = open_client(proxy.settings), str(proxy.settings.bucket_name)
    client.put_object(Bucket=bucket, Key="a/Not Ours")
    client.create_multipart_upload(Bucket=bucket, Key="a/Not Ours")
    assert set(storage.keys("a/")) == names
    assert Counter(proxy.operations())["GetObject"] == 3
    assert storage.sweep(0) == 0


def test_an_address_holds_for_reading_in_parts(storage: S3Storage, file: Path) -> None:
    storage.put_file(file, KEY)
    answer = httpx2.get(storage.presign_get(KEY, 60), headers={"Range": "bytes=10-19"})
    assert answer.status_code == 206
    assert answer.content == file.read_bytes()[10:20]
    assert answer.headers["Content-Type"] == "video/mp4"
    for expires_s in (0, 7 * 86400 + 1):
        with pytest.raises(StorageError, match="between 1 and 604800 s"):
            storage.presign_get(KEY, expires_s)


def test_a_form_takes_one_key_and_no_more_than_it_says(storage: S3Storage, proxy: Proxy, file: Path) -> None:
    form = storage.presign_post(KEY, 60, max_bytes=2_000_000)
    address = form.pop("url")
    policy = json.loads(base64.b64decode(form["policy"]))  # moto checks none of it
    assert ["content-length-range", 1, 2_000_000] in policy["conditions"]
    assert {"key": KEY} in policy["conditions"]
    assert {"bucket": proxy.settings.bucket_name} in policy["conditions"]
    assert SECRET not in str(form)
    assert httpx2.post(address, data=form, files={"file": file.read_bytes()}).status_code == 204
    assert b"".join(storage.open_range(KEY)) == file.read_bytes()


@pytest.mark.parametrize(
    ("style", "endpoint", "address"),
    [
        ("path", "https://objects.example.com", "objects.example.com/songs-here/"),
        ("virtual", "https://objects.example.com", "songs-here.objects.example.com/"),
        ("virtual", "http://localhost:9000", "songs-here.localhost:9000/"),
        ("virtual", None, "songs-here.s3.amazonaws.com/"),
        ("auto", None, "songs-here.s3.amazonaws.com/"),
        ("path", None, "s3.amazonaws.com/songs-here/"),
    ],
)
def test_the_bucket_is_named_in_the_path_or_in_the_host(
    moto: S3Settings, monkeypatch: pytest.MonkeyPatch, style: str, endpoint: str | None, address: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://somewhere.else")  # other programs' settings are not ours
    changes = {"bucket_name": "songs-here", "endpoint_url": endpoint, "addressing_style": AddressingStyle(style)}
    signed = urlsplit(S3Storage(moto.model_copy(update=changes)).presign_get(KEY, 60))
    assert f"{signed.netloc}{signed.path}" == f"{address}{KEY}"
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in signed.query


def test_a_child_of_a_fork_makes_its_own_client(storage: S3Storage, proxy: Proxy, file: Path) -> None:
    storage.put_file(file, KEY)
    environment = {
        "S3_BUCKET_NAME": str(proxy.settings.bucket_name),
        "S3_ENDPOINT_URL": str(proxy.settings.endpoint_url),
        "S3_ACCESS_KEY_ID": "moto",
        "S3_SECRET_ACCESS_KEY": SECRET,
    }
    done = subprocess.run(
        [sys.executable, "-c", FORK, KEY], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"bucket_name": None},
        {"endpoint_url": "minio:9000"},
        {"endpoint_url": "ftp://minio"},
        {"endpoint_url": "https://"},
        {"endpoint_url": f"https://user:{SECRET}@minio"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused_at_once(moto: S3Settings, changes: dict[str, str | None]) -> None:
    with pytest.raises(SettingsError, match="S3_") as caught:
        S3Storage(moto.model_copy(update=changes))
    assert SECRET not in caught.value.message


def test_a_bucket_is_used_where_one_is_named(moto: S3Settings, tmp_path: Path) -> None:
    assert isinstance(open_storage(Settings(data_dir=tmp_path, s3=moto)), S3Storage)
    assert isinstance(open_storage(Settings(data_dir=tmp_path, s3=S3Settings(bucket_name=None))), LocalStorage)
