"""Loading what listening compiles, before anything depends on how long that takes."""

from __future__ import annotations

import numpy as np

from tasks.audio.decode import HEARD_RATE
from tasks.audio.features import HOP

_FRAMES, _BEAT = 600, 25


def warm() -> None:
    """Compile, or load, the library's beat tracker by letting it follow a pulse."""
    import librosa.beat  # noqa: PLC0415 - these imports compile for seconds where nothing is cached
    import librosa.filters  # noqa: PLC0415

    assert librosa.filters is not None
    envelope = np.zeros(_FRAMES)
    envelope[::_BEAT] = 1.0
    bpm = np.full(_FRAMES, 60.0 * HEARD_RATE / HOP / _BEAT)
    librosa.beat.beat_track(onset_envelope=envelope, sr=HEARD_RATE, hop_length=HOP, trim=False, bpm=bpm)
