"""How corrections are written: one document, in rows, over HTTP and in the files that people write."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tasks.domain.corrections.checks import expect_few, invalid, made
from tasks.domain.corrections.records import (
    BeatsAt,
    Correction,
    Corrections,
    DownbeatShift,
    FixedTempo,
    MeterIs,
    SectionAdd,
    SectionDelete,
    SectionMerge,
    SectionMove,
    SectionRelabel,
    SectionsAre,
    SectionSplit,
    TempoScale,
)
from tasks.domain.document import SCHEMA, Document
from tasks.domain.errors import InvalidInput

_RECORDS: dict[str, type[Correction]] = {
    record.kind: record
    for record in (
        TempoScale,
        FixedTempo,
        BeatsAt,
        MeterIs,
        DownbeatShift,
        SectionMove,
        SectionAdd,
        SectionDelete,
        SectionMerge,
        SectionSplit,
        SectionRelabel,
        SectionsAre,
    )
}


def to_json(corrections: Corrections) -> Document:
    """Write the versioned document."""
    return {"schema": SCHEMA, "corrections": [{"kind": one.kind, **asdict(one)} for one in corrections]}


def from_json(document: Any) -> Corrections:
    """Read what `to_json` wrote, or what a user wrote in its form.

    Raises
    ------
    InvalidInput
        If it is not of that form; the sentence names the correction and what is wrong with it.
    """
    if not isinstance(document, dict) or not isinstance(document.get("corrections"), list | tuple):
        raise invalid("a list named corrections is needed")
    if document.get("schema", SCHEMA) != SCHEMA:
        raise invalid(f"schema {SCHEMA} is understood, not {document['schema']!r}")
    expect_few(document["corrections"])
    return tuple(_read(number, given) for number, given in enumerate(document["corrections"], 1))


def _read(number: int, given: Any) -> Correction:
    kind = given.get("kind") if isinstance(given, dict) else None
    record = _RECORDS.get(kind) if isinstance(kind, str) else None
    if record is None:
        raise invalid(f"number {number} has no kind that is known; choose one of {', '.join(_RECORDS)}")
    try:
        read: Correction = made(record, {name: value for name, value in given.items() if name != "kind"})
    except InvalidInput as error:
        why = error.message.partition(": ")[2].removesuffix(".")
        raise invalid(f"number {number} ({kind}): {why}") from error
    return read
