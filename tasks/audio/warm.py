"""Loading what listening compiles, before anything depends on how long that takes."""

from __future__ import annotations

import numpy as np

from tasks.audio.decode import HEARD_RATE
from tasks.audio.features import Stretch, describe


def warm() -> None:
    """Compile, or load, the kernels by letting them follow and count a pulse, and make the filters."""
    from tasks.audio.loudness import LOWEST_RATE, LoudnessMeter  # noqa: PLC0415 - compiled, as its kernels are
    from tasks.audio.pointer import follow, walk  # noqa: PLC0415 - compiled code, whose place must be known by now

    describe(Stretch(np.zeros(HEARD_RATE, np.float32), 1, 1))
    gain = np.zeros(600)
    gain[::25] = 1.0
    follow(gain, 20, 30, region=16, steadiness=100.0, prior=np.zeros(11))
    walk(gain, 4, 1.0)
    LoudnessMeter(LOWEST_RATE, 1).push(np.zeros((LOWEST_RATE, 1), np.float32))
