"""Hashes of what effects and transitions make of moving noise, to compare machines and threads by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from tasks.domain.effect import TIME_KINDS, Curve, Effect, EffectKind
from tasks.domain.transition import Transition, TransitionKind
from tasks.media.effects import apply_effects
from tasks.media.frames import I420
from tasks.media.transitions import apply_transition
from tests.support.planes import planes

_WIDTH, _HEIGHT, _FRAMES = 322, 182, 4


def drawn_fingerprint() -> str:
    """Hash every effect and every transition, over a few frames each."""
    whole = hashlib.sha256()
    for kind in sorted(set(EffectKind) - TIME_KINDS):
        chosen = Effect(kind=kind, start_frame=0, end_frame=_FRAMES + 1, amount=0.6, curve=Curve.FALL)
        _add(whole, apply_effects(moving(1), [chosen], 0))
    for name in sorted(TransitionKind):
        _add(whole, apply_transition(moving(2), moving(3), Transition(kind=name, frames=_FRAMES), 100))
    return whole.hexdigest()


def moving(seed: int) -> Iterator[I420]:
    """Give pictures of noise that moves to the upper left."""
    noise = np.random.default_rng(seed).integers(20, 230, (_HEIGHT + 8, _WIDTH + 16), np.uint8)
    soft = (noise[:-1] // 2 + noise[1:] // 2)[:, 1:]
    for step in range(_FRAMES):
        y = np.ascontiguousarray(soft[step : step + _HEIGHT, 2 * step : 2 * step + _WIDTH])
        yield I420(y, y[::2, ::2].copy(), y[1::2, 1::2].copy())


def _add(whole: hashlib._Hash, pictures: Iterator[I420]) -> None:
    for picture in pictures:
        for plane in planes(picture):
            whole.update(np.ascontiguousarray(plane).tobytes())
