"""Identifiers: a kind, and 26 characters that sort by time (ULID: 48 bits of milliseconds, 80 random bits)."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_CHARACTERS = 26


def new_id(kind: str) -> str:
    """Make an identifier such as ``song_01hzy…``; later ones sort after earlier ones of another millisecond."""
    number = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return f"{kind}_" + "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_CHARACTERS)))
