"""The rows of the fault matrix, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.db import migrations
from cluster.db.engine import open_engine
from tests.faults.rows import ROWS, run_row
from tests.support.redis import RedisServer, running_redis

pytestmark = [pytest.mark.full, pytest.mark.timeout(400)]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


@pytest.mark.parametrize("name", ROWS)
def test_a_fault_costs_nothing_but_time(name: str, database_url: str, redis: RedisServer, tmp_path: Path) -> None:
    engine = open_engine(database_url)
    migrations.upgrade(engine)
    engine.dispose()
    fired, wrong = run_row(ROWS[name], database_url, redis, tmp_path)
    assert fired >= 1
    assert wrong == {}
