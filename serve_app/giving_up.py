"""What becomes of a job whose command ends before it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from cluster.db.engine import writing
from cluster.jobs import store
from cluster.jobs.states import State
from cluster.services import Services


@contextlib.contextmanager
def cancelled_when_left(services: Services, job_id: str) -> Iterator[None]:
    """Cancel the job when the block is left by an error or an interruption, and pass that on."""
    try:
        yield
    except BaseException:
        with writing(services.engine) as session:
            store.end_job(session, job_id, State.CANCELLED)
        raise
