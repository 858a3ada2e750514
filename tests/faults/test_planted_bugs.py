"""The laboratory finds what is broken: the same faults are survived by the product, and not by one with a bug."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cluster.storage.local import LocalStorage
from tests.faults.laboratory import Laboratory, findings, running
from tests.support.redis import RedisServer, running_redis
from tests.support.songs import write_song

pytestmark = [pytest.mark.full, pytest.mark.timeout(400)]

_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Case:
    """A fault, and under which settings it shows."""

    faults: dict[str, list[int]]
    settings: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)


CASES = {
    "no fence": Case({"stop:worked": [3]}),
    "no second announcement": Case({"announced": [1]}),
    "no atomic publish": Case({"half put of segments": [1]}),
    "no heartbeat": Case(
        {},
        {"VC_LEASE_S": "2", "VC_HEARTBEAT_S": "0.2", "VC_REAP_EVERY_S": "0.1"},
        {"resolution": "1080p", "fps": "60", "style": "silk"},
    ),
    "announcement before commit": Case({"before commit": [1]}),
}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


def outcome(case: Case, bug: str, url: str, redis: RedisServer, folder: Path) -> dict[str, Any]:
    """Let two films be made under the case's faults and give what is wrong afterwards."""
    planned = Laboratory(folder / "data", url, redis, case.faults, bug, settings=case.settings, form=case.form)
    with running(planned) as lab:
        for bpm in (100, 130):
            lab.give(write_song(folder / f"{bpm}.wav", 3.0, bpm))
        with contextlib.suppress(TimeoutError):  # what is not over is found below
            lab.run(_PATIENCE_S)
        lab.let_go()
        found = findings(lab, LocalStorage(lab.data_dir / "objects"))
        fired = lab.fired()
        freed = len(lab.history().freed)
    found["robbed"] = max(0, freed - len(fired) - lab.deaths)
    expected = sum(map(len, case.faults.values()))
    assert len(fired) == expected or (bug == "" and "before commit" in case.faults)
    return {name: wrong for name, wrong in found.items() if wrong and name != "videos"}


@pytest.mark.parametrize("bug", CASES)
def test_the_product_survives_what_shows_the_bug(
    bug: str, postgres_url: str, redis: RedisServer, tmp_path: Path
) -> None:
    assert outcome(CASES[bug], "", postgres_url, redis, tmp_path) == {}


@pytest.mark.parametrize("bug", CASES)
def test_a_planted_bug_is_found(bug: str, postgres_url: str, redis: RedisServer, tmp_path: Path) -> None:
    assert outcome(CASES[bug], bug, postgres_url, redis, tmp_path) != {}
