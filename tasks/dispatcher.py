"""Who runs steps: this process one after the other, or a cluster side by side. Both call `run_step`.

The dispatcher on the cluster is an actor without a state that would matter: it asks the database what can run and
submits it, a bounded number at a time. Whatever it forgets, the database still knows.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

import ray
from ray.exceptions import RayError

from cluster.db.engine import reading, writing
from cluster.db.tables import Job, Step
from cluster.errors import ClusterError
from cluster.jobs import store
from cluster.jobs.states import State
from cluster.services import Services, open_services
from cluster.settings import load_settings
from tasks.steps.context import Item, Mapper, Result
from tasks.wakeup import run_step

ACTOR_NAME = "vibecraft-dispatcher"
_LOOK_EVERY_S = 0.1
_ANSWER_S = 10.0
_IN_FLIGHT_PER_CPU = 2


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
        while True:
            steps = self._ready(job_id, kinds)
            for step in steps:
                run_step(step.id, _delivery(), services=self._services, mapper=self._mapper)
            if steps:
                continue
            if kinds is not None or is_over(self._services, job_id):
                return
            self._services.clock.sleep(_LOOK_EVERY_S)  # a step is parked or will be tried again

    def _ready(self, job_id: str, kinds: Collection[str] | None) -> list[Step]:
        with reading(self._services.engine) as session:
            steps = store.runnable(session, limit=1000, job_id=job_id)
        return [step for step in steps if kinds is None or step.kind in kinds]


class RayExecutor:
    """Lets the dispatcher on the Ray that this process is connected to run the steps."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._dispatcher: Any = None

    def run(self, job_id: str) -> None:
        """Start a dispatcher for the job and return when the job is over."""
        self._dispatcher = start_dispatcher(only_job=job_id)
        try:
            while not is_over(self._services, job_id):
                expect_turning(self._dispatcher)
                self._services.clock.sleep(_LOOK_EVERY_S)
        finally:
            ray.kill(self._dispatcher)


class DispatchLoop:
    """Submits what can run and learns what came of it.

    Parameters
    ----------
    submit : callable
        Takes a step and gives a reference to its run.
    settle : callable
        Takes references and a time in seconds; gives those that ended, each with its error or None.
    slots : int
        How many steps may be submitted and not ended.
    """

    def __init__(
        self,
        services: Services,
        *,
        submit: Callable[[Step], Any],
        settle: Callable[[list[Any], float], Iterable[tuple[Any, Exception | None]]],
        slots: int,
        only_job: str | None = None,
    ) -> None:
        self._services = services
        self._submit = submit
        self._settle = settle
        self._slots = slots
        self._only_job = only_job
        self._running: dict[Any, str] = {}

    def turn(self) -> None:
        """Fill the free slots, then wait a moment for what runs."""
        free = self._slots - len(self._running)
        if free > 0:
            with writing(self._services.engine) as session:
                steps = store.runnable(session, limit=free, job_id=self._only_job)
                store.mark_announced(session, [step.id for step in steps])
            for step in steps:
                self._running[self._submit(step)] = step.id
        if not self._running:
            self._services.clock.sleep(_LOOK_EVERY_S)
            return
        for reference, error in self._settle(list(self._running), _LOOK_EVERY_S):
            step_id = self._running.pop(reference)
            if error is not None:
                message = "A worker died while it ran this step; run it again."
                store.fail_abandoned(
                    self._services.engine, step_id, {"code": "worker_died", "message": message, "error": str(error)}
                )


class Dispatcher:
    """The loop as an actor: its own thread turns it, calls only ask and stop."""

    def __init__(self, only_job: str | None = None) -> None:
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        slots = max(1, int(resources.get("CPU", 1))) * _IN_FLIGHT_PER_CPU
        self._loop = DispatchLoop(
            open_services(load_settings()), submit=_submit, settle=_settle, slots=slots, only_job=only_job
        )
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._turn, daemon=True)
        self._thread.start()

    def healthy(self) -> bool:
        """Tell whether the loop turns."""
        return self._thread.is_alive()

    def _turn(self) -> None:
        while not self._stopped.is_set():
            self._loop.turn()


def start_dispatcher(only_job: str | None = None) -> Any:
    """Start the named dispatcher, or find the one that runs; give its handle."""
    actor = ray.remote(Dispatcher).options(
        name=ACTOR_NAME, num_cpus=0, max_restarts=-1, max_task_retries=-1, get_if_exists=only_job is None
    )
    return actor.remote(only_job)


def expect_turning(dispatcher: Any) -> None:
    """Ask the dispatcher whether it works; one that is busy coming up or restarting is waited for.

    Raises
    ------
    ClusterError
        If it is gone for good or its loop has ended.
    """
    ready, _ = ray.wait([dispatcher.healthy.remote()], timeout=_ANSWER_S)
    try:
        turning = all(ray.get(ready))
    except RayError as error:
        raise ClusterError(f"The dispatcher is gone: {error}") from error
    if not turning:
        raise ClusterError("The dispatcher stopped; start the command again.")


def is_over(services: Services, job_id: str) -> bool:
    """Tell whether the job has ended, well or not."""
    with reading(services.engine) as session:
        return State(session.get_one(Job, job_id).state).is_final


def ray_map(function: Callable[[Item], Result], items: Iterable[Item], /) -> list[Result]:
    """Apply ``function`` to each of ``items`` as Ray tasks that ask for one CPU; results come in their order."""
    apply: Any = _apply
    return list(ray.get([apply.remote(function, item) for item in items]))


def run_step_on_worker(step_id: str, delivery_id: str) -> str:
    """Run the step in a Ray worker, its fan-out on the cluster."""
    return run_step(step_id, delivery_id, mapper=ray_map)


_run = ray.remote(run_step_on_worker)


@ray.remote(num_cpus=1)
def _apply(function: Callable[[Item], Result], item: Item) -> Result:
    return function(item)


def _submit(step: Step) -> Any:
    # the database tries again, not Ray
    return _run.options(name=step.name, num_cpus=1, max_retries=0).remote(step.id, _delivery())


def _settle(references: list[Any], wait_s: float) -> Iterable[tuple[Any, Exception | None]]:
    ended, _ = ray.wait(references, num_returns=len(references), timeout=wait_s)
    return [(reference, _error(reference)) for reference in ended]


def _error(reference: Any) -> Exception | None:
    try:
        ray.get(reference)
    except RayError as error:
        return error
    return None


def _delivery() -> str:
    return uuid.uuid4().hex
