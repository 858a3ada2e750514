"""What every correction is held to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields as fields_of
from typing import Any

from tasks.domain.errors import InvalidInput

LONGEST_LABEL = 80
MOST_TIMES = 100_000
MOST_CORRECTIONS = 200
SLOWEST_BPM, FASTEST_BPM = 10.0, 1000.0


def invalid(why: str) -> InvalidInput:
    """Make the error of a correction that cannot be meant."""
    return InvalidInput(f"The corrections cannot be used: {why}.", code="corrections_invalid")


def expect_few(corrections: Sequence[Any]) -> None:
    """Refuse more corrections than a song needs."""
    if len(corrections) > MOST_CORRECTIONS:
        raise invalid(f"{MOST_CORRECTIONS} corrections at most are kept of a song")


def expect_time(seconds: float, name: str) -> None:
    """Refuse what is no moment of a song."""
    if not (is_number(seconds) and math.isfinite(seconds) and seconds >= 0):
        raise invalid(f"{name} is in seconds, 0 or more")


def expect_span(start_s: float, end_s: float) -> None:
    """Refuse what is no stretch of a song."""
    expect_time(start_s, "start_s")
    expect_time(end_s, "end_s")
    if end_s <= start_s:
        raise invalid("end_s lies after start_s")


def made(record: Any, fields: Any) -> Any:
    """Make a record of ``fields``, or say in what they differ from it."""
    if not isinstance(fields, dict):
        raise invalid(f"names and values are expected, not {type(fields).__name__}")
    known = [field.name for field in fields_of(record)]
    if unknown := [str(name) for name in fields if name not in known]:
        raise invalid(f"there is no {unknown[0]}; it has {', '.join(known)}")
    try:
        return record(**fields)
    except TypeError as error:
        raise invalid(f"it needs {', '.join(known)}") from error


def is_number(value: object) -> bool:
    """Tell whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_count(value: object) -> bool:
    """Tell whether a value counts from 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def expect_bpm(bpm: float) -> None:
    """Refuse a tempo that no music has."""
    if not (is_number(bpm) and SLOWEST_BPM <= bpm <= FASTEST_BPM):
        raise invalid(f"bpm lies between {SLOWEST_BPM:g} and {FASTEST_BPM:g}")


def expect_label(label: str) -> None:
    """Refuse what is no name of a section."""
    if not isinstance(label, str) or not label.strip() or len(label) > LONGEST_LABEL or not label.isprintable():
        raise invalid(f"a label has 1 to {LONGEST_LABEL} printable characters")
