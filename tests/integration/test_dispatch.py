"""The dispatcher's loop: bounded, each step once, and a dead worker costs nothing but time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cluster.db.engine import reading, writing
from cluster.db.tables import Job
from cluster.jobs import lease, store
from cluster.jobs.announce import Announced
from cluster.jobs.states import State
from cluster.services import Services
from tasks.dispatcher import ENCODE, DispatchLoop, demand, resources_of
from tests.support.jobs import add_job, read


class Cluster:
    """A cluster of the test's own: steps are submitted to a list and end when the test says so."""

    def __init__(self) -> None:
        self.submitted: list[str] = []
        self.deliveries: dict[str, str] = {}
        self.ended: dict[str, Exception | None] = {}

    def submit(self, step: Announced, delivery_id: str) -> str:
        self.submitted.append(step.id)
        self.deliveries[step.id] = delivery_id
        return step.id

    def settle(self, running: list[Any], _wait_s: float) -> Iterable[tuple[Any, Exception | None]]:
        return [(step_id, self.ended.pop(step_id)) for step_id in running if step_id in self.ended]


def loop_over(services: Services, cluster: Cluster, slots: int, only_job: str | None = None) -> DispatchLoop:
    return DispatchLoop(services, submit=cluster.submit, settle=cluster.settle, slots=lambda: slots, only_job=only_job)


def test_no_more_steps_are_submitted_than_there_are_slots(services: Services) -> None:
    add_job(services, 5)
    cluster = Cluster()
    loop = loop_over(services, cluster, 2)
    loop.turn()
    loop.turn()
    assert (len(cluster.submitted), loop.in_flight) == (2, 2)
    cluster.ended = dict.fromkeys(cluster.submitted)
    loop.turn()
    loop.turn()
    assert len(cluster.submitted) == 4
    assert len(set(cluster.submitted)) == 4


def test_a_step_whose_worker_died_is_submitted_again_at_once(services: Services) -> None:
    job_id, (step_id,) = add_job(services)
    cluster = Cluster()
    loop = loop_over(services, cluster, 1)
    loop.turn()
    claimed = lease.claim(services.engine, step_id, "a worker that dies", 60, cluster.deliveries[step_id])
    assert claimed is not None
    cluster.ended = {step_id: RuntimeError("killed")}
    loop.turn()
    loop.turn()
    assert cluster.submitted == [step_id, step_id]
    assert (read(services, step_id).state, read(services, step_id).crashes) == (State.QUEUED, 1)
    with reading(services.engine) as session:
        assert session.get_one(Job, job_id).state == State.RUNNING


def test_a_step_that_no_worker_had_claimed_is_submitted_again_at_once(services: Services) -> None:
    _, (step_id,) = add_job(services)
    cluster = Cluster()
    loop = loop_over(services, cluster, 1)
    loop.turn()
    cluster.ended = {step_id: RuntimeError("its node is gone")}
    loop.turn()
    loop.turn()
    assert cluster.submitted == [step_id, step_id]
    assert read(services, step_id).crashes == 0


def test_a_step_that_somebody_else_runs_by_now_is_left_to_them(services: Services) -> None:
    _, (step_id,) = add_job(services)
    cluster = Cluster()
    loop = loop_over(services, cluster, 1)
    loop.turn()
    assert lease.claim(services.engine, step_id, "somebody else", 60, "another letter") is not None
    cluster.ended = {step_id: RuntimeError("killed")}
    loop.turn()
    assert read(services, step_id).state == State.RUNNING


def test_a_loop_for_one_job_leaves_the_others(services: Services) -> None:
    add_job(services, 2)
    mine, ids = add_job(services, 1)
    cluster = Cluster()
    loop_over(services, cluster, 9, only_job=mine).turn()
    assert cluster.submitted == ids


def test_a_new_loop_goes_on_where_the_old_one_died(services: Services) -> None:
    _, ids = add_job(services, 4)
    first, second = Cluster(), Cluster()
    loop_over(services, first, 2).turn()
    for step_id in first.submitted:
        claimed = lease.claim(services.engine, step_id, "a worker", 60, first.deliveries[step_id])
        assert claimed is not None
        with writing(services.engine) as session:
            store.end_step(session, claimed, State.SUCCEEDED)
    loop_over(services, second, 9).turn()
    assert sorted(first.submitted + second.submitted) == sorted(ids)


@given(waiting=st.integers(-5, 5000), in_flight=st.integers(-5, 5000))
def test_the_autoscaler_is_told_of_a_cpu_for_each_step_and_never_of_too_many(waiting: int, in_flight: int) -> None:
    bundles = demand(waiting, in_flight)
    wanted = max(0, waiting) + max(0, in_flight)
    assert len(bundles) == min(wanted, 512)
    assert all(bundle == {"CPU": 1.0} for bundle in bundles)


def test_steps_ask_for_what_they_use() -> None:
    assert resources_of("render") == {"num_cpus": 1.0}
    assert resources_of("render", {"CPU", ENCODE}) == {"num_cpus": 1.0, "resources": {ENCODE: 1}}
    assert resources_of("analyze", {"CPU", ENCODE}) == {"num_cpus": 1.0}
