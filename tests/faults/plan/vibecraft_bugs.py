"""Bugs that are planted to see whether the laboratory finds them; each breaks one promise of the product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col

from cluster.db.tables import Step
from cluster.faultpoint import faultpoint
from cluster.jobs import announce, keeper, lease, store
from cluster.jobs.lease import Claim
from cluster.storage.base import ObjectInfo
from cluster.storage.local import LocalStorage


def no_fence() -> None:
    """Let a holder write whoever holds the step by now."""

    def write(session: Session, claimed: Claim, **values: Any) -> None:
        session.execute(update(Step).where(col(Step.id) == claimed.step_id).values(**values))

    lease.write = write  # type: ignore[assignment]
    keeper.Hold.check = lambda self: None  # type: ignore[method-assign] # noqa: ARG005


def no_second_announcement() -> None:
    """Never repeat an announcement that came to nothing."""
    announce._unannounced = lambda again_after_s: [  # noqa: ARG005, SLF001 - a bug is planted inside
        *announce._runnable(),  # noqa: SLF001
        col(Step.announced_at).is_(None),
    ]


def no_atomic_publish() -> None:
    """Write objects at their place, so that half of one can be seen."""

    def put_file(self: LocalStorage, path: Path, key: str) -> ObjectInfo:
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        data = path.read_bytes()
        with target.open("wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            faultpoint(f"half put of {key.partition('/')[0]}")
            file.write(data[len(data) // 2 :])
        return self.stat(key)

    LocalStorage.put_file = put_file  # type: ignore[method-assign]


def no_heartbeat() -> None:
    """Let every lease end while its holder works."""
    keeper.Keeper.beat = lambda self: None  # type: ignore[method-assign] # noqa: ARG005


def announcement_before_commit() -> None:
    """Tell RQ of steps in the transaction that adds them, and die before it is committed."""
    from cluster.settings import load_settings  # noqa: PLC0415
    from tasks.rq_announcer import open_redis  # noqa: PLC0415
    from tasks.rq_worker import RUN_STEP  # noqa: PLC0415

    add_steps = store.add_steps

    def announced(session: Session, job_id: str, steps: Any) -> None:
        add_steps(session, job_id, steps)
        from rq import Queue  # noqa: PLC0415

        settings = load_settings()
        assert settings.redis_url is not None
        queue = Queue(settings.rq_worker_queue, connection=open_redis(settings.redis_url.get_secret_value()))
        for step in store.steps_of(session, job_id):
            queue.enqueue(RUN_STEP, step.id, "too early", job_id=f"vc-{step.id}-early")
        faultpoint("before commit")

    store.add_steps = announced


BUGS = {
    "no fence": no_fence,
    "no second announcement": no_second_announcement,
    "no atomic publish": no_atomic_publish,
    "no heartbeat": no_heartbeat,
    "announcement before commit": announcement_before_commit,
}
