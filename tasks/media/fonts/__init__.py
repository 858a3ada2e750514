"""Fonts for words on the picture: those that ship with us, an extra's, and the system's; chosen by what they cover.

The shipped ones are Noto Sans SemiBold for Latin, Cyrillic and Greek, for Arabic and for Hebrew, as their authors made
them, each beside its licence. The two last have Latin letters too, so that a line may mix them. Chinese, Japanese and
Korean come from the extra ``cjk`` or from the system.
"""

from __future__ import annotations

import importlib.util
import os
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError
from PIL import ImageFont

from tasks.domain.errors import InvalidInput, ToolMissing
from tasks.domain.script import script_of

_HERE = Path(__file__).parent
_SHIPPED = (
    "noto-sans/NotoSans_600SemiBold.ttf",
    "noto-sans-arabic/NotoSansArabic_600SemiBold.ttf",
    "noto-sans-hebrew/NotoSansHebrew_600SemiBold.ttf",
)
_EXTRA = "noto_cjk_sans_jp_bold"
_ENDINGS = {".ttf", ".otf", ".ttc"}
_IGNORABLE = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
_DECORATION = frozenset({"So", "Sk", "Cf", "Co", "Cn", "Cs"})
_VARIATIONS = frozenset(chr(code) for code in range(0xFE00, 0xFE10))
_LATIN_1 = 0x100
_BROKEN = (TTLibError, OSError, KeyError, ValueError, AssertionError)


def choose_font(text: str) -> str:
    """Give the name of the first font that has every character of ``text``.

    Raises
    ------
    InvalidInput
        If none has; the sentence names the script that is missing.
    """
    needed = _needed(text)
    for path in _known():
        if needed <= _covered(path):
            return path.name
    raise InvalidInput(_lacking(text, needed), code="font_missing")


def without_decoration(text: str) -> str:
    """Leave out the pictures among the letters, such as emoji, that no text font has; they are not sung."""
    kept = (char for char in text if char in _IGNORABLE or ord(char) < _LATIN_1 or not _is_decoration(char))
    return " ".join("".join(kept).split())


def _is_decoration(char: str) -> bool:
    return unicodedata.category(char) in _DECORATION or char in _VARIATIONS


@lru_cache(maxsize=32)
def load_font(name: str, pixels: float) -> ImageFont.FreeTypeFont:
    """Open the font ``name`` at a size in pixels an em.

    Raises
    ------
    ToolMissing
        If this machine has no such font; the plan was made on one that had.
    """
    for path in _known():
        if path.name == name:
            return ImageFont.truetype(str(path), pixels, layout_engine=ImageFont.Layout.RAQM)
    raise ToolMissing(f"The font {name} is not on this machine; install it as on the machine that planned the video.")


def _known() -> Iterator[Path]:
    """Give the shipped fonts, the extra's and the system's, in this order; the system's are looked for last."""
    yield from (_HERE / name for name in _SHIPPED)
    yield from _installed()


@lru_cache(maxsize=1)
def _installed() -> tuple[Path, ...]:
    extra = importlib.util.find_spec(_EXTRA)
    places: list[str] = list(extra.submodule_search_locations or []) if extra else []
    ours = [path for place in places for path in sorted(Path(place).iterdir()) if path.suffix.lower() in _ENDINGS]
    theirs = {
        path.name: path
        for folder in _system_folders()
        if folder.is_dir()
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _ENDINGS
    }
    return (*ours, *sorted(theirs.values(), key=_fitness))


def _system_folders() -> Iterator[Path]:
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    shared = (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    yield from (Path(place) / "fonts" for place in (*reversed(shared), str(home)) if place)
    yield Path.home() / ".fonts"
    yield from (Path("/System/Library/Fonts"), Path("/Library/Fonts"), Path.home() / "Library/Fonts")


def _fitness(path: Path) -> tuple[bool, bool, bool, bool, str]:
    """Order: sans before serif and mono, Noto before others, upright before slanted, bold before light."""
    name = path.name.lower()
    return (
        "serif" in name or "mono" in name,
        "noto" not in name,
        "italic" in name or "oblique" in name or "condensed" in name,
        "bold" not in name,
        path.name,
    )


@lru_cache(maxsize=1024)
def _covered(path: Path) -> frozenset[int]:
    try:
        with TTFont(path, lazy=True, fontNumber=0) as font:
            return frozenset(font.getBestCmap() or ())
    except _BROKEN:
        return frozenset()


def _needed(text: str) -> frozenset[int]:
    return frozenset(ord(char) for char in text if not char.isspace() and char not in _IGNORABLE)


def _lacking(text: str, needed: frozenset[int]) -> str:
    had = frozenset().union(*(_covered(path) & needed for path in _known()))
    nowhere = [char for char in text if ord(char) in needed - had]
    scripts = list(dict.fromkeys(script_of(char) or unicodedata.name(char, repr(char)).title() for char in nowhere))
    if not nowhere:
        return f"No single font here has all letters of {_short(text)}; put its scripts on lines of their own."
    help_ = "pip install 'vibecraft[cjk]'" if {"Chinese", "Japanese", "Korean"} & set(scripts) else "a Noto font"
    return (
        f"No font here has {' or '.join(scripts[:3])} letters, as in {_short(text)}; install one that has"
        f" ({help_}), or leave the words off."
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")  # noqa: PLR2004 - what fits a sentence
