"""Make the bucket that S3_BUCKET_NAME names, unless it is there; for a server of one's own that starts empty."""

from __future__ import annotations

import sys

from botocore.exceptions import BotoCoreError, ClientError

from cluster.clock import Clock, SystemClock
from cluster.errors import SettingsError
from cluster.settings import S3Settings
from cluster.storage.s3_client import open_client

_TRY_EVERY_S = 2.0
_TRIES = 30
_THERE = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}


def make_bucket(settings: S3Settings, clock: Clock, tries: int = _TRIES) -> str:
    """Make the bucket and give its name; a server that is still starting is asked again.

    Raises
    ------
    SettingsError
        If the settings name no bucket.
    """
    if settings.bucket_name is None:
        raise SettingsError("S3_BUCKET_NAME is not set; it names the bucket to make.")
    for left in range(tries - 1, -1, -1):
        try:
            open_client(settings).create_bucket(Bucket=settings.bucket_name)
        except ClientError as error:
            if error.response["Error"].get("Code") in _THERE:
                break
            if left == 0:
                raise
        except BotoCoreError:
            if left == 0:
                raise
        else:
            break
        clock.sleep(_TRY_EVERY_S)
    return settings.bucket_name


if __name__ == "__main__":
    try:
        made = make_bucket(S3Settings(), SystemClock())
    except (SettingsError, BotoCoreError, ClientError) as unusable:
        sys.exit(f"The bucket cannot be made: {unusable}")
    sys.stdout.write(f"The bucket {made} is there.\n")
