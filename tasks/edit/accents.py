"""Effects that strike on beats and decay to the next one: pulse, flash, shake and RGB split."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.transition import TransitionKind
from tasks.edit.flash_limit import LONGEST_RUSH
from tasks.edit.passages import FilmBeat
from tasks.edit.rhythm import is_drop
from tasks.edit.score import Scene, Turn
from tasks.edit.stage import Stage

_FLASH, _FULL_FLASH = 0.3, 0.5
_PULSE, _DOWNBEAT_PULSE = 0.3, 0.45
_SHAKE, _FULL_SHAKE = 0.45, 0.6
_SPLIT, _FULL_SPLIT = 0.4, 0.6
_FAST_S = 60 / 170
_QUICK_S = 0.75
_BIG_RISE = 0.25
_PHRASE_BARS = 4


def pulses(stage: Stage) -> Iterator[Effect]:
    """Beat with loud sections: on every beat of a drop, on every other of a chorus; if asked for, on every beat.

    Above 170 beats a minute every second beat is left out; bars of odd length have only their first beat then.
    """
    for scene in stage.loud():
        is_dense = scene.passage.beat_s() >= _FAST_S and (stage.is_full or is_drop(scene.passage))
        step = 1 if is_dense else 2 if scene.passage.bar_beats % 2 == 0 else scene.passage.bar_beats
        place = 0
        for beat in _beats(stage, scene):
            place = 0 if beat.is_downbeat else place + 1
            if place % step == 0:
                amount = _DOWNBEAT_PULSE if place == 0 else _PULSE
                yield from stage.hit(EffectKind.PULSE, beat.frame, amount)


def flashes(stage: Stage) -> Iterator[Effect]:
    """Mark turns into loud sections that no flash marks yet; if asked for, begins and phrases of loud sections."""
    frames = {turn.shot.frames.start for turn in _loud_turns(stage)}
    if stage.is_full:
        for scene in stage.loud():
            bars = [bar[0].frame for bar in scene.passage.bars()[::_PHRASE_BARS]]
            inside = range(scene.frames.start, scene.frames.end)
            frames |= {scene.frames.start, *(frame for frame in bars if frame in inside)}
    marked = {
        shot.frames.start
        for shot, transition in zip(stage.score.timeline.shots, stage.transitions, strict=True)
        if transition is not None and transition.kind is TransitionKind.FLASH
    }
    for frame in sorted(frames - marked):
        yield from stage.hit(EffectKind.FLASH, frame, _FULL_FLASH if stage.is_full else _FLASH)


def shakes(stage: Stage) -> Iterator[Effect]:
    """Shake drops: their first beat and then every fourth bar; if asked for, every bar of all loud sections.

    A song without a drop shakes where its energy rises most into a loud section, if it rises much.
    """
    if stage.is_full:
        for scene in stage.loud():
            for frame in sorted({scene.frames.start, *(b.frame for b in _beats(stage, scene) if b.is_downbeat)}):
                yield from _shake(stage, frame, _FULL_SHAKE)
        return
    turns = _loud_turns(stage)
    drops = [turn for turn in turns if is_drop(turn.after.passage)]
    if not drops and turns:
        biggest = max(turns, key=lambda turn: turn.rise)
        if biggest.rise >= _BIG_RISE:
            yield from _shake(stage, biggest.shot.frames.start, _SHAKE)
    for turn in drops:
        downbeats = [beat.frame for beat in _beats(stage, turn.after) if beat.is_downbeat]
        for frame in sorted({turn.shot.frames.start, *downbeats[::_PHRASE_BARS]}):
            yield from _shake(stage, frame, _SHAKE)


def _shake(stage: Stage, frame: int, amount: float) -> Iterator[Effect]:
    """Shake for a moment: to and fro with every frame, so that it would flicker if it went on."""
    end = min(stage.score.next_beat(frame), frame + LONGEST_RUSH)
    yield from stage.effect(EffectKind.SHAKE, frame, end, amount, Curve.DECAY)


def splits(stage: Stage) -> Iterator[Effect]:
    """Part the colours on accents of loud sections: quick cuts off the bar's first beat; if asked for, on all cuts."""
    for scene in stage.loud():
        for shot in scene.shots:
            frame = shot.frames.start
            is_accent = len(shot.frames) < stage.score.frames_of(_QUICK_S) and not stage.score.is_downbeat(frame)
            if stage.is_full or is_accent or (is_drop(scene.passage) and shot is scene.shots[0]):
                yield from stage.hit(EffectKind.RGB_SPLIT, frame, _FULL_SPLIT if stage.is_full else _SPLIT, shot)


def _loud_turns(stage: Stage) -> list[Turn]:
    loud = stage.loud()
    return [turn for turn in stage.score.turns if turn.after in loud and (stage.is_full or turn.before not in loud)]


def _beats(stage: Stage, scene: Scene) -> tuple[FilmBeat, ...]:
    """Give a scene's beats; where none was heard, its cuts stand for them."""
    rate = stage.score.frame_rate
    return stage.score.beats_in(scene.frames) or tuple(
        FilmBeat(shot.frames.start, float(shot.frames.start / rate), is_downbeat=True) for shot in scene.shots
    )
