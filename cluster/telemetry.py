"""Structured logs: one line of JSON an event, on stderr or in a file. No secret reaches them."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog

_SECRET_NAMES = (
    "S3_SECRET_ACCESS_KEY",
    "REPLICATE_API_TOKEN",
    "WHISPER_API_TOKEN",
    "LYRICS_API_KEY",
    "RAY_AUTH_TOKEN",
)
_PATTERNS = (
    (re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/@\s\"']+@"), r"\g<scheme>***@"),  # who and what of an address
    (re.compile(r"(?i)(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+"), r"\1***"),
    (re.compile(r"(?i)(bearer\s+)[\w.~+/=-]+"), r"\1***"),
    (re.compile(r"\br8_[A-Za-z0-9]{8,}"), "r8_***"),
)
_SHORTEST = 6


def configure_logs(level: str = "warning", file: Path | None = None) -> None:
    """Set the form and level of all logs of this process.

    Parameters
    ----------
    level : str
        A level's name as the standard library spells it, any case.
    file : Path, optional
        Where lines are added; by default they go to stderr.
    """
    number = logging.getLevelNamesMapping().get(level.upper(), logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=_opened(file)),
        cache_logger_on_first_use=False,
    )


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets out of an event: passwords in addresses, signatures, tokens, and what secret variables hold."""
    known = [value for name in _SECRET_NAMES if len(value := os.environ.get(name, "")) >= _SHORTEST]
    return {key: _clean(value, known) for key, value in event.items()}


def _clean(value: Any, known: list[str]) -> Any:
    if isinstance(value, str):
        for secret in known:
            value = value.replace(secret, "***")
        for pattern, instead in _PATTERNS:
            value = pattern.sub(instead, value)
        return value
    if isinstance(value, dict):
        return {key: _clean(one, known) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one, known) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else _clean(repr(value), known)


def _opened(file: Path | None) -> TextIO:
    if file is None:
        return sys.stderr
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.open("a", buffering=1)
