"""Names of a song's parts as people write them above lyrics, in several languages, and the label that each means."""

from __future__ import annotations

import re

_NAMES = {
    "intro": "intro интро εισαγωγή",
    "verse": "verse strophe vers couplet estrofa verso strofa куплет κουπλέ בית مقطع",
    "pre-chorus": "pre-chorus prechorus pré-refrain pre-refrain precoro прехор",
    "chorus": "chorus refrain refrão réfrain estribillo coro ritornello hook post-chorus postchorus припев ρεφρέν"
    " פזמון لازمة",
    "bridge": "bridge pont puente ponte бридж γέφυρα",
    "break": "break breakdown",
    "drop": "drop",
    "solo": "solo соло",
    "instrumental": "instrumental interlude проигрыш",
    "outro": "outro coda аутро",
}
_LABELS = {name: label for label, names in _NAMES.items() for name in names.split()}
_TAIL = r"\s*[\dIVX]{0,4}\s*(?:[x\N{MULTIPLICATION SIGN}]\s*\d+)?"
_WRITTEN = re.compile(rf"\(?({'|'.join(sorted(_LABELS, key=len, reverse=True))}){_TAIL}\)?\s*:?", re.IGNORECASE)

WITHOUT_VOICE = frozenset({"intro", "outro", "solo", "instrumental", "drop", "silence"})
"""Labels of sections in which nobody sings, unless a heading says otherwise."""


def is_heading(text: str) -> bool:
    """Tell whether a line without brackets is nothing but the name of a part, as ``Verse 2:`` is."""
    return _WRITTEN.fullmatch(text) is not None


def label_of(heading: str) -> str:
    """Give the section label that a heading or a section's own name means; ``Refrain 2 (all)`` is a ``chorus``.

    What has no known name is its own label, without numbers and case.
    """
    found = _WRITTEN.match(heading.strip())
    if found is not None:
        return _LABELS[found[1].lower()]
    return re.sub(r"[\s\d.:#()]+$", "", heading.split(":", 1)[0]).strip().casefold()
