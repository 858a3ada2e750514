"""Errors that exist only at the edge."""

from __future__ import annotations


class EdgeError(Exception):
    """Root of the errors of HTTP itself."""

    code = "edge_error"
    retryable = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotReadyError(EdgeError):
    """What is asked for is still being made."""

    code = "not_ready"
    retryable = True


class RangeError(EdgeError):
    """A byte range outside the object."""

    code = "range_invalid"

    def __init__(self, message: str, size_bytes: int) -> None:
        super().__init__(message)
        self.size_bytes = size_bytes
