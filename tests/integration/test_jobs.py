"""Steps are claimed once, written under a fence, and never step back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from cluster.db.engine import reading, writing
from cluster.db.tables import Job, JobEvent, Step
from cluster.errors import IllegalEdge, LeaseLost, NotFound
from cluster.jobs import events, lease, store
from cluster.jobs.states import JOB_EDGES, STEP_EDGES, State, expect_edge
from cluster.services import Services


def job_with_steps(services: Services, count: int = 1) -> tuple[str, list[str]]:
    with writing(services.engine) as session:
        job_id = store.create_job(session, owner_id="ada", kind="video", subject_id="video_1")
        for position in range(count):
            store.add_step(session, job_id, kind="render", position=position, name=f"shot {position}", given={})
        return job_id, [step.id for step in store.steps_of(session, job_id)]


def claim(services: Services, step_id: str, lease_s: float = 60) -> lease.Claim:
    claimed = lease.claim(services.engine, step_id, "a test", lease_s)
    assert claimed is not None
    return claimed


def test_a_step_is_claimed_by_one_of_many(services: Services) -> None:
    _, (step_id,) = job_with_steps(services)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: lease.claim(services.engine, step_id, f"holder {n}", 60), range(16)))
    assert sum(found is not None for found in claims) == 1


def test_a_claim_starts_the_job_and_leaves_its_trace(services: Services) -> None:
    job_id, (step_id,) = job_with_steps(services)
    claimed = claim(services, step_id)
    assert (claimed.owner_id, claimed.fence) == ("ada", 1)
    with reading(services.engine) as session:
        assert session.get_one(Job, job_id).state == State.RUNNING
        step = session.get_one(Step, step_id)
        assert step.lease_until is not None
        assert step.started_at is not None
        assert 59 < (step.lease_until - step.started_at).total_seconds() < 61
        edges = [(event.kind, event.before, event.after) for event in events.events_after(session, job_id)]
    assert edges == [
        ("job", None, "queued"),
        ("step", None, "queued"),
        ("step", "queued", "running"),
        ("job", "queued", "running"),
    ]


def test_a_stale_holder_writes_nothing(services: Services) -> None:
    _, (step_id,) = job_with_steps(services)
    stale = claim(services, step_id)
    with writing(services.engine) as session:
        store.release(session, stale, after_s=0, reason="given back")
    fresh = claim(services, step_id)
    assert fresh.fence == stale.fence + 1
    with pytest.raises(LeaseLost), writing(services.engine) as session:
        store.end_step(session, stale, State.SUCCEEDED)
    with pytest.raises(LeaseLost), writing(services.engine) as session:
        lease.write(session, stale, progress=0.9)
    with writing(services.engine) as session:
        store.end_step(session, fresh, State.SUCCEEDED, output_key="films/x.mp4")
    with reading(services.engine) as session:
        step = session.get_one(Step, step_id)
    assert (step.state, step.output_key, step.progress) == (State.SUCCEEDED, "films/x.mp4", 1.0)


def test_a_lost_lease_takes_the_whole_transaction_with_it(services: Services) -> None:
    job_id, (step_id,) = job_with_steps(services)
    stale = claim(services, step_id)
    with writing(services.engine) as session:
        store.release(session, stale, after_s=0, reason="given back")
    with pytest.raises(LeaseLost), writing(services.engine) as session:  # noqa: PT012 - one transaction
        events.record(session, job_id, "step", detail={"written": "too late"})
        lease.hold(session, stale)
    with reading(services.engine) as session:
        late = session.exec(select(JobEvent).where(col(JobEvent.detail).is_not(None))).all()
    assert [event.detail for event in late] == [{"reason": "given back"}]


def test_a_released_step_waits_by_the_clock_of_the_database(services: Services) -> None:
    _, (step_id,) = job_with_steps(services)
    claimed = claim(services, step_id)
    with writing(services.engine) as session:
        store.release(session, claimed, after_s=3600, reason="parked")
    assert lease.claim(services.engine, step_id, "too early", 60) is None
    with writing(services.engine) as session:
        session.execute(update(Step).values(available_at=Step.started_at))
    assert lease.claim(services.engine, step_id, "in time", 60) is not None


def test_a_step_of_a_finished_job_is_not_claimed(services: Services) -> None:
    job_id, (first, second) = job_with_steps(services, 2)
    claim(services, first)
    with writing(services.engine) as session:
        assert store.end_job(session, job_id, State.CANCELLED)
        assert not store.end_job(session, job_id, State.FAILED)
    assert lease.claim(services.engine, second, "too late", 60) is None
    with reading(services.engine) as session:
        assert session.get_one(Step, second).state == State.CANCELLED
        assert store.runnable(session, limit=10) == []


def test_a_step_is_announced_once(services: Services) -> None:
    _, ids = job_with_steps(services, 3)
    with writing(services.engine) as session:
        found = [step.id for step in store.runnable(session, limit=2)]
        store.mark_announced(session, found)
        rest = [step.id for step in store.runnable(session, limit=10)]
    assert sorted(found + rest) == sorted(ids)


def test_planning_twice_adds_nothing(services: Services) -> None:
    job_id, ids = job_with_steps(services, 2)
    with writing(services.engine) as session:
        store.add_step(session, job_id, kind="render", position=1, name="again", given={})
        assert [step.id for step in store.steps_of(session, job_id)] == ids


def test_a_dead_runner_fails_its_step_and_job(services: Services) -> None:
    job_id, (step_id,) = job_with_steps(services)
    claimed = claim(services, step_id)
    store.fail_abandoned(services.engine, step_id, {"code": "worker_died", "message": "gone"})
    with pytest.raises(LeaseLost), writing(services.engine) as session:
        store.end_step(session, claimed, State.SUCCEEDED)
    with reading(services.engine) as session:
        assert session.get_one(Job, job_id).state == State.FAILED


def test_a_job_of_somebody_else_does_not_exist(services: Services) -> None:
    job_id, _ = job_with_steps(services)
    with reading(services.engine) as session:
        assert store.owned_job(session, job_id, "ada").id == job_id
        with pytest.raises(NotFound):
            store.owned_job(session, job_id, "eve")


@pytest.mark.parametrize("edges", [STEP_EDGES, JOB_EDGES])
def test_every_edge_that_is_not_in_the_table_is_refused(edges: dict[State, frozenset[State]]) -> None:
    refused = 0
    for before in State:
        for after in State:
            if after in edges[before]:
                expect_edge(edges, before, after)
                continue
            with pytest.raises(IllegalEdge):
                expect_edge(edges, before, after)
            refused += 1
    assert refused == 25 - sum(len(afters) for afters in edges.values())
