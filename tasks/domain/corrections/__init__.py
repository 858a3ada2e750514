"""The user is right: corrections are laid over what was heard and never move again."""

from __future__ import annotations

from dataclasses import fields, replace

from tasks.domain.analysis import Analysis
from tasks.domain.corrections.checks import FASTEST_BPM, SLOWEST_BPM, expect_few, invalid
from tasks.domain.corrections.form import from_json, to_json
from tasks.domain.corrections.grid import corrected_grid, reached
from tasks.domain.corrections.records import (
    BeatsAt,
    Correction,
    Corrections,
    DownbeatShift,
    FixedTempo,
    GridCorrection,
    MeterIs,
    Scale,
    SectionAdd,
    SectionDelete,
    SectionMerge,
    SectionMove,
    SectionRelabel,
    SectionsAre,
    SectionSplit,
    Span,
    TempoScale,
)
from tasks.domain.corrections.sections import corrected_sections

__all__ = [
    "BeatsAt",
    "Correction",
    "Corrections",
    "DownbeatShift",
    "FixedTempo",
    "MeterIs",
    "Scale",
    "SectionAdd",
    "SectionDelete",
    "SectionMerge",
    "SectionMove",
    "SectionRelabel",
    "SectionSplit",
    "SectionsAre",
    "Span",
    "TempoScale",
    "adding",
    "apply",
    "from_json",
    "settle",
    "to_json",
]

_SLACK_S = 1.0
"""How far beyond the song another program's last mark may lie; it may count a padded end."""


def apply(analysis: Analysis, corrections: Corrections) -> Analysis:
    """Lay the corrections over what was heard, in their order; later ones win.

    What the user set stands exactly: beats, tempo, meter, boundaries and labels. Nothing else changes. It never
    fails, also on an analysis that has none of what a correction was made for.
    """
    with_grid = corrected_grid(analysis, [one for one in corrections if isinstance(one, GridCorrection)])
    return corrected_sections(with_grid, [one for one in corrections if not isinstance(one, GridCorrection)])


def adding(corrections: Corrections, more: Corrections) -> Corrections:
    """Add corrections; a whole grid or set of sections takes the place of the one before it."""
    whole = {type(one) for one in more} & {BeatsAt, SectionsAre}
    return (*(one for one in corrections if type(one) not in whole), *more)


def settle(analysis: Analysis, corrections: Corrections) -> Corrections:
    """Write into relative corrections what they come to on this analysis, so that another one will not move them.

    Raises
    ------
    InvalidInput
        If there are too many, one lies beyond the song or one leads to a tempo that no music has.
    """
    expect_few(corrections)
    settled: list[Correction] = []
    for number, correction in enumerate(corrections, 1):
        _expect_inside(analysis, number, correction)
        if isinstance(correction, TempoScale) and correction.bpm is None:
            tempo_bpm = corrected_grid(analysis, _grid(settled)).tempo_bpm
            if tempo_bpm is not None:
                bpm = tempo_bpm * reached(tempo_bpm, correction)
                if not SLOWEST_BPM <= bpm <= FASTEST_BPM:
                    raise invalid(f"number {number} makes {bpm:.0f} beats a minute of {tempo_bpm:.0f}")
                settled.append(replace(correction, bpm=bpm))
                continue
        if isinstance(correction, DownbeatShift) and correction.at_s is None:
            downbeats = corrected_grid(analysis, [*_grid(settled), correction]).downbeats
            if downbeats:
                settled.append(replace(correction, at_s=downbeats[len(downbeats) // 2]))
                continue
        settled.append(correction)
    return tuple(settled)


def _grid(corrections: list[Correction]) -> list[GridCorrection]:
    return [one for one in corrections if isinstance(one, GridCorrection)]


def _expect_inside(analysis: Analysis, number: int, correction: Correction) -> None:
    latest = max(_times(correction), default=0.0)
    if latest > float(analysis.duration_s) + _SLACK_S:
        duration_s = float(analysis.duration_s)
        raise invalid(
            f"number {number} ({correction.kind}) is at {latest:.2f} s, but the song ends at {duration_s:.2f} s"
        )


def _times(correction: Correction) -> list[float]:
    match correction:
        case BeatsAt():
            return [correction.times_s[-1]]
        case SectionsAre():
            return [span.end_s for span in correction.sections]
    names = [field.name for field in fields(correction) if field.name.endswith("_s")]
    return [time for name in names if (time := getattr(correction, name)) is not None]
