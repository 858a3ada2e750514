"""Draw one shot and encode it once, as a segment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from tasks.domain.analysis import Analysis
from tasks.domain.document import Document
from tasks.domain.features import Features
from tasks.domain.segment import SegmentPlan, SegmentSpec, Source, SourceKind
from tasks.domain.style import StyleShot
from tasks.kernels import compile_alone
from tasks.media import effects, transitions
from tasks.media.captions import draw_captions
from tasks.media.effects import apply_effects
from tasks.media.encode import encode_segment
from tasks.media.frames import I420, FrameSource
from tasks.media.retime import retimed
from tasks.media.transitions import apply_transition
from tasks.procedural.engine import open_style, warm
from tasks.steps.context import Buffer, Done, Fail, Outcome, StepContext
from tasks.steps.footage import open_clip

_RECORDS_HELD = 4
_records: dict[str, Any] = {}

Record = TypeVar("Record", Features, Analysis)


def run(given: Document, ctx: StepContext) -> Outcome:
    """Encode the segment ``given["segment"]`` of the form ``given["spec"]`` unless it is there already."""
    spec = SegmentSpec.from_json(given["spec"])
    plan = SegmentPlan.from_json(given["segment"])
    key = plan.content_key(spec)
    if ctx.is_stored(key, "segment"):
        return Done(key)
    path = ctx.scratch / "segment.mp4"
    expected = len(plan.frames)
    drawn = encode_segment(
        composed(plan, lambda source: open_source(source, spec, ctx)),
        spec,
        path,
        on_frame=lambda done: ctx.progress(done / expected),
    )
    if drawn != expected:
        return Fail(f"shot {plan.index + 1} has {drawn} frames instead of {expected}", code="frames_missing")
    return Done(ctx.publish(path, key, "segment"))


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


def open_source(source: Source, spec: SegmentSpec, ctx: StepContext) -> FrameSource:
    """Open what gives a shot's pictures."""
    if source.kind is SourceKind.CLIP:
        return open_clip(source.settings, spec, ctx)
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
