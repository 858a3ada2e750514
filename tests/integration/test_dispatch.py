"""The dispatcher's loop: bounded, each step once, and a dead worker ends its job with a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.db.engine import reading, writing
from cluster.db.tables import Job, Step
from cluster.jobs import lease, store
from cluster.jobs.states import State
from cluster.services import Services
from tasks.dispatcher import DispatchLoop


def job_of(services: Services, count: int) -> str:
    with writing(services.engine) as session:
        job_id = store.create_job(session, owner_id="ada", kind="video", subject_id="video_1")
        for position in range(count):
            store.add_step(session, job_id, kind="render", position=position, name=f"shot {position}", given={})
    return job_id


class Cluster:
    """A cluster of the test's own: steps are submitted to a list and end when the test says so."""

    def __init__(self) -> None:
        self.submitted: list[str] = []
        self.ended: dict[str, Exception | None] = {}

    def submit(self, step: Step) -> str:
        self.submitted.append(step.id)
        return step.id

    def settle(self, running: list[Any], _wait_s: float) -> Iterable[tuple[Any, Exception | None]]:
        return [(step_id, self.ended[step_id]) for step_id in running if step_id in self.ended]


def test_no_more_steps_are_submitted_than_there_are_slots(services: Services) -> None:
    job_of(services, 5)
    cluster = Cluster()
    loop = DispatchLoop(services, submit=cluster.submit, settle=cluster.settle, slots=2)
    loop.turn()
    loop.turn()
    assert len(cluster.submitted) == 2
    cluster.ended = dict.fromkeys(cluster.submitted)
    loop.turn()
    loop.turn()
    assert len(cluster.submitted) == 4
    assert len(set(cluster.submitted)) == 4


def test_a_dead_worker_ends_its_job_with_a_sentence(services: Services) -> None:
    job_id = job_of(services, 2)
    cluster = Cluster()
    loop = DispatchLoop(services, submit=cluster.submit, settle=cluster.settle, slots=1)
    loop.turn()
    (step_id,) = cluster.submitted
    assert lease.claim(services.engine, step_id, "a worker that dies", 60) is not None
    cluster.ended = {step_id: RuntimeError("killed")}
    loop.turn()
    with reading(services.engine) as session:
        job = session.get_one(Job, job_id)
        states = {step.state for step in store.steps_of(session, job_id)}
    assert job.state == State.FAILED
    assert job.error is not None
    assert job.error["code"] == "worker_died"
    assert states == {State.FAILED, State.CANCELLED}


def test_a_loop_for_one_job_leaves_the_others(services: Services) -> None:
    job_of(services, 2)
    mine = job_of(services, 1)
    cluster = Cluster()
    DispatchLoop(services, submit=cluster.submit, settle=cluster.settle, slots=9, only_job=mine).turn()
    with reading(services.engine) as session:
        assert cluster.submitted == [step.id for step in store.steps_of(session, mine)]
