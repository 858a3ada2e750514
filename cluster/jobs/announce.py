"""What runs next, and who was told of it.

A step that can run and was never announced, or was announced a while ago and not claimed, is announced (again).
Announcing is a wake-up, no promise: any number of announcers may be at work, and doubles find the step claimed.

Fair share: among steps of equal priority, the owner with the least at work goes first. So a batch of five hundred
songs takes every free place while it is alone, and gives every second one away as soon as somebody else comes.
Within an owner the oldest job goes first, so that films are finished one after the other and not all at the end.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, func, null, or_, select, update
from sqlmodel import Session, col

from cluster.db.engine import reading, writing
from cluster.db.tables import Step
from cluster.db.time import database_time
from cluster.jobs.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A step that somebody is told of."""

    id: str
    job_id: str
    kind: str
    name: str
    input: dict[str, Any]


def announce(
    engine: Engine, *, limit: int, again_after_s: float, job_id: str | None = None, kinds: Collection[str] | None = None
) -> list[Announced]:
    """Choose up to ``limit`` steps that can run now, note that they are announced, and give them in order.

    Parameters
    ----------
    again_after_s : float
        After how many seconds an announced step that nobody claimed is announced again.
    job_id, kinds : optional
        Only steps of this job, of these kinds.
    """
    if limit < 1:
        return []
    with reading(engine) as session:
        chosen = _next(session, limit, again_after_s, job_id, kinds)
    if not chosen:
        return []
    free = select(col(Step.id)).where(col(Step.id).in_(chosen), *_unannounced(again_after_s))
    with writing(engine) as session:
        told = session.execute(
            update(Step)
            .where(col(Step.id).in_(free.with_for_update(skip_locked=True)))
            .values(announced_at=database_time())
            .returning(col(Step.id), col(Step.job_id), col(Step.kind), col(Step.name), col(Step.input))
        ).all()
    found = {
        row.id: Announced(id=row.id, job_id=row.job_id, kind=row.kind, name=row.name, input=row.input) for row in told
    }
    return [found[step_id] for step_id in chosen if step_id in found]


def keep_announced(engine: Engine, step_ids: Collection[str]) -> None:
    """Note that the announcements of these steps still stand, so that nobody repeats them."""
    _note(engine, step_ids, database_time())


def withdraw(engine: Engine, step_ids: Collection[str]) -> None:
    """Take announcements back that came to nothing; the steps can be announced at once."""
    _note(engine, step_ids, null())


def backlog(engine: Engine) -> int:
    """Count the steps that could run now and do not."""
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(Step).where(*_runnable())) or 0


def _next(
    session: Session, limit: int, again_after_s: float, job_id: str | None, kinds: Collection[str] | None
) -> list[str]:
    wanted = _unannounced(again_after_s)
    if job_id is not None:
        wanted.append(col(Step.job_id) == job_id)
    if kinds is not None:
        wanted.append(col(Step.kind).in_(kinds))
    order = (col(Step.priority).desc(), col(Step.job_id), col(Step.position), col(Step.id))
    nth = func.row_number().over(partition_by=col(Step.owner_id), order_by=order).label("nth")
    ready = (
        select(col(Step.id), col(Step.owner_id), col(Step.priority), col(Step.job_id), col(Step.position), nth)
        .where(*wanted)
        .subquery()
    )
    told = col(Step.announced_at) > database_time(-again_after_s)
    busy = (
        select(col(Step.owner_id), func.count().label("steps"))
        .where(or_(col(Step.state) == State.RUNNING, (col(Step.state) == State.QUEUED) & told))
        .group_by(col(Step.owner_id))
        .subquery()
    )
    share = ready.c.nth + func.coalesce(busy.c.steps, 0)
    question = (
        select(ready.c.id)
        .outerjoin(busy, busy.c.owner_id == ready.c.owner_id)
        .order_by(ready.c.priority.desc(), share, ready.c.job_id, ready.c.position, ready.c.id)
        .limit(limit)
    )
    return list(session.scalars(question))


def _note(engine: Engine, step_ids: Collection[str], at: ColumnElement[Any]) -> None:
    if not step_ids:
        return
    waiting = select(col(Step.id)).where(col(Step.id).in_(step_ids), col(Step.state) == State.QUEUED)
    with writing(engine) as session:
        session.execute(
            update(Step).where(col(Step.id).in_(waiting.with_for_update(skip_locked=True))).values(announced_at=at)
        )


def _runnable() -> list[ColumnElement[bool]]:
    return [col(Step.state) == State.QUEUED, col(Step.available_at) <= database_time()]


def _unannounced(again_after_s: float) -> list[ColumnElement[bool]]:
    never = col(Step.announced_at).is_(None)
    return [*_runnable(), or_(never, col(Step.announced_at) <= database_time(-again_after_s))]
