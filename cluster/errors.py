"""What can go wrong on the platform.

    PlatformError
    ├── SettingsError        a setting is missing or contradicts another
    ├── NotFound             no such row, or none of yours
    ├── Changed              somebody else changed meanwhile what you change
    ├── StorageError         bytes could not be read or written
    │   └── ObjectMissing    there is no object of that key
    ├── Exhausted            this machine has no room left
    │   ├── DiskFull
    │   └── OutOfMemory
    ├── JobError
    │   ├── LeaseLost        somebody else holds the step now; write nothing more
    │   ├── IllegalEdge      a state that may not follow the present one
    │   ├── JobOver          the job has ended, so it cannot be cancelled
    │   └── JobNotOver       the job has not ended badly, so it cannot be begun anew
    └── ClusterError         Ray could not be started or reached

Each has a stable ``code`` and says whether the same call may work later.
"""

from __future__ import annotations

import errno


class PlatformError(Exception):
    """Root of the errors of the platform."""

    code: str = "platform_error"
    retryable: bool = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SettingsError(PlatformError):
    """A setting is missing or contradicts another."""

    code = "settings_error"


class NotFound(PlatformError):
    """There is no such thing, or none of yours."""

    code = "not_found"


class Changed(PlatformError):
    """Somebody else changed meanwhile what you change."""

    code = "changed_meanwhile"


class StorageError(PlatformError):
    """Bytes could not be read or written."""

    code = "storage_error"
    retryable = True


class ObjectMissing(StorageError):
    """There is no object of that key."""

    code = "object_missing"
    retryable = False


class Exhausted(PlatformError):
    """There is no room left on the machine for what was to be done."""

    code = "exhausted"
    retryable = True


class DiskFull(Exhausted, StorageError):
    """A disk, or what may be used of it, is full; also what storage raises then."""

    code = "disk_full"


class OutOfMemory(Exhausted):
    """There is no memory left, or a limit on it was met."""

    code = "out_of_memory"


_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_MEMORY = ("Cannot allocate memory", "Insufficient memory", "can't start new thread", "failed to map segment")
"""What libraries say that have no error of their own for it: the system, OpenCV, Python's threads, the loader."""


def exhausted(error: BaseException) -> Exhausted | None:
    """Tell what ran out when it was that of which ``error`` speaks; None for every other error."""
    number = getattr(error, "errno", None)
    if number in _DISK_FULL:
        return DiskFull("The disk is full; free some space in the data folder, or move it by VC_DATA_DIR.")
    if isinstance(error, MemoryError) or number == errno.ENOMEM or any(said in str(error) for said in _NO_MEMORY):
        return OutOfMemory("Memory ran out; use fewer workers, a smaller resolution, or a larger machine.")
    return None


class JobError(PlatformError):
    """Root of what the job store refuses."""

    code = "job_error"


class LeaseLost(JobError):
    """The step is no longer held by this claim; whoever gets this writes nothing more."""

    code = "lease_lost"


class IllegalEdge(JobError):
    """A state that may not follow the present one."""

    code = "illegal_edge"


class JobOver(JobError):
    """The job has ended already."""

    code = "job_over"


class JobNotOver(JobError):
    """The job has not ended, or ended well."""

    code = "job_not_over"


class ClusterError(PlatformError):
    """Ray could not be started or reached."""

    code = "cluster_error"
    retryable = True
