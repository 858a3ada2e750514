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
from numpy.typing import NDArray

from tasks.audio.features import Spectra
from tasks.audio.tempo import Floats

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_TURNED = np.array([np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)])
_CLEAR = 0.5


def find_key(spectra: Spectra) -> str | None:
    """Name the key, as "A minor"; None where no key fits well."""
    fits = _fits(spectra.chroma)
    if fits is None:
        return None
    best = int(fits.argmax())
    return f"{_NAMES[best % 12]} {'major' if best < 12 else 'minor'}" if fits[best] >= _CLEAR else None  # noqa: PLR2004


def mode_lean(chroma: NDArray[np.float32]) -> float:
    """How much better the best major key fits than the best minor one: below 0 for minor; 0 where nothing is heard."""
    fits = _fits(chroma)
    return 0.0 if fits is None else float(fits[:12].max() - fits[12:].max())


def _fits(chroma: NDArray[np.float32]) -> Floats | None:
    """Correlation of the mean chroma with each turned profile, majors first; None where all pitches are alike."""
    strength = np.sqrt(np.maximum(chroma, 0)).mean(axis=0, dtype=np.float64)
    if strength.std() <= 1e-3 * max(float(strength.mean()), 1e-12):
        return None
    apart = strength - strength.mean()
    profiles = _TURNED - _TURNED.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.square(profiles).sum(axis=1) * np.square(apart).sum())
    return np.asarray((profiles * apart).sum(axis=1) / norm, np.float64)
