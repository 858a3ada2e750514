"""Which store of bytes the settings name."""

from __future__ import annotations

from cluster.settings import Settings
from cluster.storage.base import Storage
from cluster.storage.local import LocalStorage


def open_storage(settings: Settings) -> Storage:
    """Give the bucket that ``S3_BUCKET_NAME`` names, or a folder below the data folder where it names none.

    Nothing is connected to yet.

    Raises
    ------
    SettingsError
        If the settings of the bucket cannot be meant.
    """
    if settings.s3.bucket_name is None:
        return LocalStorage(settings.objects_dir)
    from cluster.storage.s3 import S3Storage  # noqa: PLC0415 - boto3 takes a third of a second that the disk needs not

    return S3Storage(settings.s3)
