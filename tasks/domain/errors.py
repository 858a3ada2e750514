"""What can go wrong with a song, a plan or a picture.

    DomainError
    ├── InvalidInput        the user's file or options; saying what to do mends it
    ├── MediaError          decoding or encoding failed; carries the evidence
    │   └── ChildFailed     a sandboxed child ended badly
    │       └── ChildLost   it was killed from outside, or hung; the next may do better
    ├── InvalidRecord       a record that may not exist
    └── ToolMissing         this machine lacks something that we need

Every error has a stable ``code`` and says whether the same call may work later. Only ``serve_app`` turns
codes into HTTP status and exit codes.
"""

from __future__ import annotations


class DomainError(Exception):
    """Root of the errors that belong to the trade itself."""

    code: str = "error"
    retryable: bool = False

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class InvalidInput(DomainError):
    """The user gave something that cannot become a video; the sentence says what to do."""

    code = "invalid_input"


class InvalidRecord(DomainError, ValueError):
    """A record's fields contradict each other."""

    code = "invalid_record"


class ToolMissing(DomainError):
    """The machine lacks a tool or a capability of it."""

    code = "tool_missing"


class MediaError(DomainError):
    """Media could not be decoded, encoded or joined."""

    code = "media_error"


class ChildFailed(MediaError):
    """A child process failed.

    Attributes
    ----------
    command : tuple of str
        What was run.
    exit_status : int
        Its exit status; negative for a signal.
    stderr : str
        The last 64 KiB of what it printed.
    """

    code = "child_failed"

    def __init__(self, message: str, *, command: tuple[str, ...], exit_status: int, stderr: str) -> None:
        super().__init__(message)
        self.command = command
        self.exit_status = exit_status
        self.stderr = stderr


class ChildLost(ChildFailed):
    """A child was killed from outside or gave nothing for too long; the file need not be to blame."""

    code = "child_lost"
    retryable = True
