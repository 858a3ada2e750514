"""What the rows tell of jobs after a fight: what was lost, what was done twice, and which rules were broken.

The checker knows nothing of who fought, and shares with the store nothing but the tables of edges. It replays the
events of each job in the order of their ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine, select
from sqlmodel import col

from cluster.db.engine import reading
from cluster.db.tables import Job, JobEvent, Step
from cluster.jobs.states import JOB_EDGES, STEP_EDGES, State
from tests.support.stubs import EFFECT

Run = tuple[str, int]
"""A step and the fence of one claim of it."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, as far as the checker reads it."""

    job_id: str
    kind: str
    step_id: str | None
    before: str | None
    after: str | None
    fence: int | None


@dataclass(slots=True)
class History:
    """Figures of all jobs.

    Attributes
    ----------
    lost : list of str
        Steps that did not succeed, or that succeeded without their effect.
    doubled : list of str
        Steps whose effect was had more than once.
    illegal : list of str
        Edges that are in no table, or do not begin where the one before ended; one sentence each.
    fallen : list of str
        Claims whose fence is not above every fence that was told of the step before; one sentence each.
    torn : list of str
        Jobs and steps whose row tells another state than their last event.
    unended : list of str
        Jobs that did not succeed.
    claims : list of Run
        Every claim, in order within a job.
    freed : set of Run
        The claims that ended with the step given back, for whatever reason.
    """

    steps: int = 0
    effects: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    illegal: list[str] = field(default_factory=list)
    fallen: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    unended: list[str] = field(default_factory=list)
    claims: list[Run] = field(default_factory=list)
    freed: set[Run] = field(default_factory=set)

    @property
    def faults(self) -> dict[str, list[str]]:
        """Every broken promise by its name; empty when all are kept."""
        names = ("lost", "doubled", "illegal", "fallen", "torn", "unended")
        return {name: found for name in names if (found := getattr(self, name))}


def read_history(engine: Engine) -> History:
    """Check everything that the database holds."""
    told = (JobEvent.job_id, JobEvent.kind, JobEvent.step_id, JobEvent.before, JobEvent.after, JobEvent.fence)
    with reading(engine) as session:
        jobs = {row.id: row.state for row in session.execute(select(col(Job.id), col(Job.state)))}
        steps = {row.id: row.state for row in session.execute(select(col(Step.id), col(Step.state)))}
        rows = session.execute(select(*map(col, told)).order_by(col(JobEvent.id))).all()
    return check(jobs, steps, [Happened(*row) for row in rows])


def check(jobs: Mapping[str, str], steps: Mapping[str, str], happened: Iterable[Happened]) -> History:
    """Replay what happened and compare it with the states of jobs and steps, both by id.

    Parameters
    ----------
    happened : iterable of Happened
        The events of all jobs in the order of their ids.
    """
    found = History(steps=len(steps))
    effects: Counter[str] = Counter()
    states: dict[str, str] = {}
    fences: dict[str, int] = {}
    for event in happened:
        if event.kind == EFFECT:
            assert event.step_id is not None
            effects[event.step_id] += 1
            continue
        if event.kind not in {"job", "step"}:
            continue  # progress changes no state
        subject = event.step_id or event.job_id
        _follow(found, states, subject, event)
        if event.kind == "step":
            _count(found, subject, event, fences)
    found.effects = effects.total()
    found.lost = [step for step, state in steps.items() if state != State.SUCCEEDED or not effects[step]]
    found.doubled = [step for step in effects if effects[step] > 1]
    found.unended = [job for job, state in jobs.items() if state != State.SUCCEEDED]
    rows = {**jobs, **steps}
    found.torn = sorted(name for name in rows.keys() | states.keys() if rows.get(name) != states.get(name))
    return found


def _follow(found: History, states: dict[str, str], subject: str, event: Happened) -> None:
    edges = STEP_EDGES if event.kind == "step" else JOB_EDGES
    stood = states.get(subject)
    allowed = {State.QUEUED} if event.before is None else edges[State(event.before)]
    if event.before != stood or event.after not in allowed:
        found.illegal.append(f"{subject} went from {event.before} to {event.after} while it was {stood}")
    assert event.after is not None
    states[subject] = event.after


def _count(found: History, step_id: str, event: Happened, fences: dict[str, int]) -> None:
    told, fence = fences.get(step_id, 0), event.fence or 0
    if event.after == State.RUNNING:
        if fence <= told:
            found.fallen.append(f"{step_id} was claimed under fence {fence} after {told}")
        found.claims.append((step_id, fence))
    elif event.after == State.QUEUED and event.before is not None:
        found.freed.add(next((run for run in reversed(found.claims) if run[0] == step_id), (step_id, 0)))
    fences[step_id] = max(told, fence)
