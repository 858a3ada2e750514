"""Who runs a job's steps: this process one after the other, or a cluster side by side. Both call `run_step`."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Protocol

from cluster.db.engine import reading
from cluster.db.tables import Job
from cluster.jobs.announce import announce
from cluster.jobs.states import State
from cluster.services import Services
from tasks.steps.context import Mapper
from tasks.wakeup import run_step

_LOOK_EVERY_S = 0.1


class Executor(Protocol):
    """Runs a job's steps until the job is over or nothing of it can run."""

    def run(self, job_id: str) -> None:
        """Return when the job is over."""
        ...


class InlineExecutor:
    """Runs steps one after the other in this process."""

    def __init__(self, services: Services, *, mapper: Mapper = map) -> None:
        self._services = services
        self._mapper = mapper

    def run(self, job_id: str, kinds: Collection[str] | None = None) -> None:
        """Run the job's steps; with ``kinds``, only steps of these kinds."""
        again_after_s = self._services.settings.reannounce_s
        self._services.keeper.start()
        while True:
            steps = announce(self._services.engine, limit=1, again_after_s=again_after_s, job_id=job_id, kinds=kinds)
            for step in steps:
                run_step(step.id, uuid.uuid4().hex, services=self._services, mapper=self._mapper)
            if steps:
                continue
            if kinds is not None or is_over(self._services, job_id):
                return
            self._services.clock.sleep(_LOOK_EVERY_S)  # a step is parked, will be tried again or runs elsewhere


def is_over(services: Services, job_id: str) -> bool:
    """Tell whether the job has ended, well or not."""
    with reading(services.engine) as session:
        return State(session.get_one(Job, job_id).state).is_final
