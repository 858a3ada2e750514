"""Options of the command line that are read from text."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from tasks.domain.errors import InvalidInput
from tasks.domain.request import AUTO_STYLE
from tasks.domain.style import StyleName

AUTO = "auto"
LOOKS = ", ".join([AUTO_STYLE, *StyleName])

Kind = TypeVar("Kind", bound=StrEnum)


def parse_style(text: str) -> StyleName | None:
    """Read the name of a look; None is the song's own choice.

    Raises
    ------
    InvalidInput
        If there is no such look.
    """
    if text == AUTO_STYLE:
        return None
    try:
        return StyleName(text)
    except ValueError:
        raise InvalidInput(f"There is no style {text!r}; choose one of {LOOKS}.", code="option_invalid") from None


def parse_card(text: str | None) -> str | None:
    """Read a card's text; a backslash with an n begins a row."""
    return None if text is None else text.replace("\\n", "\n")


def parse_time(text: str | None) -> Fraction | None:
    """Read ``12.5`` or ``1:02.5`` as seconds.

    Raises
    ------
    InvalidInput
        If it is neither.
    """
    if text is None:
        return None
    minutes, _, seconds = text.rpartition(":")
    try:
        return Fraction(seconds) + 60 * (int(minutes) if minutes else 0)
    except (ValueError, ZeroDivisionError):
        raise InvalidInput(
            f"{text!r} is no time; write seconds (12.5) or m:ss (1:02).", code="option_invalid"
        ) from None


def parse_seconds(text: str) -> Fraction:
    """Read a length in seconds.

    Raises
    ------
    InvalidInput
        If it is no number.
    """
    found = parse_time(text)
    assert found is not None
    return found


def parse_kinds(text: str, kinds: type[Kind]) -> tuple[Kind, ...] | None:
    """Read ``auto`` (None), ``all``, ``none`` or names with commas between them.

    Raises
    ------
    InvalidInput
        If a name is not among ``kinds``.
    """
    if text == AUTO:
        return None
    if text in {"all", "none"}:
        return tuple(kinds) if text == "all" else ()
    try:
        return tuple(dict.fromkeys(kinds(name.strip()) for name in text.split(",")))
    except ValueError:
        choices = ", ".join([AUTO, "all", "none", *kinds])
        raise InvalidInput(
            f"{text!r} names a kind that there is not; choose of {choices}.", code="option_invalid"
        ) from None
