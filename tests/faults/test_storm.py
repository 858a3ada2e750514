"""Everything dies, at every point, on both databases; every song that was accepted becomes its film once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.db import migrations
from cluster.db.engine import open_engine
from tests.faults.laboratory import findings, kill_one, laboratory
from tests.support.redis import RedisServer, running_redis
from tests.support.songs import write_song

DEATHS = {
    "claimed": [2, 9],
    "before put": [3],
    "half put": [7],
    "after put": [4],
    "worked": [6],
    "ended": [8],
    "before pointer": [1],
    "announced": [3],
}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


@pytest.mark.timeout(600)
def test_a_storm_costs_nothing_but_time(database_url: str, redis: RedisServer, tmp_path: Path) -> None:
    engine = open_engine(database_url)
    migrations.upgrade(engine)
    engine.dispose()
    with laboratory(tmp_path / "data", database_url, redis, DEATHS) as lab:
        jobs = [lab.give(write_song(tmp_path / f"{bpm}.wav", 3.0, bpm)) for bpm in (100, 120)]
        kill_one(lab, "worker 0")
        jobs.append(lab.give(write_song(tmp_path / "140.wav", 3.0, 140)))
        redis.kill()
        redis.start()
        kill_one(lab, "api")
        lab.run(jobs)
        found = findings(lab, database_url)
    assert sorted(lab.fired()) == sorted(name for name, passages in DEATHS.items() for _ in passages)
    assert lab.deaths >= 2
    assert found.pop("videos") == len(set(jobs))
    assert not any(found.values()), found
