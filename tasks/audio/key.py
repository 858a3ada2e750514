"""In which key a song is, where that can be told.

Method
------
The mean chroma is correlated with the 24 turned key profiles; the best wins if it is clearly correlated.

References
----------
Krumhansl: Cognitive Foundations of Musical Pitch, 1990.
"""

from __future__ import annotations

import numpy as np

from tasks.audio.features import Spectra

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
_CLEAR = 0.5


def find_key(spectra: Spectra) -> str | None:
    """Name the key, as "A minor"; None where no key fits well."""
    strength = np.sqrt(np.maximum(spectra.chroma, 0)).mean(axis=0, dtype=np.float64)
    if strength.std() <= 1e-3 * max(float(strength.mean()), 1e-12):
        return None
    found = [
        (float(np.corrcoef(np.roll(profile, tonic), strength)[0, 1]), f"{_NAMES[tonic]} {mode}")
        for mode, profile in _PROFILES.items()
        for tonic in range(len(_NAMES))
    ]
    correlation, name = max(found)
    return name if correlation >= _CLEAR else None
