"""Keeping the memory of one step of hearing from adding to that of the next."""

from __future__ import annotations

import contextlib
import ctypes


def give_back() -> None:
    """Let the system have what is free: the C library keeps pieces of up to 32 MB for later."""
    with contextlib.suppress(AttributeError):  # not every C library can
        ctypes.CDLL(None).malloc_trim(0)
