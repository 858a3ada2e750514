"""Choices that look free and are not: each follows from the seed and from what it is about, never from other choices.

A choice keeps while the film around it is changed, so that a changed shot leaves its neighbours' pictures alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

_BYTES = 7


def chance(seed: int, *about: str | int) -> float:
    """Give a number in [0, 1) that is evenly spread over seeds and over what it is about."""
    named = "\x1f".join(str(part) for part in (seed, *about)).encode()
    digest = hashlib.blake2b(named, digest_size=_BYTES).digest()
    return int.from_bytes(digest, "big") / float(1 << 8 * _BYTES)


def pick(items: Sequence[Item], seed: int, *about: str | int) -> Item:
    """Choose one of ``items``, which are not empty."""
    return items[int(chance(seed, *about) * len(items))]
