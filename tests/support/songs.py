"""Short songs with a clear beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 44_100


def write_song(path: Path, seconds: float = 6.0, bpm: float = 120.0, channels: int = 2) -> Path:
    """Write kicks on the beats, hats between them and a chord that changes every bar."""
    total = round(seconds * RATE)
    time = np.arange(total) / RATE
    mix = np.zeros(total)
    beat_s = 60.0 / bpm
    noise = np.random.default_rng(5)
    for number in range(int(seconds / beat_s * 2)):
        start = round(number * beat_s / 2 * RATE)
        length = min(RATE // 5, total - start)
        if length <= 0:
            continue
        local = np.arange(length) / RATE
        if number % 2 == 0:
            mix[start : start + length] += (
                0.8 * np.sin(2 * np.pi * (55 + 90 * np.exp(-local * 30)) * local) * np.exp(-local * 18)
            )
        else:
            mix[start : start + length] += 0.12 * noise.standard_normal(length) * np.exp(-local * 60)
    bar = (time // (4 * beat_s)).astype(int)
    for third in (1.0, 1.26, 1.5):
        mix += 0.06 * np.sin(2 * np.pi * 220 * third * (1 + 0.12 * (bar % 3)) * time)
    sides = np.stack([mix, np.roll(mix, 40)], axis=1) if channels == 2 else mix[:, None]
    soundfile.write(path, sides / np.abs(sides).max() * 0.9, RATE)
    return path
