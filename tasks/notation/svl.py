"""A layer of Sonic Visualiser, ``.svl``: time instants are beats, regions are sections.

Times are frames of the model's sample rate. Written are beats, one a sample.
"""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tasks.domain.analysis import Analysis
from tasks.notation.marks import Marks, Source, marks, spans_from_starts

_HINT = "export the layer anew (File, Export Annotation Layer)"


def read(data: bytes, source: Source) -> Marks:
    """Read the first layer with points."""
    try:
        root = fromstring(data, forbid_entities=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise source.not_format("layer of Sonic Visualiser", _HINT) from error
    if root.tag != "sv":
        raise source.not_format("layer of Sonic Visualiser", _HINT)
    for model in root.iterfind("data/model"):
        points = root.findall(f"data/dataset[@id='{_plain(model.get('dataset'))}']/point")
        if points:
            return _marks(model, points, source)
    raise source.empty()


def write(analysis: Analysis) -> bytes:
    """Write beats as a layer of time instants, with their places in the bar as labels."""
    rate = analysis.sample_rate
    root = Element("sv")
    data = SubElement(root, "data")
    model = {"id": "1", "name": "beats", "sampleRate": str(rate), "start": "0", "end": str(analysis.samples)}
    kind = {"type": "sparse", "dimensions": "1", "resolution": "1", "notifyOnAdd": "true", "dataset": "0"}
    SubElement(data, "model", model | kind)
    dataset = SubElement(data, "dataset", {"id": "0", "dimensions": "1"})
    for beat in analysis.beats:
        frame = str(round(beat.time_s * rate))
        SubElement(dataset, "point", {"frame": frame, "label": str(beat.position or "")})
    display = SubElement(root, "display")
    SubElement(display, "layer", {"id": "2", "type": "timeinstants", "name": "beats", "model": "1"})
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE sonic-visualiser>\n'
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=False)
    return head + body + b"\n"


def _marks(model: Element, points: list[Element], source: Source) -> Marks:
    rate = _number(model.get("sampleRate"))
    if not rate > 0:
        raise source.not_format("layer of Sonic Visualiser", "its sample rate is missing; " + _HINT)
    found = [
        (_number(point.get("frame")) / rate, _number(point.get("duration", "0")) / rate, point.get("label", ""))
        for point in points
    ]
    if any(length > 0 for _, length, _ in found):
        return marks(source, [], [(start, start + length, label) for start, length, label in found])
    if all(_is_beat(label) for _, _, label in found):
        return marks(source, [(start, label) for start, _, label in found], [])
    return marks(source, [], spans_from_starts([(start, label) for start, _, label in found], source.duration_s))


def _is_beat(label: str) -> bool:
    return not label.strip() or not any(character.isalpha() for character in label) or label.lower() == "new point"


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _plain(name: str | None) -> str:
    return "".join(character for character in name or "" if character.isalnum())
