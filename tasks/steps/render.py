"""Draw one shot and encode it once, as a segment; for several formats of a film side by side.

Method
------
Formats of a film share their cuts. Those whose pictures are the same are drawn once and given to an encoder each;
the others draw their pictures in turn, frame by frame, from one decoding of the shot's footage.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from tasks.domain.analysis import Analysis
from tasks.domain.document import Document, content_hash
from tasks.domain.effect import TIME_KINDS
from tasks.domain.features import Features
from tasks.domain.segment import SegmentPlan, SegmentSpec, Source, SourceKind
from tasks.domain.style import StyleShot
from tasks.domain.timebase import rate_text
from tasks.kernels import compile_alone
from tasks.media import effects, transitions
from tasks.media.captions import draw_captions
from tasks.media.clip.sharing import SharedFrames
from tasks.media.effects import apply_effects
from tasks.media.encode import SegmentEncoder
from tasks.media.frames import I420, FrameSource
from tasks.media.retime import retimed
from tasks.media.transitions import apply_transition
from tasks.procedural.engine import open_style, warm
from tasks.steps.context import Buffer, Done, Fail, Outcome, StepContext
from tasks.steps.footage import open_clip

_RECORDS_HELD = 4
_records: dict[str, Any] = {}

Record = TypeVar("Record", Features, Analysis)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A segment to encode, its key, and where it is written."""

    spec: SegmentSpec
    plan: SegmentPlan
    key: str
    path: Path


def run(given: Document, ctx: StepContext) -> Outcome:
    """Encode the segment ``given["segment"]`` of the form ``given["spec"]`` unless it is there already.

    ``given["also"]`` names the same shot of further formats, each with its own form and segment.
    """
    all_wanted = [_wanted(each, ctx, place) for place, each in enumerate((given, *given.get("also", ())))]
    missing = [each for each in all_wanted if not ctx.is_stored(each.key, "segment")]
    expected = len(all_wanted[0].plan.frames)
    drawn = _encoded(missing, ctx, expected) if missing else expected
    if drawn != expected:
        shot = all_wanted[0].plan.index + 1
        return Fail(f"shot {shot} has {drawn} frames instead of {expected}", code="frames_missing")
    for each in missing:
        ctx.publish(each.path, each.key, "segment")
    return Done(all_wanted[0].key)


def _wanted(given: Document, ctx: StepContext, place: int) -> _Wanted:
    spec, plan = SegmentSpec.from_json(given["spec"]), SegmentPlan.from_json(given["segment"])
    return _Wanted(spec, plan, plan.content_key(spec), ctx.scratch / f"segment-{place}.mp4")


def _encoded(missing: Sequence[_Wanted], ctx: StepContext, expected: int) -> int:
    """Encode the segments, all frame by frame, and give how many frames every one of them has."""
    alike: dict[str, list[_Wanted]] = {}
    for each in missing:
        alike.setdefault(each.plan.pictures_key(each.spec), []).append(each)
    films = [group[0] for group in alike.values()]
    opener = _Opener(ctx, films)
    with contextlib.ExitStack() as opened:
        encoders = [
            [opened.enter_context(SegmentEncoder(each.spec, each.path)) for each in group] for group in alike.values()
        ]
        drawn = [composed(film.plan, partial(opener.open, film)) for film in films]
        for done, pictures in enumerate(zip(*drawn, strict=False), 1):
            for picture, given_to in zip(pictures, encoders, strict=True):
                for encoder in given_to:
                    encoder.give(picture)
            ctx.progress(done / expected)
    return encoders[0][0].count


class _Opener:
    """Opens what gives the pictures of a shot, for films that are drawn side by side."""

    def __init__(self, ctx: StepContext, films: Sequence[_Wanted]) -> None:
        self._ctx = ctx
        self._fetch = cache(ctx.fetch)
        clips = Counter(
            _asked(film, source)
            for film in films
            for source in (film.plan.source, film.plan.outgoing)
            if source is not None and source.kind is SourceKind.CLIP
        )
        self._frames = {asked: SharedFrames(readers) for asked, readers in clips.items()}

    def open(self, film: _Wanted, source: Source) -> FrameSource:
        """Open the film's ``source``; films that ask for the same of a clip share its decoding."""
        if source.kind is SourceKind.CLIP:
            read = self._frames[_asked(film, source)].reader()
            return open_clip(source.settings, film.spec, self._ctx, fetch=self._fetch, read=read)
        return _open_style(source, film.spec, self._ctx)


def _asked(film: _Wanted, source: Source) -> str:
    """Name all that decides which pictures of a clip are asked for, and when."""
    role = "outgoing" if source is film.plan.outgoing else "incoming"
    timing = [effect.to_json() for effect in film.plan.effects if effect.kind in TIME_KINDS]
    clock = {"rate": rate_text(film.spec.frame_rate), "first": film.plan.frames.start, "effects": timing}
    return content_hash({"role": role, "source": source.to_json(), **clock})


def composed(plan: SegmentPlan, open_one: Callable[[Source], FrameSource]) -> Iterator[I420]:
    """Give the segment's pictures as they are encoded: its source's, the transition into them, effects, then words."""
    first = plan.frames.start
    pictures = retimed(open_one(plan.source), plan.source.frames, plan.effects, first)
    if plan.transition is not None and plan.outgoing is not None:
        compile_alone("transitions", transitions.warm)
        shown = plan.outgoing.frames
        handle = open_one(plan.outgoing).frames(shown.start, shown.end)
        pictures = apply_transition(pictures, handle, plan.transition, first)
    if plan.effects:
        compile_alone("effects", effects.warm)
    pictures = apply_effects(pictures, plan.effects, first)
    return draw_captions(pictures, plan.captions, first)


def _open_style(source: Source, spec: SegmentSpec, ctx: StepContext) -> FrameSource:
    shot = StyleShot.from_json(source.settings)
    compile_alone(f"style-{shot.style}", partial(warm, shot.style))
    return open_style(
        shot,
        _remembered(source.settings["features_key"], ctx, Features.from_bytes),
        _remembered(source.settings["analysis_key"], ctx, lambda data: Analysis.from_json(json.loads(bytes(data)))),
        width=spec.width,
        height=spec.height,
        frame_rate=spec.frame_rate,
    )


def _remembered(key: str, ctx: StepContext, read: Callable[[Buffer], Record]) -> Record:
    """Read a stored record once a process: the shots of a song come one after the other."""
    if key not in _records:
        while len(_records) >= _RECORDS_HELD:
            _records.pop(next(iter(_records)), None)
        _records[key] = read(ctx.shared(key))
    found: Record = _records[key]
    return found
