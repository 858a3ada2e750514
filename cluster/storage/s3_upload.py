"""Send a file to a bucket, once.

boto3's transfer manager reads the file, sends large ones in parts by several threads and aborts what fails. It has
no argument for a condition, so ``If-None-Match: *`` is added where the client builds the two requests that publish
an object: PutObject and CompleteMultipartUpload. A server answers 412 when the object is there, 409 when another
writer is about to publish it, and 501 or 400 when it does not know the condition; some servers do not look at it.
"""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from boto3.s3.transfer import TransferConfig, create_transfer_manager
from botocore.exceptions import ClientError

from cluster.storage.s3_client import code_of, status_of

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_PUBLISHING = ("PutObject", "CompleteMultipartUpload")
_TRIES = 5
_FIRST_WAIT_S = 0.1
_THERE_ALREADY = 412
_CONFLICT = 409
_CONDITION_UNKNOWN = {"NotImplemented", "InvalidArgument", "501"}
_log = structlog.get_logger(__name__)


class Uploads:
    """How one bucket takes files: with a condition, until its server is found not to know it.

    Parameters
    ----------
    bucket : str
        Its name.
    transfer : TransferConfig
        From which size on, and in which parts, a file is sent as a multipart upload.
    """

    def __init__(self, bucket: str, transfer: TransferConfig) -> None:
        self._bucket = bucket
        self._transfer = transfer
        self._conditional = True

    def attach(self, client: S3Client) -> None:
        """Have the publishing requests of ``client`` carry the condition."""
        for operation in _PUBLISHING:
            client.meta.events.register(f"before-parameter-build.s3.{operation}", self._add_condition)

    def send_once(self, client: S3Client, path: Path, key: str, is_there: Callable[[], bool]) -> int | None:
        """Send the file unless the object is there.

        Parameters
        ----------
        client : S3Client
            One that was attached.
        path, key
            The file, and what it becomes.
        is_there : callable
            Tells whether the object is there. It is asked before every try: bytes are not sent for nothing, and what
            is there stays also with a server that takes the condition and does not heed it.

        Returns
        -------
        int or None
            The number of bytes that were sent; None if the object was there.

        Raises
        ------
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            If the server refuses, or is not reached, as often as boto3 tries.
        OSError
            If the file cannot be read.
        """
        size = path.stat().st_size
        extra = _described(path, key, whole=size < self._transfer.multipart_threshold)
        for attempt in range(1, _TRIES + 1):
            if is_there():
                return None
            conditional = self._conditional
            try:
                self._send(client, path, key, extra)
            except ClientError as error:
                if status_of(error) == _THERE_ALREADY:
                    return None
                if conditional and code_of(error) in _CONDITION_UNKNOWN:
                    return None if is_there() else self._send_plain(client, path, key, extra)
                if attempt == _TRIES or not _is_passing(error):
                    raise
                time.sleep(_FIRST_WAIT_S * 2 ** (attempt - 1))
            else:
                break
        return size

    def _send(self, client: S3Client, path: Path, key: str, extra: dict[str, Any]) -> None:
        with create_transfer_manager(client, self._transfer) as manager:
            manager.upload(str(path), self._bucket, key, extra_args=dict(extra)).result()

    def _send_plain(self, client: S3Client, path: Path, key: str, extra: dict[str, Any]) -> int:
        """Send without the condition, and never use it again if that was what the server did not like."""
        self._conditional = False
        try:
            self._send(client, path, key, extra)
        except BaseException:
            self._conditional = True
            raise
        _log.warning("conditional_put_unknown", bucket=self._bucket)
        return path.stat().st_size

    def _add_condition(self, params: dict[str, Any], **_: object) -> None:
        if self._conditional:
            params["IfNoneMatch"] = "*"


def _described(path: Path, key: str, *, whole: bool) -> dict[str, Any]:
    """Give what is sent beside the bytes: their type and, for one request, their checksum to be kept with them."""
    extra: dict[str, Any] = {"ContentType": mimetypes.guess_type(key)[0] or "application/octet-stream"}
    if whole:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        extra["ChecksumSHA256"] = base64.b64encode(digest).decode()
    return extra


def _is_passing(error: ClientError) -> bool:
    """Tell whether sending all of it again may go well.

    It may after a conflict with another writer, and after an upload that is no longer known: the answer to its
    completion was lost, or somebody swept it.
    """
    return status_of(error) == _CONFLICT or code_of(error) == "NoSuchUpload"
