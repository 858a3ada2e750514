"""What can go wrong on the platform.

    PlatformError
    ├── SettingsError        a setting is missing or contradicts another
    ├── NotFound             no such row, or none of yours
    ├── StorageError         bytes could not be read or written
    │   └── ObjectMissing    there is no object of that key
    ├── JobError
    │   ├── LeaseLost        somebody else holds the step now; write nothing more
    │   ├── IllegalEdge      a state that may not follow the present one
    │   ├── JobOver          the job has ended, so it cannot be cancelled
    │   └── JobNotOver       the job has not ended badly, so it cannot be begun anew
    └── ClusterError         Ray could not be started or reached

Each has a stable ``code`` and says whether the same call may work later.
"""

from __future__ import annotations


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


class StorageError(PlatformError):
    """Bytes could not be read or written."""

    code = "storage_error"
    retryable = True


class ObjectMissing(StorageError):
    """There is no object of that key."""

    code = "object_missing"
    retryable = False


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
