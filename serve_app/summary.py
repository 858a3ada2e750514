"""What a finished film is, for people and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from serve_app.film import Film
from serve_app.output import poster_path, timeline_path
from tasks.domain.document import SCHEMA, Document
from tasks.domain.timebase import rate_text
from tasks.media.verify import Report


def json_summary(made: Film, target: Path, report: Report | None, seconds: dict[str, float]) -> dict[str, Any]:
    """Give the object that ``render --json`` prints."""
    return {
        "schema": SCHEMA,
        "video_id": made.video_id,
        "output": str(target),
        "timeline": str(timeline_path(target)),
        "poster": str(poster_path(target)),
        "frames": made.timeline.frames,
        "fps": rate_text(made.timeline.frame_rate),
        "tempo_bpm": made.analysis.tempo_bpm,
        "sections": len(made.analysis.sections),
        "shots": len(made.timeline.shots),
        "cuts": len(made.timeline.cuts),
        "seconds": seconds,
        "flash_limit": made.flash_limit,
        "verify": None if report is None else report.to_json(),
    }


def print_summary(made: Film, target: Path, report: Report | None, seconds: dict[str, float], console: Console) -> None:
    """Print the summary as a small table."""
    timeline, analysis = made.timeline, made.analysis
    on_beats = sum(shot.beat_s is not None for shot in timeline.cuts)
    tempo = "no beat was heard" if analysis.tempo_bpm is None else f"{analysis.tempo_bpm:.1f} BPM"
    sections = ", ".join(section.label for section in analysis.sections)
    cuts = f"{on_beats} of {len(timeline.cuts)} cuts on beats"
    if timeline.cuts and not on_beats:
        cuts = f"{len(timeline.cuts)} cuts, evenly spaced because no beat was heard"
    table = Table.grid(padding=(0, 2))
    table.add_row("tempo", tempo)
    table.add_row("sections", sections)
    table.add_row("shots", f"{len(timeline.shots)} ({cuts})")
    table.add_row("frames", f"{timeline.frames} at {float(timeline.frame_rate):g} per second")
    if limited := _limited(made.flash_limit):
        table.add_row("flashes", limited)
    table.add_row("seconds", ", ".join(f"{kind} {spent:.1f}" for kind, spent in seconds.items()))
    if report is not None:
        table.add_row("verified", report.line())
    table.add_row("id", made.video_id)
    table.add_row("video", str(target))
    table.add_row("timeline", str(timeline_path(target)))
    table.add_row("poster", str(poster_path(target)))
    console.print(table, highlight=False)


def _limited(flash_limit: Document) -> str:
    """Say what was done about flashes; nothing where there was nothing to do."""
    if not flash_limit.get("is_on", True):
        return "not limited"
    kinds = [note["kind"] for note in flash_limit.get("softened", ())]
    held, cuts = kinds.count("footage"), kinds.count("cut")
    told = {
        "softened or left out": len(kinds) - held - cuts,
        "shots held still, since their clip flashes too often": held,
        "seconds with more cuts than is safe": cuts,
    }
    return ", ".join(f"{count} {what}" for what, count in told.items() if count)
