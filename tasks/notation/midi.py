"""A tempo map as a MIDI file: its beats are the grid, its markers begin sections.

Method
------
Written is one tempo a beat, each the difference of rounded microseconds from the song's start, so that no error adds
up. What lies before the first beat is filled by beats that complete its bar. Cues say between which beats the grid was
heard; a file without them, as other programs write it, gives beats through the whole song.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import mido

from tasks.domain.analysis import Analysis, Beat
from tasks.domain.corrections.checks import MOST_TIMES
from tasks.domain.errors import InvalidInput
from tasks.notation.marks import SLACK_S, Marks, Source, marks, spans_from_starts

LARGEST_BYTES = 1 << 20

_TICKS = 9600  # markers lie on ticks, so these are fine
_USUAL_TEMPO = 500_000
_LONGEST_TEMPO = (1 << 24) - 1
_MILLION = 1_000_000
_FIRST, _LAST = "first beat", "last beat"
_WHAT = "MIDI file with a tempo map"


@dataclass(frozen=True, slots=True)
class _Clock:
    """When each tick is: tempo changes as (tick, seconds, seconds a tick)."""

    changes: list[tuple[int, float, float]]

    def seconds(self, tick: float) -> float:
        at, second, pace = self.changes[bisect_right(self.changes, tick, key=lambda change: change[0]) - 1]
        return second + (tick - at) * pace

    def tick(self, seconds: float) -> float:
        at, second, pace = self.changes[bisect_right(self.changes, seconds, key=lambda change: change[1]) - 1]
        return at + (seconds - second) / pace


def read(data: bytes, source: Source) -> Marks:
    """Read tempo, time signatures and markers of all tracks."""
    if len(data) > LARGEST_BYTES:
        raise InvalidInput(f"{source.name} is no tempo map: it is larger than 1 MiB.", code="import_too_large")
    file = _opened(data, source)
    events = []
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.is_meta:
                events.append((tick, message))
    events.sort(key=lambda event: event[0])
    clock = _clock(events, file.ticks_per_beat)
    starts = [(clock.seconds(tick), message.text) for tick, message in events if message.type == "marker"]
    has_tempo = any(message.type == "set_tempo" for _, message in events)
    beats = _beats(events, clock, file.ticks_per_beat, source) if has_tempo else []
    return marks(source, beats, spans_from_starts(starts, source.duration_s))


def write(analysis: Analysis) -> bytes:
    """Write the tempo map of the beats, with sections as markers.

    Raises
    ------
    InvalidInput
        If two beats are farther apart than MIDI can say.
    """
    beats, meter = analysis.beats, analysis.meter
    denominator = meter.denominator if meter is not None else 4
    bar = meter.numerator if meter is not None and beats[0].position is not None else None
    lead = _lead(beats[0], bar, denominator)
    times = [Fraction(beats[0].time_s) * place / lead for place in range(lead)]
    times += [Fraction(beat.time_s) for beat in beats]
    tempos = _tempos(times, denominator)
    beat_ticks = _TICKS * 4 // denominator
    events = [(place * beat_ticks, mido.MetaMessage("set_tempo", tempo=tempo)) for place, tempo in enumerate(tempos)]
    clock = _clock(events, _TICKS)
    if bar is not None:
        signature = mido.MetaMessage("time_signature", numerator=bar, denominator=denominator)
        events.append((0, signature))
    last = len(times) - 1
    events += [
        (place * beat_ticks, mido.MetaMessage("cue_marker", text=text))
        for place, text in ((lead, _FIRST), (last, _LAST))
    ]
    events += [
        (max(0, round(clock.tick(one.start_s))), mido.MetaMessage("marker", text=one.label))
        for one in analysis.sections
    ]
    return _saved(sorted(events, key=lambda event: event[0]))


def _opened(data: bytes, source: Source) -> mido.MidiFile:
    for charset in ("utf-8", "latin1"):
        try:
            file = mido.MidiFile(file=io.BytesIO(data), charset=charset, clip=True)
        except UnicodeDecodeError:
            continue
        except Exception as error:  # a broken file makes the parser raise nearly anything
            raise source.not_format(_WHAT, "export the tempo track as a Standard MIDI File") from error
        if file.type not in {0, 1} or file.ticks_per_beat <= 0:
            break
        return file
    raise source.not_format(_WHAT, "its time is not counted in beats; export it as type 0 or 1 with ticks a quarter")


def _clock(events: list[tuple[int, mido.MetaMessage]], ticks_per_beat: int) -> _Clock:
    changes = [(0, 0.0, _USUAL_TEMPO / _MILLION / ticks_per_beat)]
    elapsed, pace = Fraction(0), Fraction(_USUAL_TEMPO, _MILLION * ticks_per_beat)
    for tick, message in events:
        if message.type == "set_tempo":
            elapsed += (tick - changes[-1][0]) * pace
            pace = Fraction(max(1, message.tempo), _MILLION * ticks_per_beat)
            changes.append((tick, float(elapsed), float(pace)))
    return _Clock(changes)


def _beats(
    events: list[tuple[int, mido.MetaMessage]], clock: _Clock, ticks_per_beat: int, source: Source
) -> list[tuple[float, str]]:
    cues = {message.text: tick for tick, message in events if message.type == "cue_marker"}
    first, last = cues.get(_FIRST, 0), cues.get(_LAST)
    signatures = [(tick, message) for tick, message in events if message.type == "time_signature"]
    beats: list[tuple[float, str]] = []
    tick, place, bar, step = Fraction(0), 0, 0, Fraction(ticks_per_beat)
    while (last is None and clock.seconds(float(tick)) < source.duration_s) or (last is not None and tick <= last):
        while signatures and signatures[0][0] <= tick:
            message = signatures.pop(0)[1]
            place, bar, step = 0, message.numerator, Fraction(4 * ticks_per_beat, message.denominator)
        time = clock.seconds(float(tick))
        if tick >= first:
            beats.append((time, str(place % bar + 1) if bar else ""))
        if len(beats) > MOST_TIMES or time > source.duration_s + SLACK_S:
            break
        tick, place = tick + step, place + 1
    return beats


def _lead(first: Beat, bar: int | None, denominator: int) -> int:
    """Give how many beats go before the first one: those that are missing in its bar, or those that time asks for."""
    if first.time_s == 0 and first.position in {None, 1}:
        return 0
    least = int(first.time_s * _MILLION * denominator / 4 // _LONGEST_TEMPO) + 1
    missing = 0 if bar is None or first.position is None else (first.position - 1) % bar
    step = bar or 1
    return missing + step * max(0, -(-(least - missing) // step))


def _tempos(times: list[Fraction], denominator: int) -> list[int]:
    counted = [round(time * _MILLION * denominator / 4) for time in times]
    tempos = [max(1, after - before) for before, after in pairwise(counted)]
    if max(tempos, default=1) > _LONGEST_TEMPO:
        raise InvalidInput(
            "Two beats are farther apart than a MIDI tempo map can hold; export .jams or .csv.",
            code="export_impossible",
        )
    return [*tempos, tempos[-1]] if tempos else [_USUAL_TEMPO]


def _saved(events: list[tuple[int, mido.MetaMessage]]) -> bytes:
    track = mido.MidiTrack()
    before = 0
    for tick, message in events:
        track.append(message.copy(time=tick - before))
        before = tick
    track.append(mido.MetaMessage("end_of_track"))
    file = mido.MidiFile(type=0, ticks_per_beat=_TICKS, charset="utf-8", tracks=[track])
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()
