"""Two processes fight over steps while they are stopped for longer than their leases, and killed.

Nothing is lost, nothing is done twice, no step goes back, and who was away too long writes nothing.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from cluster.db.engine import reading
from cluster.db.tables import Step
from cluster.jobs.states import State
from cluster.services import Services
from tests.support.arena import Arena, arena, lines_of
from tests.support.fighter import KILL, KILL_WRITING, PROBE, PROBES, STALL
from tests.support.history import Happened, History, Run, check, read_history
from tests.support.stubs import EFFECT, add_jobs

JOBS, STEPS, OWNERS = 20, 100, 2
SHORT = {
    "VC_LEASE_S": "0.8",
    "VC_HEARTBEAT_S": "0.2",
    "VC_LOOK_S": "0.2",
    "VC_REAP_EVERY_S": "0.2",
    "VC_REANNOUNCE_S": "1",
    "VC_MAX_CRASHES": "1000",
}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the leases; on a machine so slow that a living holder loses one, a step may crash often."""
    for name, value in SHORT.items():
        monkeypatch.setenv(name, value)


def act(job: int, position: int) -> dict[str, Any]:
    """Plan a stall in every job, some deaths, and some attempts at what is not allowed."""
    acts = {7: STALL, 31: PROBE, 57: {0: KILL, 1: KILL_WRITING}.get(job % 10)}
    return {"act": acts.get(position)}


def planned(services: Services, *acts: str) -> set[str]:
    with reading(services.engine) as session:
        steps = session.exec(select(Step).order_by(col(Step.id))).all()
    return {step.id for step in steps if step.input["act"] in acts}


def runs(fight: Arena, did: str) -> set[Run]:
    found = [line.run for line in fight.lines() if line.did == did]
    assert did == "refused" or len(found) == len(set(found))
    return set(found)


def steps_of(found: set[Run]) -> set[str]:
    return {step_id for step_id, _ in found}


def expect_plan_kept(services: Services, fight: Arena, history: History) -> None:
    """Expect that every run came to the end that was planned for it, and that the rows tell the same.

    A holder that a slow machine kept from its heartbeats loses its lease too; it is refused like one that was stopped.
    """
    stalled, killed, lost, ended = (runs(fight, did) for did in ("stalled", "killed", "lost", "ended"))
    assert steps_of(stalled) == planned(services, STALL)
    assert len(stalled) == JOBS
    assert steps_of(killed) >= planned(services, KILL) != set()
    assert steps_of(killed | (lost - stalled)) >= planned(services, KILL_WRITING) != set()
    assert stalled <= lost  # each wrote too late and was refused
    assert history.freed == killed | lost  # who lost a step is dead or was refused, and nobody else was
    assert set(history.claims) == killed | lost | ended
    assert len(history.claims) == len(killed) + len(lost) + len(ended)


def expect_counts(fight: Arena) -> None:
    """Expect of every fighter that came to its end the counts that its lines give."""
    finished = [lines for fighter in fight.fighters if (lines := lines_of(fighter))[-1].did == "finished"]
    assert len(finished) == 2
    for lines in finished:
        did = Counter(line.did for line in lines)
        names = {"claims": "claimed", "ended": "ended", "lease_lost": "lost", "illegal_refused": "refused"}
        assert lines[-1].counts == {name: did[what] for name, what in names.items()}


@pytest.mark.usefixtures("short")
def test_two_processes_that_stall_and_die_lose_nothing_and_do_nothing_twice(
    on_each_database: Services, tmp_path: Path
) -> None:
    services = on_each_database
    add_jobs(services.engine, JOBS, STEPS, OWNERS, act)
    with arena(services, tmp_path, lambda step, fence: step.fence > fence) as fight:
        fight.start()
        fight.start()
        fight.until(lambda: not fight.alive())
    history = read_history(services.engine)
    assert history.faults == {}
    assert (history.steps, history.effects) == (JOBS * STEPS, JOBS * STEPS)
    expect_plan_kept(services, fight, history)
    expect_counts(fight)
    did = Counter(line.did for line in fight.lines())
    assert (did["claimed"], did["ended"], did["accepted"]) == (len(history.claims), JOBS * STEPS, 0)
    assert did["refused"] >= PROBES * (did["lost"] + 1)
    assert len(fight.fighters) == 2 + did["killed"]


@pytest.mark.usefixtures("short")
def test_the_fight_finds_who_writes_without_a_fence(services: Services, tmp_path: Path) -> None:
    add_jobs(services.engine, 2, STEPS, OWNERS, lambda _, position: {"act": STALL if position == 7 else None})
    with arena(services, tmp_path, lambda step, _: step.state == State.SUCCEEDED) as fight:
        fight.start("--without-fence")
        fight.until(fight.standing)
        fight.start("--without-fence", "--steady")
        fight.until(lambda: not fight.alive())
    history = read_history(services.engine)
    stalled = steps_of(runs(fight, "stalled"))
    assert stalled
    assert stalled <= set(history.doubled) <= steps_of(history.freed)  # also where a slow machine ended a lease
    assert all(any(step_id in told for told in history.illegal) for step_id in stalled)
    assert runs(fight, "lost") == set()


GOOD = [
    Happened("j", "job", None, None, "queued", None),
    Happened("j", "step", "s", None, "queued", None),
    Happened("j", "step", "s", "queued", "running", 1),
    Happened("j", "job", None, "queued", "running", None),
    Happened("j", "step", "s", "running", "queued", 2),
    Happened("j", "step", "s", "queued", "running", 3),
    Happened("j", "step", "s", "running", "succeeded", 3),
    Happened("j", EFFECT, "s", None, None, 3),
    Happened("j", "job", None, "running", "succeeded", None),
]


@pytest.mark.parametrize(
    ("job", "step", "happened", "faults"),
    [
        ("succeeded", "succeeded", GOOD, set()),
        ("succeeded", "running", GOOD, {"lost", "torn"}),
        ("succeeded", "succeeded", GOOD[:7] + GOOD[8:], {"lost"}),
        ("succeeded", "succeeded", [*GOOD, GOOD[7]], {"doubled"}),
        ("succeeded", "succeeded", GOOD[:2] + GOOD[3:], {"illegal"}),
        ("succeeded", "succeeded", GOOD[1:], {"illegal"}),
        ("succeeded", "succeeded", [*GOOD, GOOD[6]], {"illegal"}),
        ("succeeded", "succeeded", [*GOOD[:5], GOOD[2], *GOOD[6:]], {"fallen"}),
        ("running", "succeeded", GOOD[:8], {"unended"}),
        ("running", "succeeded", GOOD, {"unended", "torn"}),
    ],
)
def test_the_checker_finds_every_broken_promise(
    job: str, step: str, happened: list[Happened], faults: set[str]
) -> None:
    history = check({"j": job}, {"s": step}, happened)
    assert set(history.faults) == faults


def test_the_checker_tells_claims_and_who_lost_theirs() -> None:
    history = check({"j": "succeeded"}, {"s": "succeeded"}, GOOD)
    assert (history.claims, history.freed, history.effects) == ([("s", 1), ("s", 3)], {("s", 1)}, 1)
