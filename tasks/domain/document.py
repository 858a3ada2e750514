"""Versioned JSON: how records are written, hashed and read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tasks.domain.errors import InvalidRecord

SCHEMA = 1
ENGINE_VERSION = "6"
"""Part of every content key: raise it when the same plan would give other pictures or sounds."""

Document = dict[str, Any]


def canonical(document: Any) -> bytes:
    """Write ``document`` as JSON with one spelling only: sorted keys, no spaces, no NaN."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def content_hash(document: Any) -> str:
    """Hash a JSON document together with the engine's version; 64 hexadecimal digits."""
    return hashlib.sha256(canonical({"engine": ENGINE_VERSION, "of": document})).hexdigest()


def expect_schema(document: Mapping[str, Any], what: str) -> None:
    """Refuse a document of another schema.

    Raises
    ------
    InvalidRecord
        If ``schema`` is absent or not ours.
    """
    found = document.get("schema")
    if found != SCHEMA:
        raise InvalidRecord(f"this {what} has schema {found!r}; schema {SCHEMA} is understood")
