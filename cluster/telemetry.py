"""Structured logs: one line of JSON an event, on stderr or in a file."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TextIO

import structlog


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
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=_opened(file)),
        cache_logger_on_first_use=False,
    )


def _opened(file: Path | None) -> TextIO:
    if file is None:
        return sys.stderr
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.open("a", buffering=1)
