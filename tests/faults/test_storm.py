"""Everything dies, at every point, on both databases; every song that was accepted becomes its film once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.db import migrations
from cluster.db.engine import open_engine
from cluster.storage.local import LocalStorage
from tests.faults.laboratory import Laboratory, findings, kill_one, running
from tests.support.redis import RedisServer, running_redis
from tests.support.songs import write_song

DEATHS = {
    "claimed": [2, 9],
    "before put": [3],
    "half put of segments": [2],
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
    with running(Laboratory(tmp_path / "data", database_url, redis, DEATHS)) as lab:
        for bpm in (100, 120):
            lab.give(write_song(tmp_path / f"{bpm}.wav", 3.0, bpm))
        kill_one(lab, "worker 0")
        lab.give(write_song(tmp_path / "140.wav", 3.0, 140))
        redis.kill()
        redis.start()
        kill_one(lab, "api")
        lab.run()
        found = findings(lab, LocalStorage(lab.data_dir / "objects"))
    assert sorted(lab.fired()) == sorted(name for name, passages in DEATHS.items() for _ in passages)
    assert lab.deaths >= 2
    assert found.pop("videos") == len(set(lab.jobs)) == 3
    assert not any(found.values()), found
