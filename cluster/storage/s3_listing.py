"""What lies in a bucket for long: its objects, and uploads that nobody ended.

Ages are told by the server's own clock, from the ``Date`` of each page, because ours may differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cluster.storage.base import is_key
from cluster.storage.s3_client import code_of

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


def old_keys(client: S3Client, bucket: str, prefix: str, age: timedelta) -> Iterator[str]:
    """Give the keys that begin with ``prefix`` of objects stored at least ``age`` ago, page by page."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        latest = _answered_at(page) - age
        for entry in page.get("Contents", []):
            if is_key(entry["Key"]) and _second(entry["LastModified"]) <= latest:
                yield entry["Key"]


def abort_old_uploads(client: S3Client, bucket: str, age: timedelta) -> int:
    """Abort the multipart uploads of our keys that began at least ``age`` ago, and tell how many those were."""
    aborted = 0
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        latest = _answered_at(page) - age
        for upload in page.get("Uploads", []):
            if is_key(upload["Key"]) and _second(upload["Initiated"]) <= latest:
                aborted += _abort(client, bucket, upload["Key"], upload["UploadId"])
    return aborted


def _abort(client: S3Client, bucket: str, key: str, upload_id: str) -> bool:
    """Abort an upload; False where it ended by itself meanwhile."""
    try:
        client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    except ClientError as error:
        if code_of(error) == "NoSuchUpload":
            return False
        raise
    return True


def _answered_at(page: Mapping[str, Any]) -> datetime:
    date = page["ResponseMetadata"]["HTTPHeaders"].get("date")
    return datetime.now(UTC) if date is None else parsedate_to_datetime(date)


def _second(time: datetime) -> datetime:
    """Cut a time to the second, as the page's own is."""
    return time.replace(microsecond=0)
