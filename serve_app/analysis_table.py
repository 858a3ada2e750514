"""What was heard in a song, as a table for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from serve_app.hearing import Heard
from tasks.domain.analysis import Analysis, Loudness, Section, Sound

_BAR = 12
_AUDIBLE_CLIPPING = 1e-4
_AUDIBLE_DC = 0.01


def print_analysis(heard: Heard, console: Console) -> None:
    """Print tempo, meter and key, and one line a section."""
    analysis = heard.analysis
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(heard).items():
        facts.add_row(name, value)
    console.print(facts, highlight=False)
    sections = Table("", "start", "end", "section", "energy", "sure", box=None, padding=(0, 2, 0, 0))
    for number, section in enumerate(analysis.sections, 1):
        sections.add_row(
            str(number),
            clock(section.start_s),
            clock(section.end_s),
            section.label,
            _bar(section),
            f"{section.confidence:.0%}",
        )
    console.print()
    console.print(sections, highlight=False)


def clock(seconds: float) -> str:
    """Write a moment as m:ss.t."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def _facts(heard: Heard) -> dict[str, str]:
    analysis = heard.analysis
    facts = {"song": f"{heard.song.filename}, {clock(float(analysis.duration_s))}", "tempo": _tempo(analysis)}
    if analysis.meter is not None:
        facts["meter"] = f"{analysis.meter.numerator}/{analysis.meter.denominator}"
    facts["key"] = analysis.key or "not clear"
    facts["beats"] = f"{len(analysis.beats)}, {len(analysis.downbeats)} of them downbeats"
    if analysis.mood is not None:
        mood = analysis.mood
        figures = f"valence {mood.valence:.2f}, arousal {mood.arousal:.2f} (estimates)"
        facts["mood"] = ", ".join([*mood.tags, figures])
    if analysis.genre is not None:
        facts["genre"] = f"{analysis.genre.name} ({analysis.genre.confidence:.0%} sure)"
    if analysis.loudness is not None:
        facts["loudness"] = _loudness(analysis.loudness)
    if flaws := _flaws(analysis):
        facts["flaws"] = flaws
    if analysis.hooks:
        facts["hooks"] = ", ".join(f"{clock(hook.start_s)} to {clock(hook.end_s)}" for hook in analysis.hooks)
    if heard.corrections:
        facts["set by you"] = ", ".join(one.kind.replace("_", " ") for one in heard.corrections)
    return facts


def _tempo(analysis: Analysis) -> str:
    if analysis.tempo_bpm is None:
        return "no beat was heard"
    return f"{analysis.tempo_bpm:.2f} BPM ({analysis.tempo_confidence:.0%} sure)"


def _loudness(loudness: Loudness) -> str:
    figures = f"{loudness.integrated_lufs:.1f} LUFS, range {loudness.range_lu:.1f} LU"
    return f"{figures}, true peak {loudness.true_peak_dbtp:.1f} dBTP"


def _flaws(analysis: Analysis) -> str:
    """Name what is wrong with the sound, where it is enough to be heard."""
    sound = analysis.sound or Sound()
    found = []
    if sound.clipped_share >= _AUDIBLE_CLIPPING:
        found.append(f"clipped {sound.clipped_runs} times ({sound.clipped_share:.2%} of the samples)")
    if sound.silences:
        found.append(f"{sum(end_s - start_s for start_s, end_s in sound.silences):.1f} s of digital silence")
    if any(abs(offset) >= _AUDIBLE_DC for offset in sound.dc):
        found.append(f"a constant offset of {max(sound.dc, key=abs):+.3f}")
    return ", ".join(found)


def _bar(section: Section) -> str:
    full = round(min(1.0, max(0.0, section.energy)) * _BAR)
    return f"{'█' * full}{'░' * (_BAR - full)} {section.energy:.2f}"
