"""A coarse hint at the kind of music, where its rhythm gives one.

Method
------
Rules on tempo, meter, evenness and where the bass drum strikes. Their confidences are judgements and were not
measured. Rhythm says nothing about most songs; those get no hint.

References
----------
Gouyon, Dixon, Pampalk, Widmer: Evaluating rhythmic descriptors for musical genre classification, AES 2004.
"""

from __future__ import annotations

from tasks.audio.choice import Reading
from tasks.audio.cues import Cues, rises_at
from tasks.audio.mood import Pace
from tasks.domain.analysis import Genre

_DANCE_BPM = (112.0, 145.0)
_BREAKBEAT_BPM = (160.0, 182.0)
_WALTZ_BPM = (70.0, 190.0)
_STRUCK = 0.6  # of the beats have a bass drum
_MACHINE = 0.97


def hint(cues: Cues, reading: Reading, pace: Pace) -> Genre | None:
    """Name the kind of music, or None."""
    times, bpm = reading.grid.times, reading.grid.tempo_bpm
    kick = rises_at(cues, times, 0.0)[:, 1] > 0.5  # noqa: PLR2004
    half = rises_at(cues, times, 0.5)
    late = rises_at(cues, times, 2 / 3)
    if reading.bars.beats_a_bar == 3 and _WALTZ_BPM[0] <= bpm <= _WALTZ_BPM[1]:  # noqa: PLR2004
        return Genre(name="waltz", confidence=0.7)
    is_even = pace.even >= _MACHINE
    if is_even and _DANCE_BPM[0] <= bpm <= _DANCE_BPM[1] and kick.mean() > _STRUCK:
        return Genre(name="electronic dance", confidence=0.7)
    if is_even and _BREAKBEAT_BPM[0] <= bpm <= _BREAKBEAT_BPM[1]:
        return Genre(name="drum and bass", confidence=0.6)
    if not is_even and bpm > 105.0 and late[:, 4].mean() > 1.5 * half[:, 4].mean():  # noqa: PLR2004
        return Genre(name="swing", confidence=0.6)
    return None
