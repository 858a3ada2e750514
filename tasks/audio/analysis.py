"""Hear a song: one pass over the file, then tempo, beats, bars and sections.

The result is a function of the file's bytes alone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tasks.audio.beat import find_rhythm
from tasks.audio.course import mood_over_time
from tasks.audio.decode import Decoder, Ear, pcm_writer
from tasks.audio.downbeat import Bars
from tasks.audio.features import Array, Spectra, curves, describe, joined, rises, stretches
from tasks.audio.genre import hint
from tasks.audio.grid import Grid
from tasks.audio.hooks import find_hooks
from tasks.audio.key import find_key
from tasks.audio.memory import give_back
from tasks.audio.mood import Pace, song_mood
from tasks.audio.structure import find_sections
from tasks.domain.analysis import Analysis, Beat, Engine, Section
from tasks.domain.document import ENGINE_VERSION
from tasks.domain.features import Features
from tasks.media.ffmpeg import locate
from tasks.media.probe import sound_header

FAN_OUT_FROM_S = 900
"""Length of a song, in seconds, from which it is heard by several processes; `benchmarks.side_by_side` measures it."""

_DECODING = 0.8  # share of the work


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was heard in a song, and the curves that move its pictures."""

    analysis: Analysis
    features: Features


def listen(
    path: Path,
    *,
    ffmpeg: str,
    pcm_to: Path | None = None,
    max_s: int = 900,
    name: str | None = None,
    block_s: int = 1,
    on_progress: Callable[[float], None] = lambda _: None,
    map: Callable[..., Iterable[Any]] = map,  # noqa: A002 - the caller's way of mapping stands for the built-in one
) -> Heard:
    """Decode a song once and hear all there is.

    Parameters
    ----------
    path : Path
        The song, in any container that is opened at all.
    ffmpeg : str
        Path of a capable ffmpeg, see `tasks.media.ffmpeg.locate`.
    pcm_to : Path, optional
        Where to keep the decoded song, as FLAC (16 bit, its own rate, one or two channels). Not there after an error.
    max_s : int
        Longest song that is accepted, in seconds.
    name : str, optional
        What sentences about the song call it; without it the file's name.
    block_s : int
        Seconds that are decoded at a time; what is heard does not depend on it.
    on_progress : callable
        Told how much is done, in 0..1.
    map : callable
        Like the built-in; describes stretches and sections and follows the beat in each range of tempo, wherever the
        caller lets that be done. What is heard does not depend on it. It should take its items as they come: they are
        decoded meanwhile.

    Raises
    ------
    InvalidInput
        If the file is no song or breaks a rule; each case has its own code.
    """
    decoder = Decoder(path, sound_header(path, name), ffmpeg=ffmpeg, max_s=max_s, name=name, block_s=block_s)
    spectra = hear(decoder, pcm_to, lambda share: on_progress(_DECODING * share), map)
    try:
        heard = _understand(decoder, spectra, map)
    except BaseException:
        if pcm_to is not None:
            pcm_to.unlink(missing_ok=True)
        raise
    on_progress(1.0)
    return heard


def analyze(
    path: Path | str | os.PathLike[str],
    *,
    ffmpeg: str | None = None,
    map: Callable[..., Iterable[Any]] = map,  # noqa: A002
) -> Analysis:
    """Hear a song and give what is known of it; see `listen`.

    Parameters
    ----------
    ffmpeg : str, optional
        Path of ffmpeg; without it a capable one is looked for.
    """
    return listen(Path(path), ffmpeg=ffmpeg or locate(), map=map).analysis


def hear(
    decoder: Decoder,
    pcm_to: Path | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
    each: Callable[..., Iterable[Any]] = map,
) -> Spectra:
    """Decode a song and describe its frames, see `listen`."""
    with pcm_writer(pcm_to, decoder) as keep, contextlib.closing(decoder.blocks()) as blocks:

        def heard() -> Iterator[Array]:
            ear = Ear(decoder.sample_rate)
            for block in blocks:
                keep(block)
                yield ear.hear(block)
                on_progress(decoder.share)
            yield ear.hear(np.zeros((0, decoder.channels), np.float32), last=True)

        return joined(each(describe, stretches(heard())))


def _understand(decoder: Decoder, spectra: Spectra, each: Callable[..., Iterable[Any]]) -> Heard:
    give_back()
    risen = rises(spectra)
    duration_s = decoder.samples / decoder.sample_rate
    rhythm = find_rhythm(spectra, risen, each)
    best = rhythm.readings[0] if rhythm else None
    grid, bars = (None, None) if best is None else (best.grid, best.bars if best.bars.is_clear else None)
    pace = Pace.of(grid)
    meter = None if rhythm is None or bars is None else rhythm.meter(0)
    tempo_confidence = 0.0 if rhythm is None else round(rhythm.tempo_chance(0), 3)
    alternatives = () if rhythm is None else rhythm.alternatives()
    genre = None if rhythm is None or bars is None else hint(rhythm.cues, rhythm.readings[0], pace)
    del rhythm, best  # the cues of an hour are large, and so are the tables of its sections
    give_back()
    sections = _with_free_time(find_sections(spectra, risen, grid, bars, duration_s, each=each), grid)
    downbeats = () if grid is None or bars is None else tuple(grid.times[bars.positions == 1].tolist())
    analysis = Analysis(
        samples=decoder.samples,
        sample_rate=decoder.sample_rate,
        channels=decoder.channels,
        tempo_bpm=None if grid is None else round(grid.tempo_bpm, 3),
        tempo_confidence=tempo_confidence,
        meter=meter,
        key=find_key(spectra),
        beats=() if grid is None else _beats(grid, bars),
        downbeats=downbeats,
        sections=sections,
        mood=song_mood(spectra, risen, pace, duration_s),
        genre=genre,
        loudness=decoder.loudness,
        hooks=find_hooks(sections, downbeats),
        alternatives=alternatives,
        engine=Engine(name="vibecraft", version=ENGINE_VERSION),
        sound=decoder.sound,
        mood_over_time=mood_over_time(spectra, risen, pace, duration_s),
    )
    return Heard(analysis=analysis, features=curves(spectra, risen))


def _beats(grid: Grid, bars: Bars | None) -> tuple[Beat, ...]:
    positions = [None] * len(grid.times) if bars is None else bars.positions.tolist()
    return tuple(
        Beat(time_s=float(time), position=position, confidence=round(float(support), 3))
        for time, position, support in zip(grid.times, positions, grid.support, strict=True)
    )


def _with_free_time(sections: tuple[Section, ...], grid: Grid | None) -> tuple[Section, ...]:
    """Say of sections that have no beat, in a song that has one, that they go in free time."""
    if grid is None:
        return sections

    def has_beat(section: Section) -> bool:
        beats = ((grid.times >= section.start_s) & (grid.times < section.end_s)).sum()
        return bool(beats * grid.interval_s > (section.end_s - section.start_s) / 2)

    return tuple(
        section if has_beat(section) else replace(section, reason=f"{section.reason} It has no steady beat.")
        for section in sections
    )
