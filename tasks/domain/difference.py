"""Why a segment is encoded anew: what of its work differs from the film before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from fractions import Fraction

from tasks.domain.document import Document
from tasks.domain.segment import SegmentPlan, SegmentSpec


class Reason(StrEnum):
    """What differs; ``neighbour`` is the shot before, of which the transition shows pictures."""

    NEW = "new"
    FORM = "form"
    CUT = "cut"
    ANALYSIS = "analysis"
    SOURCE = "source"
    NEIGHBOUR = "neighbour"
    TRANSITION = "transition"
    EFFECT = "effect"
    CAPTION = "caption"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class Difference:
    """One reason, and in a few words what it is about."""

    reason: Reason
    detail: str

    def to_json(self) -> Document:
        """Write the difference."""
        return asdict(self)


_HEARD = {"analysis_key", "features_key"}
_PLACE = {"film_frame"}
Planned = tuple[SegmentSpec, SegmentPlan]


def nearest(plan: SegmentPlan, spec: SegmentSpec, earlier: SegmentSpec, plans: Sequence[SegmentPlan]) -> SegmentPlan:
    """Find the segment of an earlier film that shows most of the same time; a tie goes to the first."""

    def shared_s(other: SegmentPlan) -> Fraction:
        start = max(plan.frames.start / spec.frame_rate, other.frames.start / earlier.frame_rate)
        return min(plan.frames.end / spec.frame_rate, other.frames.end / earlier.frame_rate) - start

    return max(plans, key=shared_s)


def differences(new: Planned, old: Planned) -> tuple[Difference, ...]:
    """Name all that makes ``new`` other bytes than ``old``; `Reason.ENGINE` where only the engine can."""
    found = tuple(_differences(new, old))
    return found or (Difference(Reason.ENGINE, "an earlier version made it, or its file is gone"),)


def _differences(new: Planned, old: Planned) -> Iterator[Difference]:
    (spec, plan), (old_spec, old_plan) = new, old
    if spec != old_spec:
        yield Difference(Reason.FORM, _changed(old_spec.to_json(), spec.to_json()))
    if (spec.frame_rate, plan.frames) != (old_spec.frame_rate, old_plan.frames):
        before, now = old_plan.frames, plan.frames
        yield Difference(Reason.CUT, f"frames {before.start}..{before.end} are now {now.start}..{now.end}")
    yield from _of_sources(plan, old_plan)
    if plan.transition != old_plan.transition:
        kinds = [each.kind.value if each else "cut" for each in (old_plan.transition, plan.transition)]
        yield Difference(Reason.TRANSITION, " to ".join(dict.fromkeys(kinds)))
    yield from _of_lists(Reason.EFFECT, [e.to_json() for e in plan.effects], [e.to_json() for e in old_plan.effects])
    yield from _of_lists(Reason.CAPTION, [c.to_json() for c in plan.captions], [c.to_json() for c in old_plan.captions])


def _of_sources(plan: SegmentPlan, old: SegmentPlan) -> Iterator[Difference]:
    names = _differing(plan.source.settings, old.source.settings)
    if names & _HEARD:
        yield Difference(Reason.ANALYSIS, "what was heard in the song, or set right")
    moved = plan.frames != old.frames
    other = names - _HEARD - (_PLACE if moved else set())
    if plan.source.kind is not old.source.kind or other:
        yield Difference(Reason.SOURCE, ", ".join(sorted(other)) or str(plan.source.kind))
    elif plan.source.frames.start != old.source.frames.start or (plan.source.frames != old.source.frames and not moved):
        yield Difference(Reason.SOURCE, "another part of it")
    if plan.outgoing is not None and old.outgoing is not None and plan.outgoing != old.outgoing:
        yield Difference(Reason.NEIGHBOUR, "the shot before, which its transition shows")


def _of_lists(reason: Reason, new: list[Document], old: list[Document]) -> Iterator[Difference]:
    changed = [each for each in (*new, *old) if (each in new) != (each in old)]
    if changed or new != old:
        words = dict.fromkeys(str(each.get("kind") or each.get("text")) for each in changed or new)
        yield Difference(reason, ", ".join(words))


def _changed(old: Document, new: Document) -> str:
    return ", ".join(f"{name} {old.get(name)} to {new[name]}" for name in new if old.get(name) != new[name])


def _differing(one: Document, other: Document) -> set[str]:
    return {name for name in {*one, *other} if one.get(name) != other.get(name)}
