"""What a bucket is asked and how it is addressed; moto behind a proxy that looks at every request."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from boto3.s3.transfer import TransferConfig

from cluster.errors import SettingsError
from cluster.settings import AddressingStyle, S3Settings, Settings
from cluster.storage.local import LocalStorage
from cluster.storage.opened import open_storage
from cluster.storage.s3 import S3Storage
from cluster.storage.s3_client import open_client
from tests.support.s3 import SECRET, Proxy, moto_server, new_bucket, proxy_of

KEY = "segments/0123abcd.mp4"
SMALL_PARTS = TransferConfig(
    multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=2, preferred_transfer_client="classic"
)
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
    assert Counter(proxy.operations())["ListObjectsV2"] == 3
    assert storage.sweep(0) == 0


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
