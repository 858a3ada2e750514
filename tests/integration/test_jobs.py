"""Steps are claimed once, written under a fence, and never step back; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlmodel import col, select

from cluster.db.engine import reading, writing
from cluster.db.tables import Job, JobEvent, Step
from cluster.errors import IllegalEdge, JobOver, LeaseLost, NotFound
from cluster.jobs import events, lease, store
from cluster.jobs.announce import announce
from cluster.jobs.events import Event
from cluster.jobs.states import JOB_EDGES, STEP_EDGES, State, expect_edge
from cluster.jobs.store import NewStep
from cluster.services import Services
from tests.support.jobs import add_job, claim, edges, let_time_come, read


@pytest.fixture
def services(on_each_database: Services) -> Services:
    return on_each_database


def give_back(services: Services, claimed: lease.Claim, after_s: float = 0) -> None:
    with writing(services.engine) as session:
        store.release(session, claimed, after_s=after_s, detail={"reason": "given back"})


def test_a_step_is_claimed_by_one_of_many(services: Services) -> None:
    _, (step_id,) = add_job(services)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: lease.claim(services.engine, step_id, f"holder {n}", 60), range(16)))
    assert sum(found is not None for found in claims) == 1


def test_a_claim_starts_the_job_and_leaves_its_trace(services: Services) -> None:
    job_id, (step_id,) = add_job(services)
    claimed = claim(services, step_id, delivery_id="letter")
    assert (claimed.owner_id, claimed.fence, claimed.tries, claimed.crashes) == ("ada", 1, 0, 0)
    step = read(services, step_id)
    assert step.lease_until is not None
    assert step.started_at is not None
    assert step.delivery_id == "letter"
    assert 59 < (step.lease_until - step.started_at).total_seconds() < 61
    with reading(services.engine) as session:
        assert session.get_one(Job, job_id).state == State.RUNNING
        trace = [(event.kind, event.before, event.after) for event in events.events_after(session, job_id)]
    assert trace == [
        ("job", None, "queued"),
        ("step", None, "queued"),
        ("step", "queued", "running"),
        ("job", "queued", "running"),
    ]


def test_a_stale_holder_writes_nothing(services: Services) -> None:
    _, (step_id,) = add_job(services)
    stale = claim(services, step_id)
    give_back(services, stale)
    fresh = claim(services, step_id)
    assert fresh.fence == stale.fence + 1
    with pytest.raises(LeaseLost), writing(services.engine) as session:
        store.end_step(session, stale, State.SUCCEEDED)
    with pytest.raises(LeaseLost), writing(services.engine) as session:
        store.release(session, stale, after_s=0, detail={})
    with pytest.raises(LeaseLost), writing(services.engine) as session:
        lease.write(session, stale, progress=0.9)
    with writing(services.engine) as session:
        store.end_step(session, fresh, State.SUCCEEDED, output_key="films/x.mp4")
    step = read(services, step_id)
    assert (step.state, step.output_key, step.progress) == (State.SUCCEEDED, "films/x.mp4", 1.0)


def test_a_lost_lease_takes_the_whole_transaction_with_it(services: Services) -> None:
    job_id, (step_id,) = add_job(services)
    stale = claim(services, step_id)
    give_back(services, stale)
    with pytest.raises(LeaseLost), writing(services.engine) as session:  # noqa: PT012 - one transaction
        events.record(session, job_id, Event("step", detail={"written": "too late"}))
        lease.hold(session, stale)
    with reading(services.engine) as session:
        late = session.exec(select(JobEvent).where(col(JobEvent.detail).is_not(None))).all()
    assert [event.detail for event in late] == [{"reason": "given back"}]


def test_a_released_step_waits_by_the_clock_of_the_database(services: Services) -> None:
    _, (step_id,) = add_job(services)
    give_back(services, claim(services, step_id), after_s=3600)
    assert lease.claim(services.engine, step_id, "too early", 60) is None
    assert announce(services.engine, limit=9, again_after_s=30) == []
    let_time_come(services, step_id)
    assert lease.claim(services.engine, step_id, "in time", 60) is not None


def test_the_end_of_a_job_takes_every_unfinished_step_with_it(services: Services) -> None:
    job_id, (first, second, third) = add_job(services, 3)
    done = claim(services, first)
    with writing(services.engine) as session:
        store.end_step(session, done, State.SUCCEEDED)
    running = claim(services, second)
    with writing(services.engine) as session:
        assert store.end_job(session, job_id, State.CANCELLED)
        assert not store.end_job(session, job_id, State.FAILED)
    assert [read(services, step_id).state for step_id in (first, second, third)] == [
        State.SUCCEEDED,
        State.CANCELLED,
        State.CANCELLED,
    ]
    with pytest.raises(LeaseLost), writing(services.engine) as session:
        store.end_step(session, running, State.SUCCEEDED)
    assert lease.claim(services.engine, third, "too late", 60) is None
    assert announce(services.engine, limit=9, again_after_s=30) == []
    assert sorted(edges(services, job_id)[-2:]) == [("queued", "cancelled"), ("running", "cancelled")]


def test_what_is_over_cannot_be_cancelled(services: Services) -> None:
    job_id, _ = add_job(services)
    with writing(services.engine) as session:
        store.cancel(session, job_id)
    with pytest.raises(JobOver), writing(services.engine) as session:
        store.cancel(session, job_id)
    assert edges(services, job_id, "job") == [(None, "queued"), ("queued", "cancelled")]


def test_planning_twice_adds_nothing(services: Services) -> None:
    job_id, ids = add_job(services, 2)
    with writing(services.engine) as session:
        store.add_steps(session, job_id, [NewStep(kind="render", position=1, name="again", given={})])
        assert [step.id for step in store.steps_of(session, job_id)] == ids
    assert edges(services, job_id) == [(None, "queued")] * 2


def test_a_job_of_somebody_else_does_not_exist(services: Services) -> None:
    job_id, _ = add_job(services)
    with reading(services.engine) as session:
        assert store.owned_job(session, job_id, "ada").id == job_id
        with pytest.raises(NotFound):
            store.owned_job(session, job_id, "eve")


def test_who_reads_events_while_they_are_written_misses_none(services: Services) -> None:
    job_id, ids = add_job(services, 60)
    seen: list[JobEvent] = []

    def follow() -> None:
        with reading(services.engine) as session:
            last = seen[-1].id if seen else 0
            assert last is not None
            seen.extend(events.events_after(session, job_id, last))

    def work(step_id: str) -> None:
        claimed = claim(services, step_id)
        with writing(services.engine) as session:
            store.end_step(session, claimed, State.SUCCEEDED)

    with ThreadPoolExecutor(6) as pool:
        running = [pool.submit(work, step_id) for step_id in ids]
        while wait(running, timeout=0.005).not_done:  # a reader without a break would keep the writers' interpreter
            follow()
        for one in running:
            one.result()
    follow()
    follow()
    with reading(services.engine) as session:
        everything = session.exec(select(JobEvent.id).where(JobEvent.job_id == job_id).order_by(col(JobEvent.id))).all()
    assert [event.id for event in seen] == list(everything)
    assert len(everything) == 1 + 60 + 60 + 1 + 60
    assert {(event.before, event.after) for event in seen if event.kind == "step"} == {
        (None, "queued"),
        ("queued", "running"),
        ("running", "succeeded"),
    }


@pytest.mark.parametrize("table", [STEP_EDGES, JOB_EDGES])
def test_every_edge_that_is_not_in_the_table_is_refused(table: dict[State, frozenset[State]]) -> None:
    refused = 0
    for before in State:
        for after in State:
            if after in table[before]:
                expect_edge(table, before, after)
                continue
            with pytest.raises(IllegalEdge):
                expect_edge(table, before, after)
            refused += 1
    assert refused == 25 - sum(len(afters) for afters in table.values())


def test_no_step_takes_a_step_back_whatever_is_tried(services: Services) -> None:
    for final in (State.SUCCEEDED, State.FAILED, State.CANCELLED):
        _, (step_id,) = add_job(services)
        claimed = claim(services, step_id)
        with writing(services.engine) as session:
            store.end_step(session, claimed, final)
        for after in (State.SUCCEEDED, State.FAILED, State.CANCELLED):
            with pytest.raises(LeaseLost), writing(services.engine) as session:
                store.end_step(session, claimed, after)
        with pytest.raises(IllegalEdge), writing(services.engine) as session:
            store.end_step(session, claimed, State.RUNNING)
        assert lease.claim(services.engine, step_id, "again", 60) is None
        assert read(services, step_id).state == final


def test_the_database_itself_knows_the_names_of_the_states(services: Services) -> None:
    _, (step_id,) = add_job(services)
    with pytest.raises(Exception, match="ck_steps_state"), writing(services.engine) as session:
        session.get_one(Step, step_id).state = "resting"
