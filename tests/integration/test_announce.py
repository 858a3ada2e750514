"""Who goes first, and who is told again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from cluster.db.engine import writing
from cluster.db.tables import Step
from cluster.db.time import database_time
from cluster.jobs import announce, store
from cluster.jobs.states import State
from cluster.services import Services
from tests.support.jobs import add_job, claim, read

AGAIN_S = 30


@pytest.fixture
def services(on_each_database: Services) -> Services:
    return on_each_database


def told(services: Services, limit: int, **options: object) -> list[str]:
    found = announce.announce(services.engine, limit=limit, again_after_s=AGAIN_S, **options)  # type: ignore[arg-type]
    return [step.id for step in found]


def let_announcements_age(services: Services) -> None:
    with writing(services.engine) as session:
        session.execute(update(Step).values(announced_at=database_time(-AGAIN_S - 1)))


def test_a_step_is_announced_once(services: Services) -> None:
    _, ids = add_job(services, 5)
    assert told(services, 2) == ids[:2]
    assert told(services, 9) == ids[2:]
    assert told(services, 9) == []


def test_what_nobody_claims_is_announced_again(services: Services) -> None:
    _, ids = add_job(services, 3)
    assert told(services, 9) == ids
    claim(services, ids[1])
    let_announcements_age(services)
    assert told(services, 9) == [ids[0], ids[2]]


def test_an_announcement_that_stands_is_not_repeated(services: Services) -> None:
    _, ids = add_job(services, 2)
    told(services, 9)
    let_announcements_age(services)
    announce.keep_announced(services.engine, [ids[0]])
    assert told(services, 9) == [ids[1]]


def test_an_announcement_that_came_to_nothing_is_taken_back(services: Services) -> None:
    _, ids = add_job(services, 2)
    told(services, 9)
    announce.withdraw(services.engine, [ids[1]])
    assert told(services, 9) == [ids[1]]


def test_many_announcers_tell_of_a_step_once(services: Services) -> None:
    _, ids = add_job(services, 40)
    with ThreadPoolExecutor(6) as pool:
        found = [step_id for some in pool.map(lambda _: told(services, 10), range(12)) for step_id in some]
    found += told(services, 100)
    assert sorted(found) == sorted(ids)


def test_only_one_job_and_some_kinds_can_be_asked_for(services: Services) -> None:
    add_job(services, 2)
    mine, ids = add_job(services, 2)
    assert told(services, 9, job_id=mine, kinds={"plan"}) == []
    assert told(services, 9, job_id=mine, kinds={"render"}) == ids


def test_a_batch_of_five_hundred_songs_does_not_starve_one_song(services: Services) -> None:
    for _ in range(50):
        add_job(services, 10, owner_id="label")
    first = told(services, 4)  # four places are free and the label is alone: it takes them all
    for step_id in first:
        claim(services, step_id)
    _, one_song = add_job(services, 10, owner_id="bob")
    for step_id in first[:2]:
        finish(services, step_id)
    freed = told(services, 2)
    assert freed == one_song[:2]  # the label still has two at work
    for step_id in freed:
        claim(services, step_id)
    owners = [read(services, step_id).owner_id for step_id in told(services, 6)]
    assert owners.count("bob") == 3  # from here on they share


def test_within_an_owner_the_oldest_job_goes_first(services: Services) -> None:
    _, first = add_job(services, 2)
    _, second = add_job(services, 2)
    assert told(services, 4) == first + second


def test_a_higher_priority_goes_first_whoever_waits(services: Services) -> None:
    _, batch = add_job(services, 3, owner_id="ada", priority=store.BATCH)
    _, wanted = add_job(services, 2, owner_id="ada")
    _, others = add_job(services, 1, owner_id="bob")
    order = told(services, 9)
    assert set(order[:3]) == {*wanted, *others}
    assert order[3:] == batch


def test_the_backlog_is_what_could_run(services: Services) -> None:
    _, ids = add_job(services, 4)
    assert announce.backlog(services.engine) == 4
    claim(services, ids[0])
    assert announce.backlog(services.engine) == 3
    assert announce.announce(services.engine, limit=0, again_after_s=AGAIN_S) == []


def finish(services: Services, step_id: str) -> None:
    with writing(services.engine) as session:
        session.execute(update(Step).where(Step.id == step_id).values(state=State.SUCCEEDED))  # type: ignore[arg-type]
