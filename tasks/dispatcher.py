"""Who hands steps to the cluster: an actor without a state that would matter.

It asks the database what can run and submits it, a bounded number at a time. Whatever it forgets when it dies, the
database still knows; Ray starts it again.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import ray
import structlog
from ray.autoscaler.sdk import request_resources
from ray.exceptions import RayError
from sqlalchemy.exc import SQLAlchemyError

from cluster.errors import ClusterError, PlatformError
from cluster.jobs import announce, retry
from cluster.jobs.announce import Announced
from cluster.runtime import expect_cluster
from cluster.services import Services, open_services
from cluster.settings import load_settings
from tasks import worker

_log = structlog.get_logger(__name__)

ACTOR_NAME = "vibecraft-dispatcher"
_LOOK_EVERY_S = 0.1
_MEASURE_EVERY_S = 5.0
_ANSWER_S = 10.0
_IN_FLIGHT_PER_CPU = 2
_DEMAND_MOST = 512
_ON_HEAD = {"node:__internal_head__": 0.001}  # where it is not in the way of a worker that is drained
_SONGS_HELD = 4

ENCODE = "encode"
"""A resource of nodes that are kept for drawing and encoding; where the cluster has it, those steps ask for it."""

CPUS = {"analyze": 1.0, "plan": 0.5, "render": 1.0, "assemble": 1.0, "publish": 1.0}
_ENCODING = frozenset({"render", "assemble"})


def resources_of(kind: str, available: Iterable[str] = ()) -> dict[str, Any]:
    """Tell what a step of ``kind`` asks Ray for on a cluster whose nodes have the resources ``available``."""
    asked: dict[str, Any] = {"num_cpus": CPUS.get(kind, 1.0)}
    if kind in _ENCODING and ENCODE in available:
        asked["resources"] = {ENCODE: 1}
    return asked


def demand(waiting: int, in_flight: int) -> list[dict[str, float]]:
    """Tell the autoscaler's bundles for steps that wait and steps that are submitted: a CPU each, bounded."""
    return [{"CPU": 1.0}] * min(max(0, waiting) + max(0, in_flight), _DEMAND_MOST)


class DispatchLoop:
    """Submits what can run and learns what came of it.

    Parameters
    ----------
    submit : callable
        Takes a step and the name of its delivery; gives a reference to its run.
    settle : callable
        Takes references and a time in seconds; gives those that ended, each with its error or None.
    slots : callable
        Gives how many steps may be submitted and not ended.
    """

    def __init__(
        self,
        services: Services,
        *,
        submit: Callable[[Announced, str], Any],
        settle: Callable[[list[Any], float], Iterable[tuple[Any, Exception | None]]],
        slots: Callable[[], int],
        only_job: str | None = None,
    ) -> None:
        self._services = services
        self._submit = submit
        self._settle = settle
        self._slots = slots
        self._only_job = only_job
        self._running: dict[Any, tuple[str, str]] = {}
        self._kept_at = services.clock.monotonic()

    @property
    def in_flight(self) -> int:
        """How many steps are submitted and not ended."""
        return len(self._running)

    @property
    def references(self) -> list[Any]:
        """The references to what is submitted and not ended."""
        return list(self._running)

    def turn(self) -> None:
        """Fill the free slots, then wait a moment for what runs."""
        again_after_s = self._services.settings.reannounce_s
        free = self._slots() - len(self._running)
        for step in announce.announce(
            self._services.engine, limit=free, again_after_s=again_after_s, job_id=self._only_job
        ):
            delivery_id = uuid.uuid4().hex
            self._running[self._submit(step, delivery_id)] = (step.id, delivery_id)
        self._keep(again_after_s / 3)
        if not self._running:
            self._services.clock.sleep(_LOOK_EVERY_S)
            return
        for reference, error in self._settle(list(self._running), _LOOK_EVERY_S):
            step_id, delivery_id = self._running.pop(reference)
            if error is not None:
                self._free(step_id, delivery_id, error)

    def _keep(self, every_s: float) -> None:
        now = self._services.clock.monotonic()
        if now - self._kept_at >= every_s:
            self._kept_at = now
            announce.keep_announced(self._services.engine, [step_id for step_id, _ in self._running.values()])

    def _free(self, step_id: str, delivery_id: str, error: Exception) -> None:
        """Let a step run again whose run ended without a word, whether it had claimed it or not."""
        reason = f"the process that ran it was lost ({type(error).__name__})"
        _log.warning("a worker was lost", step_id=step_id, error=str(error))
        engine, settings = self._services.engine, self._services.settings
        if retry.run_again(engine, step_id, settings, reason, delivery_id=delivery_id) is None:
            announce.withdraw(engine, [step_id])


class Dispatcher:
    """The loop as an actor: its own thread turns it, calls only ask."""

    def __init__(self, only_job: str | None = None) -> None:
        self._services = open_services(load_settings())
        self._services.keeper.start()
        self._is_draining = False
        self._shared: dict[str, Any] = {}
        self._warming: list[Any] = []
        self._available: dict[str, float] = {}
        self._measured_at = float("-inf")
        self._asked = 0
        self._is_warm = only_job is not None  # one that is there for a job begins with it at once
        self._loop = DispatchLoop(
            self._services, submit=self._submit, settle=_settle, slots=self._slots, only_job=only_job
        )
        self._thread = threading.Thread(target=self._turn, daemon=True)
        self._thread.start()

    @ray.method(enable_task_events=False)  # asked so often that the dashboard would show little else
    def healthy(self) -> bool:
        """Tell whether the loop turns."""
        return self._thread.is_alive()

    def drain(self, limit_s: float) -> None:
        """Submit nothing more, let what runs finish for ``limit_s`` seconds, then have it hand its leases back."""
        self._is_draining = True
        clock = self._services.clock
        until = clock.monotonic() + limit_s
        while self._loop.in_flight and clock.monotonic() < until:
            clock.sleep(_LOOK_EVERY_S)
        for reference in self._loop.references:
            ray.cancel(reference)
        until = clock.monotonic() + _ANSWER_S
        while self._loop.in_flight and clock.monotonic() < until:
            clock.sleep(_LOOK_EVERY_S)

    def _turn(self) -> None:
        while True:
            try:
                self._measure()
                self._loop.turn()
            except SQLAlchemyError as error:
                _log.warning("the database did not answer", error=str(error))
                self._services.clock.sleep(1.0)

    def _measure(self) -> None:
        """Learn the cluster's size and tell the autoscaler what is wanted, every few seconds."""
        now = self._services.clock.monotonic()
        if now - self._measured_at < _MEASURE_EVERY_S:
            return
        self._measured_at = now
        self._available = ray.cluster_resources()  # type: ignore[no-untyped-call]
        self._warm_workers()
        bundles = demand(announce.backlog(self._services.engine), self._loop.in_flight)
        if len(bundles) != self._asked:
            self._asked = len(bundles)
            request_resources(bundles=bundles)

    def _warm_workers(self) -> None:
        """Let a worker a CPU load what steps need before the first of them comes."""
        if not self._is_warm:
            self._is_warm = True
            warm = _warm.options(name="warm worker", num_cpus=1, max_retries=0, scheduling_strategy="SPREAD")
            self._warming = [warm.remote() for _ in range(int(self._available.get("CPU", 0)))]

    def _slots(self) -> int:
        if self._is_draining:
            return 0
        return max(1, int(self._available.get("CPU", 1))) * _IN_FLIGHT_PER_CPU

    def _submit(self, step: Announced, delivery_id: str) -> Any:
        key = _features_key(step)
        # the database tries again, not Ray: a step that pays must never run twice by itself
        run = _run.options(name=step.name, max_retries=0, **resources_of(step.kind, self._available))
        return run.remote(step.id, delivery_id, key, self._share(key))

    def _share(self, key: str | None) -> Any:
        """Put a song's features into the object store once; all of its shots read them there."""
        if key is None:
            return None
        if key not in self._shared:
            try:
                data = b"".join(self._services.storage.open_range(key))
            except PlatformError:
                return None  # the step itself will say what is wrong
            while len(self._shared) >= _SONGS_HELD:
                del self._shared[next(iter(self._shared))]
            self._shared[key] = ray.put(np.frombuffer(data, np.uint8))
        return self._shared[key]


def start_dispatcher(only_job: str | None = None) -> Any:
    """Start the cluster's dispatcher or find the one that runs, and give its handle.

    Parameters
    ----------
    only_job : str, optional
        Start one of its own for this job instead, which lives as long as its handle is held.
    """
    options: dict[str, Any] = {"num_cpus": 0, "resources": _ON_HEAD, "max_restarts": -1, "max_task_retries": -1}
    if only_job is None:
        options |= {"name": ACTOR_NAME, "lifetime": "detached", "get_if_exists": True}
    else:
        options |= {"name": f"{ACTOR_NAME}-{only_job}"}
    return ray.remote(Dispatcher).options(**options).remote(only_job)


def find_dispatcher() -> Any | None:
    """Give the handle of the cluster's dispatcher; None when none was started."""
    try:
        return ray.get_actor(ACTOR_NAME)
    except ValueError:
        return None


def end_dispatcher(dispatcher: Any) -> None:
    """End a dispatcher and wait until it has told the dashboard what became of its tasks.

    Steps that run are done again by whoever comes next.
    """
    with contextlib.suppress(RayError):
        ray.get(dispatcher.__ray_terminate__.options(max_task_retries=0).remote(), timeout=_ANSWER_S)


def expect_turning(dispatcher: Any) -> None:
    """Ask the dispatcher whether it works; one that is busy coming up or restarting is waited for.

    Raises
    ------
    ClusterError
        If it or the cluster is gone for good, or its loop has ended.
    """
    expect_cluster()
    ready, _ = ray.wait([dispatcher.healthy.remote()], timeout=_ANSWER_S)
    try:
        turning = all(ray.get(ready))
    except RayError as error:
        raise ClusterError(f"The dispatcher is gone: {error}") from error
    if not turning:
        raise ClusterError("The dispatcher stopped; start the command again.")


_run: Any = ray.remote(worker.run_step_on_worker)
_warm: Any = ray.remote(worker.warm_up)


def _features_key(step: Announced) -> str | None:
    try:
        key: str = step.input["segment"]["source"]["settings"]["features_key"]
    except (KeyError, TypeError):
        return None
    return key


def _settle(references: list[Any], wait_s: float) -> Iterable[tuple[Any, Exception | None]]:
    ended, _ = ray.wait(references, num_returns=len(references), timeout=wait_s)
    return [(reference, _error(reference)) for reference in ended]


def _error(reference: Any) -> Exception | None:
    try:
        ray.get(reference)
    except RayError as error:
        return error
    return None
