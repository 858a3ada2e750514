"""Analyses made by hand, with beats and sections that a test chooses."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from tasks.domain.analysis import Analysis, Beat, Engine, Section
from tasks.domain.features import CURVES, Features

SAMPLE_RATE = 44_100


def section(start_s: float, end_s: float, label: str = "verse", energy: float = 0.5) -> Section:
    return Section(
        start_s=start_s,
        end_s=end_s,
        label=label,
        cluster="A",
        confidence=1.0,
        energy=energy,
        valence=None,
        arousal=None,
        reason="chosen by a test",
    )


def analysis(
    samples: int, beats: Sequence[float] = (), sections: Sequence[Section] = (), tempo_bpm: float | None = None
) -> Analysis:
    duration_s = float(Fraction(samples, SAMPLE_RATE))
    return Analysis(
        samples=samples,
        sample_rate=SAMPLE_RATE,
        channels=2,
        tempo_bpm=tempo_bpm if beats else None,
        tempo_confidence=1.0,
        meter=None,
        key=None,
        beats=tuple(Beat(time_s=float(time), position=None, confidence=1.0) for time in beats),
        downbeats=tuple(float(time) for time in beats[::4]),
        sections=tuple(sections) or (section(0.0, duration_s),),
        mood=None,
        genre=None,
        loudness=None,
        hooks=(),
        alternatives=(),
        engine=Engine(name="by hand", version="1"),
    )


def steady(seconds: int, bpm: float = 120.0, sections: Sequence[Section] = ()) -> Analysis:
    """Make a song with a beat from its first moment to its last."""
    beats = [0.05 + beat * 60.0 / bpm for beat in range(int((seconds - 0.1) * bpm / 60.0))]
    return analysis(seconds * SAMPLE_RATE, beats, sections, bpm)


def features(seconds: float, level: float = 0.5) -> Features:
    """Level curves."""
    count = int(seconds * 86) + 1
    return Features(frame_rate=Fraction(86), curves={name: np.full(count, level, np.float32) for name in CURVES})
