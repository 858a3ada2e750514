"""Twenty songs, shared by a Ray cluster and plain workers; without Ray; with Redis wiped in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.storage.local import LocalStorage
from tests.faults.laboratory import Laboratory, findings, running
from tests.support.redis import RedisServer, running_redis
from tests.support.service import wait_for
from tests.support.songs import write_song

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

SONGS = 20
FOREIGN = "raise SystemExit('this is not the module that is meant')\n"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


def ended_by_workers(lab: Laboratory) -> list[int]:
    """Count the steps that each plain worker ended."""
    return [log.read_text().count("step ended") for log in sorted(lab.data_dir.glob("worker-*.log"))]


@pytest.mark.parametrize("case", ["shared with Ray", "without Ray", "without Ray, Redis wiped"])
def test_every_song_is_finished_once(case: str, postgres_url: str, redis: RedisServer, tmp_path: Path) -> None:
    engine = "both" if case == "shared with Ray" else "rq"
    planned = Laboratory(tmp_path / "data", postgres_url, redis, engine=engine)
    planned.data_dir.mkdir()
    (planned.data_dir / "tasks.py").write_text(FOREIGN)  # the workers are started in this folder
    with running(planned) as lab:
        for number in range(SONGS):
            lab.give(write_song(tmp_path / f"{number}.wav", 3.0, 90 + 5 * number))
        if case.endswith("wiped"):
            wait_for(lambda: sum(ended_by_workers(lab)) > SONGS)
            lab.redis.client().flushall()
        lab.run(800)
        found = findings(lab, LocalStorage(lab.data_dir / "objects"))
        by_workers = ended_by_workers(lab)
        steps = len(lab.history().claims)
    assert len(set(lab.jobs)) == SONGS
    assert found.pop("videos") == SONGS
    assert not any(found.values()), found
    assert lab.deaths == 0
    assert min(by_workers) > 0
    assert (sum(by_workers) < steps) == (engine == "both")
