"""Which script a text is written in, and which way it runs; from Unicode's own tables."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CJK = {"CJK": "Chinese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean", "BOPOMOFO": "Chinese"}
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_LATER = frozenset({"HALFWIDTH", "FULLWIDTH", "MODIFIER", "COMBINING", "OLD", "IDEOGRAPHIC"})


@lru_cache(maxsize=4096)
def script_of(char: str) -> str | None:
    """Name the script of one letter, as in ``"Greek"``; None for digits, marks, spaces and punctuation."""
    if not unicodedata.category(char).startswith("L"):
        return None
    words = unicodedata.name(char, "").split()
    while words[1:] and words[0] in _LATER:
        words = words[1:]
    if not words:
        return None
    return _CJK.get(words[0], words[0].capitalize())


def scripts_of(text: str) -> tuple[str, ...]:
    """Name the scripts of a text's letters, in the order of their first letters."""
    return tuple(dict.fromkeys(script for char in text if (script := script_of(char)) is not None))


def is_right_to_left(text: str) -> bool:
    """Tell whether a line begins at the right: its first letter decides (rule P2 of Unicode's annex 9)."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind == "L":
            return False
        if kind in _RIGHT_TO_LEFT:
            return True
    return False


def row_is_right_to_left(row: str, text: str) -> bool:
    """Tell the same of a row of ``text``: one of both directions runs as the whole text does, any other as itself."""
    kinds = {unicodedata.bidirectional(char) for char in row}
    has_both = "L" in kinds and bool(_RIGHT_TO_LEFT & kinds)
    return is_right_to_left(text if has_both else row)


def directed(rows: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Mark the first of some rows of ``text`` where it would run the other way once it stands alone."""
    wanted = row_is_right_to_left(rows[0], text)
    if is_right_to_left(rows[0]) == wanted:
        return rows
    mark = "\N{RIGHT-TO-LEFT MARK}" if wanted else "\N{LEFT-TO-RIGHT MARK}"
    return (mark + rows[0], *rows[1:])


def language_of(text: str, told: str | None = None) -> str:
    """Give the BCP 47 tag that picks a font's forms: what was told, or what Kana and Hangul tell; else empty."""
    if told and _TAG.fullmatch(told):
        return told
    scripts = scripts_of(text)
    if "Japanese" in scripts:
        return "ja"
    if "Korean" in scripts:
        return "ko"
    return "zh-Hans" if "Chinese" in scripts else ""
