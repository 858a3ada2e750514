"""What is lost is found again: leases that end, tries that are spent, processes that die, wishes that change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from cluster.db.engine import open_engine, reading, writing
from cluster.db.tables import Job
from cluster.errors import LeaseLost
from cluster.jobs import lease, retry, store
from cluster.jobs.keeper import Keeper
from cluster.jobs.states import State
from cluster.services import Services
from tasks.wakeup import SKIPPED, run_step
from tests.support.jobs import add_job, claim, edges, let_lease_end, let_time_come, read


class HandClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> datetime:
        """Give a fixed day."""
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        """Give what the test set."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.at += seconds


@pytest.fixture
def services(on_each_database: Services) -> Services:
    return on_each_database


def keeper_of(services: Services, clock: HandClock | None = None) -> Keeper:
    return Keeper(services.engine, services.settings, clock or HandClock())


def lose(services: Services, step_id: str) -> State | None:
    let_lease_end(services, step_id)
    return retry.run_again(services.engine, step_id, services.settings, "the lease ended")


def test_a_step_whose_lease_has_ended_can_be_claimed_again_at_once(services: Services) -> None:
    job_id, (step_id,) = add_job(services)
    stale = claim(services, step_id)
    keeper = keeper_of(services)
    assert keeper.reap() == 0
    let_lease_end(services, step_id)
    assert keeper.reap() == 1
    assert keeper.reap() == 0
    fresh = claim(services, step_id)
    assert (fresh.fence, fresh.crashes, fresh.tries) == (stale.fence + 2, 1, 0)
    with pytest.raises(LeaseLost), writing(services.engine) as session:
        store.end_step(session, stale, State.SUCCEEDED)
    assert edges(services, job_id)[1:] == [("queued", "running"), ("running", "queued"), ("queued", "running")]


def test_a_wake_up_that_finds_no_database_ends_with_a_sentence(services: Services) -> None:
    away = replace(services, engine=open_engine("postgresql://nobody@127.0.0.1:1/none"))
    with capture_logs() as lines:
        assert run_step("step_1", "letter", services=away) == SKIPPED
    assert [(line["log_level"], line["step_id"]) for line in lines] == [("warning", "step_1")]
    assert "announced again" in lines[0]["event"]


def test_a_lease_that_ended_is_refused_even_before_anybody_took_the_step(services: Services) -> None:
    _, (step_id,) = add_job(services)
    stale = claim(services, step_id)
    let_lease_end(services, step_id)
    keeper_of(services).reap()
    with pytest.raises(LeaseLost), writing(services.engine) as session:
        lease.hold(session, stale)


def test_a_beat_keeps_all_leases_of_a_process(services: Services) -> None:
    _, ids = add_job(services, 3)
    keeper = keeper_of(services)
    claims = [claim(services, step_id, lease_s=1000) for step_id in ids]
    with keeper.holding(claims[0], 100.0), keeper.holding(claims[1], 100.0):
        for step_id in ids:
            let_lease_end(services, step_id)
        keeper.beat()
        keeper.reap()
    assert [read(services, step_id).state for step_id in ids] == [State.RUNNING, State.RUNNING, State.QUEUED]


def test_a_step_learns_that_its_job_was_cancelled(services: Services) -> None:
    job_id, (step_id,) = add_job(services)
    keeper = keeper_of(services)
    with keeper.holding(claim(services, step_id), 100.0) as kept:
        keeper.look()
        kept.check()
        with writing(services.engine) as session:
            store.cancel(session, job_id)
        keeper.look()
        with pytest.raises(LeaseLost):
            kept.check()


def test_a_process_that_was_stopped_for_longer_than_its_lease_stops_by_itself(services: Services) -> None:
    _, (step_id,) = add_job(services)
    clock = HandClock()
    keeper = keeper_of(services, clock)
    claimed = claim(services, step_id)
    with keeper.holding(claimed, clock.monotonic()) as kept:
        clock.at += services.settings.lease_s - 1
        kept.check()
        keeper.beat()
        clock.at += services.settings.lease_s - 1
        kept.check()
        clock.at += 2
        with pytest.raises(LeaseLost):
            kept.check()


def test_a_step_that_takes_processes_with_it_is_given_up_with_its_evidence(services: Services) -> None:
    job_id, (poison, other) = add_job(services, 2)
    for _ in range(services.settings.max_crashes - 1):
        claim(services, poison)
        assert lose(services, poison) == State.QUEUED
    claim(services, poison)
    assert lose(services, poison) == State.FAILED
    assert read(services, other).state == State.CANCELLED
    with reading(services.engine) as session:
        job = session.get_one(Job, job_id)
        (letter,) = retry.dead_letters(session, "ada")
    assert letter.id == poison
    assert letter.error is not None
    assert (letter.error["code"], letter.error["crashes"]) == (retry.CRASHED, services.settings.max_crashes)
    assert letter.error["evidence"] == {"last": "the lease ended", "holder": "a test"}
    assert job.error == letter.error


def test_only_the_run_that_died_is_freed(services: Services) -> None:
    _, (step_id,) = add_job(services)
    claim(services, step_id, delivery_id="first")
    settings = services.settings
    assert retry.run_again(services.engine, step_id, settings, "died", delivery_id="another") is None
    assert retry.run_again(services.engine, step_id, settings, "died", delivery_id="first") == State.QUEUED
    assert retry.run_again(services.engine, step_id, settings, "died", delivery_id="first") is None
    assert retry.run_again(services.engine, "step_absent", settings, "died") is None


def test_a_try_that_does_not_work_is_tried_later_and_given_up_in_the_end(services: Services) -> None:
    job_id, (step_id,) = add_job(services)
    evidence = {"command": ["ffmpeg"], "exit_status": -9, "stderr": "Killed"}
    for number in range(1, services.settings.max_tries + 1):
        claimed = claim(services, step_id)
        assert claimed.tries == number - 1
        with writing(services.engine) as session:
            state = retry.try_again(session, claimed, "not this time", services.settings, evidence)
        assert state == (State.QUEUED if number < services.settings.max_tries else State.FAILED)
        let_time_come(services, step_id)
    with reading(services.engine) as session:
        job = session.get_one(Job, job_id)
        (letter,) = retry.dead_letters(session)
    assert letter.error is not None
    assert (letter.error["code"], letter.error["tries"]) == (retry.GAVE_UP, 5)
    assert letter.error["evidence"] == evidence
    assert (job.state, job.retries) == (State.FAILED, 4)


def test_all_steps_of_a_job_share_its_retries(services: Services) -> None:
    job_id, ids = add_job(services, 3)
    settings = services.settings.model_copy(update={"max_job_retries": 2})
    ends = []
    for step_id in ids:
        claimed = claim(services, step_id)
        with writing(services.engine) as session:
            ends.append(retry.try_again(session, claimed, "not this time", settings))
    assert ends == [State.QUEUED, State.QUEUED, State.FAILED]
    with reading(services.engine) as session:
        assert session.get_one(Job, job_id).state == State.FAILED


def test_waits_double_have_full_jitter_and_a_bound(services: Services) -> None:
    settings = services.settings
    for tries, bound in ((1, 2), (2, 4), (3, 8), (6, 64), (7, 120), (30, 120)):
        waits = [retry.wait_s(tries, settings) for _ in range(300)]
        assert max(waits) <= bound
        assert min(waits) < 0.1 * bound
        assert max(waits) > 0.9 * bound
