"""The schema goes up and down, and is what the tables say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel

import cluster.db.tables  # noqa: F401 - fills the metadata
from cluster.db import migrations
from cluster.db.engine import open_engine, reading, writing
from cluster.jobs import store


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{tmp_path / 'a' / 'x.db'}")
    yield opened
    opened.dispose()


def test_the_schema_goes_up_and_down_and_up_again(engine: Engine) -> None:
    migrations.upgrade(engine)
    tables = set(inspect(engine).get_table_names())
    assert tables >= {"songs", "analyses", "compositions", "jobs", "steps", "artifacts", "job_events"}
    migrations.downgrade(engine, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    migrations.upgrade(engine)
    assert set(inspect(engine).get_table_names()) == tables


def test_migrating_again_keeps_the_rows(engine: Engine) -> None:
    migrations.upgrade(engine)
    with writing(engine) as session:
        job_id = store.create_job(session, owner_id="ada", kind="video", subject_id="v")
    migrations.upgrade(engine)
    with reading(engine) as session:
        assert store.owned_job(session, job_id, "ada").created_at.tzinfo is not None


def test_the_revisions_make_what_the_tables_say(engine: Engine) -> None:
    migrations.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_sqlite_is_set_to_survive_a_crash(engine: Engine) -> None:
    with engine.connect() as connection:
        asked = {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in _EXPECTED}
    assert asked == _EXPECTED


_EXPECTED = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}
