"""Objects in a bucket of any server that speaks S3.

A small object is one conditional PUT; a large one is a multipart upload whose completion is conditional. Either
appears whole or not at all, and a second writer of the same key is told that it is there (412). A server that does
not know the condition gets the same requests without it, after a look whether the object is there: two writers may
then both put it, which does no harm, because keys are made from content.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from cluster.errors import ObjectMissing, StorageError
from cluster.settings import S3Settings
from cluster.storage.base import ObjectInfo, expect_key
from cluster.storage.s3_client import expect_usable, open_client, status_of, told_plainly
from cluster.storage.s3_listing import abort_old_uploads, old_keys
from cluster.storage.s3_upload import Uploads

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

ABANDONED_AFTER_S = 86400.0
"""How long an unfinished multipart upload is left alone, in seconds since it began."""

MAX_EXPIRES_S = 7 * 86400
"""The longest that a signed address may hold, in seconds; SigV4 knows no longer."""

TRANSFER = TransferConfig(
    multipart_threshold=64 << 20, multipart_chunksize=16 << 20, max_concurrency=4, preferred_transfer_client="classic"
)
"""From which size on, and in which parts, objects are sent and fetched."""

_BLOCK_BYTES = 1 << 20
_UNSATISFIABLE = 416
_HEAD_SAYS_NOTHING = {400, 403, 404}


class S3Storage:
    """A bucket.

    Parameters
    ----------
    settings : S3Settings
        Names the bucket, the server and the credentials.
    transfer : TransferConfig
        Thresholds, part size and threads; its transfer client must be ``classic``.

    Raises
    ------
    SettingsError
        If the settings name no bucket or no HTTP endpoint. Nothing is connected to yet.
    """

    def __init__(self, settings: S3Settings, transfer: TransferConfig = TRANSFER) -> None:
        self._bucket = expect_usable(settings)
        self._settings = settings
        self._transfer = transfer
        self._uploads = Uploads(self._bucket, transfer)
        self._opened: tuple[int, S3Client] | None = None
        self._making: dict[int, threading.Lock] = {}

    def put_file(self, path: Path, key: str) -> ObjectInfo:
        """Store the file under ``key``, whole or not at all; what is there already stays.

        Raises
        ------
        StorageError
            If the file cannot be read or the server does not take it.
        """
        expect_key(key)
        with told_plainly(f"storing {key}", self._bucket):
            sent_bytes = self._uploads.send_once(self._client, path, key, is_there=lambda: self.exists(key))
        try:
            stored = self.stat(key)
        except ObjectMissing:
            raise StorageError(f"storing {key} failed: it was taken away at once") from None
        if sent_bytes is not None and stored.size_bytes != sent_bytes:
            self.delete(key)
            raise StorageError(f"storing {key} failed: {stored.size_bytes} of {sent_bytes} bytes arrived")
        return stored

    def fetch_file(self, key: str, to: Path) -> Path:
        """Give ``to`` with the object's bytes; a file of the object's size that is there already is given as it is.

        Raises
        ------
        ObjectMissing
            If there is no such object.
        StorageError
            If the server fails or the local disk refuses; ``to`` is then as it was.
        """
        size = self.stat(key).size_bytes
        temporary = to.with_name(f".fetch-{uuid.uuid4().hex}")
        with told_plainly(f"fetching {key}", self._bucket, key):
            if to.is_file() and to.stat().st_size == size:
                return to
            try:
                self._client.download_file(self._bucket, key, str(temporary), Config=self._transfer)
                if (fetched := temporary.stat().st_size) != size:
                    raise StorageError(f"fetching {key} failed: {fetched} of {size} bytes arrived")
                temporary.replace(to)
            finally:
                temporary.unlink(missing_ok=True)
        return to

    def open_range(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Give the object's bytes ``start <= n < end`` in blocks of up to 1 MiB; the first is read at once.

        Raises
        ------
        ObjectMissing
            At the call, if there is no such object.
        StorageError
            At the call or at any block, if the server fails or breaks off.
        """
        expect_key(key)
        start = max(start, 0)
        if end is not None and end <= start:
            self.stat(key)
            return iter(())
        last = "" if end is None else end - 1
        with told_plainly(f"reading {key}", self._bucket, key):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes={start}-{last}")
            except ClientError as error:
                if status_of(error) == _UNSATISFIABLE:
                    return iter(())
                raise
        if not answer.get("ContentRange", "").startswith(f"bytes {start}-") and (start, end) != (0, None):
            answer["Body"].close()
            raise StorageError(f"reading {key} failed: the S3 server does not give parts of objects")
        blocks = self._blocks(answer["Body"], key)
        first = next(blocks, b"")
        return chain([first] if first else [], blocks)

    def stat(self, key: str) -> ObjectInfo:
        """Tell the object's size.

        Raises
        ------
        ObjectMissing
            If there is no such object.
        StorageError
            If there is no such bucket, or the server fails or refuses.
        """
        expect_key(key)
        with told_plainly(f"looking for {key}", self._bucket, key):
            try:
                head = self._client.head_object(Bucket=self._bucket, Key=key)
                return ObjectInfo(key=key, size_bytes=head["ContentLength"])
            except ClientError as error:
                if status_of(error) not in _HEAD_SAYS_NOTHING:
                    raise
            # The error of HEAD has no body; that of GET says what is missing or refused.
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            answer["Body"].close()
            return ObjectInfo(key=key, size_bytes=answer["ContentLength"])

    def exists(self, key: str) -> bool:
        """Tell whether the object is there.

        Raises
        ------
        StorageError
            If there is no such bucket, or the server fails or refuses.
        """
        try:
            self.stat(key)
        except ObjectMissing:
            return False
        return True

    def presign_get(self, key: str, expires_s: int) -> str:
        """Give an address from which anyone reads the object, in parts if they like, for ``expires_s`` seconds.

        Raises
        ------
        StorageError
            If ``expires_s`` is not within 1 and `MAX_EXPIRES_S`.
        """
        where = {"Bucket": self._bucket, "Key": expect_key(key)}
        with told_plainly(f"signing an address of {key}", self._bucket):
            return self._client.generate_presigned_url("get_object", Params=where, ExpiresIn=_lifetime(expires_s))

    def presign_post(self, key: str, expires_s: int, max_bytes: int) -> dict[str, str]:
        """Give a form with which anyone sends the object for ``expires_s`` seconds.

        Returns
        -------
        dict of str
            The address under ``url``; everything else are fields of a ``multipart/form-data`` POST to it, which go
            before its last field, ``file``. The server takes 1 to ``max_bytes`` bytes, and for this key only.

        Raises
        ------
        StorageError
            If ``expires_s`` is not within 1 and `MAX_EXPIRES_S`.
        """
        limits: list[Any] = [["content-length-range", 1, max_bytes]]
        with told_plainly(f"signing a form for {key}", self._bucket):
            form = self._client.generate_presigned_post(
                self._bucket, expect_key(key), Conditions=limits, ExpiresIn=_lifetime(expires_s)
            )
        return {**form["fields"], "url": form["url"]}

    def delete(self, key: str) -> None:
        """Remove the object if it is there.

        Raises
        ------
        StorageError
            If the server fails or refuses.
        """
        expect_key(key)
        try:
            with told_plainly(f"removing {key}", self._bucket, key):
                self._client.delete_object(Bucket=self._bucket, Key=key)
        except ObjectMissing:
            return

    def keys(self, prefix: str = "", older_than_s: float = 0) -> Iterator[str]:
        """Give the keys that begin with ``prefix``, in no order, of objects stored at least ``older_than_s`` ago.

        Raises
        ------
        StorageError
            If the server fails or refuses.
        """
        with told_plainly("listing objects", self._bucket):
            yield from old_keys(self._client, self._bucket, prefix, timedelta(seconds=older_than_s))

    def sweep(self, older_than_s: float | None = None) -> int:
        """Abort the multipart uploads of writers that died, and tell how many those were.

        Parameters
        ----------
        older_than_s : float, optional
            How long ago the upload began, in seconds by the server's clock; by default `ABANDONED_AFTER_S`.

        Raises
        ------
        StorageError
            If the server fails or refuses.
        """
        age = timedelta(seconds=ABANDONED_AFTER_S if older_than_s is None else older_than_s)
        with told_plainly("sweeping uploads", self._bucket):
            return abort_old_uploads(self._client, self._bucket, age)

    @property
    def _client(self) -> S3Client:
        """The client of this process; after a fork the child makes its own, since sockets must not be shared."""
        process = os.getpid()
        with self._making.setdefault(process, threading.Lock()):
            if self._opened is None or self._opened[0] != process:
                client = open_client(self._settings)
                self._uploads.attach(client)
                self._opened = (process, client)
            return self._opened[1]

    def _blocks(self, body: StreamingBody, key: str) -> Iterator[bytes]:
        with told_plainly(f"reading {key}", self._bucket):
            try:
                yield from iter(lambda: body.read(_BLOCK_BYTES), b"")
            finally:
                body.close()


def _lifetime(expires_s: int) -> int:
    if not 1 <= expires_s <= MAX_EXPIRES_S:
        raise StorageError(f"a signed address holds between 1 and {MAX_EXPIRES_S} s, not {expires_s}")
    return expires_s
