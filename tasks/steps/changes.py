"""What rendering a planned video would encode anew, why, and roughly how long that takes.

Method
------
A segment is encoded when storage has no object of its content key: the question is asked in just the way in which the
render step asks it. The reasons come from the plan of the same song's film that shares most segments with this one. The
time comes from render steps of before that really encoded (the object is as old as the step): the median of their
seconds a pixel, of the same codec and preset and the same kind of source where there are any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from sqlmodel import Session, col, select

from cluster.db.tables import Artifact, Composition, Step
from cluster.jobs.states import State
from cluster.storage.base import Storage
from tasks.domain.difference import Difference, Reason, differences, nearest
from tasks.domain.document import SCHEMA, Document
from tasks.domain.errors import InvalidRecord
from tasks.domain.segment import SegmentPlan, SegmentSpec

_EARLIER_FILMS = 20
_EARLIER_STEPS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A segment that would be encoded; ``seconds`` is what that takes on one core, None where nothing is known."""

    segment: int
    shot: int
    start_frame: int
    end_frame: int
    differences: tuple[Difference, ...]
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a render would do; ``compared_with`` is the film whose plan gives the reasons."""

    segments: int
    changes: tuple[Change, ...]
    compared_with: str | None

    @property
    def seconds(self) -> float | None:
        """What encoding takes on one core; None where nothing of the kind was measured before."""
        known = [change.seconds for change in self.changes if change.seconds is not None]
        return None if len(known) < len(self.changes) else sum(known)

    def seconds_on(self, cores: int) -> float | None:
        """Give what encoding takes on ``cores`` cores: never less than its longest segment."""
        if self.seconds is None:
            return None
        return max([self.seconds / cores, *(change.seconds or 0.0 for change in self.changes)])

    def to_json(self) -> Document:
        """Write the document."""
        return {
            "schema": SCHEMA,
            "segments": self.segments,
            "kept": self.segments - len(self.changes),
            "compared_with": self.compared_with,
            "seconds": self.seconds,
            "changes": [asdict(change) for change in self.changes],
        }


def changes_of(session: Session, storage: Storage, composition: Composition) -> Changes:
    """Compare a planned video with what is stored.

    Raises
    ------
    InvalidRecord
        If it has no plan yet.
    """
    spec, plans = planned(composition)
    missing = [plan for plan in plans if not storage.exists(plan.content_key(spec))]
    earlier = _likest(session, composition, {plan.content_key(spec) for plan in plans})
    pace = _Pace(session, composition.owner_id) if missing else None
    return Changes(
        segments=len(plans),
        compared_with=None if earlier is None else earlier.id,
        changes=tuple(
            Change(
                segment=plan.index,
                shot=plan.shot,
                start_frame=plan.frames.start,
                end_frame=plan.frames.end,
                differences=_reasons(plan, spec, earlier),
                seconds=None if pace is None else pace.seconds(plan, spec),
            )
            for plan in missing
        ),
    )


def planned(composition: Composition) -> tuple[SegmentSpec, tuple[SegmentPlan, ...]]:
    """Read a video's plan.

    Raises
    ------
    InvalidRecord
        If it has none yet.
    """
    if composition.plan is None:
        raise InvalidRecord("the video has no plan yet")
    spec = SegmentSpec.from_json(composition.plan["spec"])
    return spec, tuple(SegmentPlan.from_json(plan) for plan in composition.plan["segments"])


def _reasons(plan: SegmentPlan, spec: SegmentSpec, earlier: Composition | None) -> tuple[Difference, ...]:
    if earlier is None:
        return (Difference(Reason.NEW, "no film of this song was made before"),)
    old_spec, old_plans = planned(earlier)
    return differences((spec, plan), (old_spec, nearest(plan, spec, old_spec, old_plans)))


def _likest(session: Session, composition: Composition, keys: set[str]) -> Composition | None:
    """Find the finished film of the song that shares most segments; of equals the latest."""
    films = select(Composition).where(
        Composition.song_id == composition.song_id,
        Composition.owner_id == composition.owner_id,
        Composition.id != composition.id,
        col(Composition.video_key).is_not(None),
    )
    found: Sequence[Composition] = session.exec(films.order_by(col(Composition.id).desc()).limit(_EARLIER_FILMS)).all()

    def shared(film: Composition) -> int:
        spec, plans = planned(film)
        return sum(plan.content_key(spec) in keys for plan in plans)

    return max(found, key=shared, default=None)


class _Pace:
    """Seconds that a pixel took in render steps of before, by codec, preset and kind of source."""

    def __init__(self, session: Session, owner_id: str) -> None:
        steps = (
            select(Step)
            .join(Artifact, col(Artifact.key) == col(Step.output_key))
            .where(
                Step.owner_id == owner_id,
                Step.kind == "render",
                Step.state == State.SUCCEEDED,
                col(Artifact.created_at) >= col(Step.started_at),
                col(Artifact.created_at) <= col(Step.finished_at),
            )
        )
        self._measured: dict[tuple[str, ...], list[float]] = {}
        for step in session.exec(steps.order_by(col(Step.id).desc()).limit(_EARLIER_STEPS)):
            if "also" in step.input:
                continue  # its time is that of several segments
            spec, plan = SegmentSpec.from_json(step.input["spec"]), SegmentPlan.from_json(step.input["segment"])
            assert step.started_at is not None
            assert step.finished_at is not None
            took = (step.finished_at - step.started_at).total_seconds() / _pixels(plan, spec)
            for kind in _kinds(plan, spec):
                self._measured.setdefault(kind, []).append(took)

    def seconds(self, plan: SegmentPlan, spec: SegmentSpec) -> float | None:
        """Estimate what a segment takes on one core; None where nothing like it was encoded."""
        known = next((kind for kind in _kinds(plan, spec) if kind in self._measured), None)
        return None if known is None else round(median(self._measured[known]) * _pixels(plan, spec), 3)


def _kinds(plan: SegmentPlan, spec: SegmentSpec) -> tuple[tuple[str, ...], ...]:
    """Name what a segment's time depends on, the nearest likeness first."""
    form = (spec.codec, spec.preset)
    look = str(plan.source.settings.get("style", ""))
    return (*form, plan.source.kind, look), (*form, plan.source.kind), form


def _pixels(plan: SegmentPlan, spec: SegmentSpec) -> int:
    return len(plan.frames) * spec.width * spec.height
