"""JAMS, the JSON of music research: beats and sections, with the tempo.

References
----------
Humphrey et al., "JAMS: a JSON annotated music specification for reproducible MIR research", ISMIR 2014.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from tasks.domain.analysis import Analysis
from tasks.domain.document import Document
from tasks.notation.marks import Marks, Source, marks
from tasks.notation.text import decoded

_BEATS = ("beat", "beat_position")
_SECTIONS = ("segment_open", "segment_salami_function", "segment_tut", "segment_salami_upper", "multi_segment")
_VERSION = "0.3.4"
_HINT = "it has a list named annotations with observations (time, duration, value)"

Observation = tuple[float, float, Any]


def read(data: bytes, source: Source) -> Marks:
    """Read the first annotation of beats and the first of sections."""
    try:
        document = json.loads(decoded(data, source))
        annotations = [(str(one["namespace"]), one["data"]) for one in document["annotations"]]
        beats = [(time, _position(value)) for time, _, value in _first(annotations, _BEATS)]
        spans = [(time, time + length, _label(value)) for time, length, value in _first(annotations, _SECTIONS)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise source.not_format("JAMS file", _HINT) from error
    return marks(source, beats, spans)


def write(analysis: Analysis) -> bytes:
    """Write beats, sections and the tempo."""
    duration_s = float(analysis.duration_s)
    beats = [_observation(beat.time_s, 0.0, beat.position, beat.confidence) for beat in analysis.beats]
    sections = [
        _observation(one.start_s, one.end_s - one.start_s, one.label, one.confidence) for one in analysis.sections
    ]
    tempo = analysis.tempo_bpm
    tempos = [] if tempo is None else [_observation(0.0, duration_s, tempo, analysis.tempo_confidence)]
    engine = f"{analysis.engine.name} {analysis.engine.version}"
    namespaces = {"beat": beats, "segment_open": sections, "tempo": tempos}
    document = {
        "file_metadata": {
            "title": "",
            "artist": "",
            "release": "",
            "duration": duration_s,
            "identifiers": {},
            "jams_version": _VERSION,
        },
        "annotations": [
            _annotation(namespace, found, duration_s, engine) for namespace, found in namespaces.items() if found
        ],
        "sandbox": {},
    }
    return json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"


def _first(annotations: list[tuple[str, Any]], namespaces: tuple[str, ...]) -> list[Observation]:
    """Give the observations of the first annotation of the first namespace that there is."""
    for wanted in namespaces:
        for namespace, data in annotations:
            if namespace == wanted and data:
                return list(_observations(data))
    return []


def _observations(data: Any) -> Iterator[Observation]:
    if isinstance(data, dict):  # older files hold one list a column
        for time, length, value in zip(data["time"], data["duration"], data["value"], strict=True):
            yield float(time), float(length), value
        return
    for one in data:
        yield float(one["time"]), float(one["duration"]), one["value"]


def _position(value: Any) -> str:
    place = value.get("position") if isinstance(value, dict) else value
    if isinstance(place, float) and math.isfinite(place):
        place = int(place)
    return "" if place is None else str(place)


def _label(value: Any) -> str:
    return str(value.get("label", "")) if isinstance(value, dict) else str(value)


def _observation(time: float, length: float, value: Any, confidence: float) -> Document:
    return {"time": time, "duration": length, "value": value, "confidence": confidence}


def _annotation(namespace: str, found: list[Document], duration_s: float, engine: str) -> Document:
    return {
        "namespace": namespace,
        "data": found,
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "version": "",
            "corpus": "",
            "annotation_tools": engine,
            "annotation_rules": "",
            "validation": "",
            "data_source": "program",
        },
        "sandbox": {},
        "time": 0,
        "duration": duration_s,
    }
