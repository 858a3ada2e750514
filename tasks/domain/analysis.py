"""What was heard in a song.

Times are seconds from the first decoded sample, as float64. ``samples / sample_rate`` is the exact duration.
What is not found is ``None`` or empty; a song without a beat has no beats rather than a made-up grid.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tasks.domain.document import SCHEMA, Document, expect_schema
from tasks.domain.errors import InvalidRecord

_ROUNDING_S = 1e-6
_CURVE_BEATS = 8
_GAP = 1.6
_FREE_S = 2.0
_DERIVED = {"schema", "duration_s", "tempo_curve"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One beat; ``position`` counts from 1 within its bar, or is None where bars are not known."""

    time_s: float
    position: int | None
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TempoPoint:
    """Tempo at one moment, with the mean confidence of the beats that tell it."""

    time_s: float
    bpm: float
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Beats of ``1/denominator`` in a bar; over 8 a beat of the song is three of them, as in 6/8."""

    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A labelled stretch ``[start_s, end_s)``; energy, valence and arousal lie in 0..1."""

    start_s: float
    end_s: float
    label: str
    cluster: str
    confidence: float
    energy: float
    valence: float | None
    arousal: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    """An estimate of the whole song, each figure in 0..1."""

    valence: float
    arousal: float
    danceability: float
    tension: float
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodPoint:
    """How a few seconds around ``time_s`` feel: an estimate, each figure in 0..1."""

    time_s: float
    energy: float
    valence: float
    arousal: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Genre:
    """A coarse hint with its confidence in 0..1."""

    name: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """EBU R128 figures of the sound as it is decoded, which may go beyond full scale."""

    integrated_lufs: float
    range_lu: float
    true_peak_dbtp: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What is wrong with the samples.

    Attributes
    ----------
    clipped_runs : int
        How often a channel stays at full scale for three samples or more.
    clipped_share : float
        Share of the samples that lie in those runs, in 0..1.
    silences : tuple of (float, float)
        Start and end, in seconds, of digital silence of half a second and more.
    dc : tuple of float
        Mean of each channel, in -1..1.
    """

    clipped_runs: int = 0
    clipped_share: float = 0.0
    silences: tuple[tuple[float, float], ...] = ()
    dc: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A window that would stand for the song, with its score in 0..1 and why it was chosen."""

    start_s: float
    end_s: float
    score: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Who heard it."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """The whole record of one song.

    ``sound`` is None and ``mood_over_time`` empty in documents that were written before they were looked at.

    Raises
    ------
    InvalidRecord
        If beats do not strictly increase, sections leave a gap or a figure is not finite.
    """

    samples: int
    sample_rate: int
    channels: int
    tempo_bpm: float | None
    tempo_confidence: float
    meter: Meter | None
    key: str | None
    beats: tuple[Beat, ...]
    downbeats: tuple[float, ...]
    sections: tuple[Section, ...]
    mood: Mood | None
    genre: Genre | None
    loudness: Loudness | None
    hooks: tuple[Hook, ...]
    alternatives: tuple[Document, ...]
    engine: Engine
    sound: Sound | None = None
    mood_over_time: tuple[MoodPoint, ...] = ()

    def __post_init__(self) -> None:
        if self.samples <= 0 or self.sample_rate <= 0:
            raise InvalidRecord("an analysis is of at least one sample")
        _expect_increasing([beat.time_s for beat in self.beats], "beats")
        _expect_increasing(list(self.downbeats), "downbeats")
        if not self.sections or self.sections[0].start_s != 0.0:
            raise InvalidRecord("sections start at 0")
        if any(before.end_s != after.start_s for before, after in pairwise(self.sections)):
            raise InvalidRecord("sections leave no gap and do not overlap")
        if abs(self.sections[-1].end_s - float(self.duration_s)) > _ROUNDING_S:
            raise InvalidRecord("sections end where the song ends")

    @property
    def duration_s(self) -> Fraction:
        """Exact duration in seconds."""
        return Fraction(self.samples, self.sample_rate)

    def tempo_curve(self) -> tuple[TempoPoint, ...]:
        """Tempo over time, a point every four beats, from the eight beats around it; nothing across gaps."""
        points = []
        for first in range(0, len(self.beats) - _CURVE_BEATS, _CURVE_BEATS // 2):
            run = self.beats[first : first + _CURVE_BEATS + 1]
            steps = sorted(after.time_s - before.time_s for before, after in pairwise(run))
            if steps[-1] <= _GAP * steps[len(steps) // 2]:
                points.append(
                    TempoPoint(
                        time_s=run[_CURVE_BEATS // 2].time_s,
                        bpm=round(60 * _CURVE_BEATS / (run[-1].time_s - run[0].time_s), 3),
                        confidence=round(sum(beat.confidence for beat in run) / len(run), 3),
                    )
                )
        return tuple(points)

    def free_stretches(self) -> tuple[tuple[float, float], ...]:
        """Stretches (start and end in seconds) of two seconds and more that have no steady beat."""
        end_s = float(self.duration_s)
        times = [beat.time_s for beat in self.beats]
        usual = sorted(after - before for before, after in pairwise(times))[len(times) // 2 - 1] if times[1:] else 0.0
        edges = [0.0, *times, end_s]
        least = max(_FREE_S, 2.5 * usual)
        return tuple((before, after) for before, after in pairwise(edges) if after - before >= least)

    def section_at(self, time_s: float) -> int:
        """Index of the section that holds ``time_s``; times outside belong to the nearest section."""
        for index, section in enumerate(self.sections):
            if time_s < section.end_s:
                return index
        return len(self.sections) - 1

    def to_json(self) -> Document:
        """Write the versioned document; the tempo curve in it follows from the beats."""
        curve = [asdict(point) for point in self.tempo_curve()]
        return {"schema": SCHEMA, "duration_s": float(self.duration_s), **asdict(self), "tempo_curve": curve}

    @classmethod
    def from_json(cls, document: Document) -> Analysis:
        """Read what `to_json` wrote."""
        expect_schema(document, "analysis")
        fields: dict[str, Any] = {k: v for k, v in document.items() if k not in _DERIVED}
        fields["beats"] = tuple(Beat(**beat) for beat in fields["beats"])
        fields["downbeats"] = tuple(fields["downbeats"])
        fields["sections"] = tuple(Section(**section) for section in fields["sections"])
        fields["hooks"] = tuple(Hook(**hook) for hook in fields["hooks"])
        fields["alternatives"] = tuple(fields["alternatives"])
        fields["mood_over_time"] = tuple(MoodPoint(**point) for point in fields.get("mood_over_time", ()))
        fields["engine"] = Engine(**fields["engine"])
        if fields["mood"] is not None:
            fields["mood"] = Mood(**{**fields["mood"], "tags": tuple(fields["mood"]["tags"])})
        if fields.get("sound") is not None:
            silences = tuple((start_s, end_s) for start_s, end_s in fields["sound"]["silences"])
            fields["sound"] = Sound(**{**fields["sound"], "silences": silences, "dc": tuple(fields["sound"]["dc"])})
        for name, record in (("meter", Meter), ("genre", Genre), ("loudness", Loudness)):
            if fields[name] is not None:
                fields[name] = record(**fields[name])
        return cls(**fields)


def _expect_increasing(times: list[float], what: str) -> None:
    if not all(math.isfinite(time) and time >= 0 for time in times):
        raise InvalidRecord(f"{what} are finite and not before the song")
    if any(after <= before for before, after in pairwise(times)):
        raise InvalidRecord(f"{what} strictly increase")
