"""A boto3 client made from our settings alone, and its errors in our words.

Neither the environment's ``AWS_…`` endpoints nor checksums that only Amazon knows are used, so any server that
speaks S3 can be meant. Every body is signed with its SHA-256 (SigV4), so a server that checks signatures refuses
bytes that were changed on the way. Errors carry the server's short code and never its text, which may repeat what
was sent to it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from boto3.exceptions import Boto3Error
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from cluster.errors import ObjectMissing, SettingsError, StorageError, exhausted
from cluster.settings import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60
MAX_ATTEMPTS = 5
"""How often boto3 sends a request that the server does not answer, answers with 5xx or wants slower."""

_NOT_THERE = {"NoSuchKey", "NotFound", "404"}
_REFUSED = 403


def open_client(settings: S3Settings) -> S3Client:
    """Make a client; it belongs to the process that makes it and may be used by all its threads.

    Raises
    ------
    SettingsError
        If boto3 can make none from these settings.
    """
    secret = settings.secret_access_key
    try:
        return Session().client(
            "s3",
            endpoint_url=settings.endpoint_url,
            region_name=settings.region,
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=None if secret is None else secret.get_secret_value(),
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": settings.addressing_style.value, "payload_signing_enabled": True},
                retries={"total_max_attempts": MAX_ATTEMPTS, "mode": "standard"},
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
                max_pool_connections=32,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                ignore_configured_endpoint_urls=True,  # type: ignore[call-arg] # botocore's stubs do not know it yet
            ),
        )
    except (BotoCoreError, ValueError) as error:
        raise SettingsError(f"no S3 client can be made from the S3_ settings ({type(error).__name__})") from None


def expect_usable(settings: S3Settings) -> str:
    """Give the bucket's name.

    Raises
    ------
    SettingsError
        If there is none, or the endpoint is no plain HTTP address.
    """
    if settings.bucket_name is None:
        raise SettingsError("S3_BUCKET_NAME is not set; it names the bucket in which objects are stored.")
    if settings.endpoint_url is not None:
        address = urlsplit(settings.endpoint_url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise SettingsError("S3_ENDPOINT_URL is no address; it begins with https:// or http:// and names a host.")
        if address.username is not None or address.password is not None:
            raise SettingsError("S3_ENDPOINT_URL carries a user name or password; credentials are set apart from it.")
    return settings.bucket_name


def code_of(error: ClientError) -> str:
    """Give the short word with which the server names its error; where it gives none, the HTTP status."""
    return str(error.response.get("Error", {}).get("Code") or status_of(error))


def status_of(error: ClientError) -> int:
    """Give the HTTP status of the answer; 0 where there was none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextlib.contextmanager
def told_plainly(action: str, bucket: str, key: str = "") -> Iterator[None]:
    """Turn whatever boto3 or the local disk raises inside into one sentence.

    Parameters
    ----------
    action : str
        What is done, as the sentence begins: "storing segments/01.mp4".
    bucket, key : str
        What it is done to.

    Raises
    ------
    ObjectMissing
        If the server says that there is no such key.
    StorageError
        For everything else.
    """
    try:
        yield
    except ClientError as error:
        raise _answered(error, action, bucket, key) from None
    except ParamValidationError as error:
        raise StorageError(f"{action} failed: {bucket!r} or the key is nothing that S3 can store under") from error
    except (BotoCoreError, Boto3Error) as error:
        reason = type(error).__name__
        raise StorageError(f"{action} failed: the S3 server was not reached or broke off ({reason})") from error
    except OSError as error:
        raise exhausted(error) or StorageError(f"{action} failed: {error.strerror or type(error).__name__}") from error


def _answered(error: ClientError, action: str, bucket: str, key: str) -> StorageError:
    code, status = code_of(error), status_of(error)
    if code == "NoSuchBucket":
        return StorageError(f"{action} failed: there is no bucket {bucket}; make it or correct S3_BUCKET_NAME")
    if code in _NOT_THERE and key:
        return ObjectMissing(f"there is no object {key}")
    if code == "RequestTimeTooSkewed":
        return StorageError(f"{action} was refused: this machine's clock differs too much from the S3 server's")
    if status == _REFUSED:
        return StorageError(
            f"{action} was refused ({code}): the credentials or the policy of bucket {bucket} forbid it"
        )
    return StorageError(f"{action} failed: the S3 server answered {code} ({status})")
