"""What goes over the wire about a song: what was heard in it, and what its owner set right."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.domain.analysis import (
    Analysis,
    Beat,
    Engine,
    Genre,
    Hook,
    Loudness,
    Meter,
    Mood,
    MoodPoint,
    Section,
    Sound,
    TempoPoint,
)
from tasks.domain.corrections import Corrections, from_json, to_json

_BEAT = {"time_s": 0.35, "position": 1, "confidence": 0.9}
_SECTION = {
    "start_s": 0.0,
    "end_s": 14.6,
    "label": "intro",
    "cluster": "A",
    "confidence": 0.7,
    "energy": 0.31,
    "valence": None,
    "arousal": None,
    "reason": "The first part, quieter than or unlike what follows.",
}
_EXAMPLE: dict[str, Any] = {
    "schema": 1,
    "duration_s": 181.2,
    "samples": 7990920,
    "sample_rate": 44100,
    "channels": 2,
    "tempo_bpm": 128.0,
    "tempo_confidence": 0.94,
    "meter": {"numerator": 4, "denominator": 4},
    "key": "A minor",
    "beats": [_BEAT],
    "downbeats": [0.35],
    "sections": [_SECTION],
    "mood": None,
    "genre": None,
    "loudness": {"integrated_lufs": -9.4, "range_lu": 5.2, "true_peak_dbtp": -0.3},
    "hooks": [],
    "alternatives": [],
    "engine": {"name": "vibecraft", "version": "1"},
    "sound": {"clipped_runs": 0, "clipped_share": 0.0, "silences": [[179.6, 181.2]], "dc": [0.0, 0.0]},
    "mood_over_time": [{"time_s": 2.5, "energy": 0.31, "valence": 0.55, "arousal": 0.48}],
    "tempo_curve": [{"time_s": 2.2, "bpm": 128.0, "confidence": 0.9}],
}
_CORRECTION_EXAMPLES: list[Any] = [
    {"corrections": [{"kind": "tempo_scale", "factor": "x2"}, {"kind": "downbeat_shift", "beats": 1}]},
    {"corrections": [{"kind": "tempo", "bpm": 128, "offset_s": 0.35}, {"kind": "meter", "numerator": 3}]},
    {"corrections": [{"kind": "beats", "times_s": [0.35, 0.82, 1.29], "extend": True}]},
    {
        "corrections": [
            {"kind": "section_move", "from_s": 61.0, "to_s": 62.4},
            {"kind": "section_add", "start_s": 90.0, "end_s": 105.0, "label": "bridge"},
            {"kind": "section_split", "at_s": 120.0, "label": "drop"},
            {"kind": "section_merge", "first_s": 10.0, "last_s": 30.0},
            {"kind": "section_delete", "at_s": 170.0},
            {"kind": "section_relabel", "at_s": 5.0, "label": "intro"},
        ]
    },
]


class AnalysisOut(BaseModel):
    """What was heard in a song; times are seconds, figures of sections lie in 0..1."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_EXAMPLE]})

    version: int = Field(alias="schema")
    duration_s: float
    samples: int
    sample_rate: int
    channels: int
    tempo_bpm: float | None
    tempo_confidence: float
    meter: Meter | None
    key: str | None
    beats: list[Beat]
    downbeats: list[float]
    sections: list[Section]
    mood: Mood | None
    genre: Genre | None
    loudness: Loudness | None
    hooks: list[Hook]
    alternatives: list[dict[str, Any]]
    engine: Engine
    sound: Sound | None
    mood_over_time: list[MoodPoint]
    tempo_curve: list[TempoPoint]

    @classmethod
    def of(cls, analysis: Analysis) -> AnalysisOut:
        """Show a record."""
        return cls.model_validate(analysis.to_json())


class CorrectionsIn(BaseModel):
    """What the owner sets right, in place of what was set before; an empty list takes all back.

    Kinds: tempo_scale, tempo, beats, meter, downbeat_shift, section_move, section_add, section_delete,
    section_merge, section_split, section_relabel, sections.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": _CORRECTION_EXAMPLES})

    version: Literal[1] = Field(default=1, alias="schema")
    corrections: list[dict[str, Any]]

    def records(self) -> Corrections:
        """Turn it into the trade's records."""
        return from_json({"corrections": self.corrections})


class CorrectionsOut(BaseModel):
    """What the owner set right, as it is kept; relative corrections say what they came to."""

    version: int = Field(alias="schema")
    revision: int
    corrections: list[dict[str, Any]]

    @classmethod
    def of(cls, corrections: Corrections, revision: int) -> CorrectionsOut:
        """Show records."""
        return cls.model_validate({**to_json(corrections), "revision": revision})


class WaveformOut(BaseModel):
    """Peaks as audiowaveform writes them, version 2: minimum and maximum of each channel in turn, in -128..127."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 2,
                    "channels": 2,
                    "sample_rate": 44100,
                    "samples_per_pixel": 1024,
                    "bits": 8,
                    "length": 1,
                    "data": [-65, 63, -66, 64],
                }
            ]
        }
    )

    version: Literal[2]
    channels: int
    sample_rate: int
    samples_per_pixel: int
    bits: Literal[8]
    length: int
    data: list[int]
