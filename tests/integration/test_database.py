"""The schema goes up and down on both databases with its rows, and is what the tables say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError, StatementError
from sqlmodel import SQLModel

from cluster.db import migrations
from cluster.db.engine import open_engine, reading, writing
from cluster.db.tables import Budget, Step
from cluster.db.time import database_time
from cluster.errors import SettingsError
from cluster.jobs import store
from cluster.jobs.store import NewStep
from tests.support.command import vibecraft
from tests.support.postgres import Server

OLD_ROWS = """
INSERT INTO songs VALUES ('song_1','ada','a.wav',NULL,NULL,'songs/1','1',10,'2026-01-02 03:04:05');
INSERT INTO jobs VALUES ('job_1','ada','video','video_1','running',NULL,'2026-01-02 03:04:05',NULL);
INSERT INTO steps VALUES ('step_1','job_1','analyze',0,'analyze a.wav','{}','running',1,'x',
  '2026-01-02 03:04:05','2026-01-02 03:04:05',NULL,0.5,NULL,NULL,NULL,NULL);
INSERT INTO job_events (id, job_id, kind, at) VALUES (7,'job_1','job','2026-01-02 03:04:05')
"""

CORRECTIONS = "INSERT INTO corrections VALUES ('song_1','ada',1,'{}','2026-01-02 03:04:05')"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a' / 'x.db'}"
    server: Server = request.getfixturevalue("postgres")
    return server.new_database(f"empty_{uuid.uuid4().hex}")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    opened = open_engine(url)
    yield opened
    opened.dispose()


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def rows(engine: Engine) -> dict[str, list[object]]:
    columns = {"songs": "id, filename", "jobs": "id, state", "steps": "id, fence, progress", "job_events": "id, kind"}
    with engine.connect() as connection:
        return {
            table: [tuple(row) for row in connection.execute(text(f"SELECT {names} FROM {table} ORDER BY id"))]  # noqa: S608
            for table, names in columns.items()
        }


def test_every_revision_goes_up_and_down_with_its_rows(engine: Engine) -> None:
    migrations.upgrade(engine, "0001")
    with writing(engine) as session:
        for statement in OLD_ROWS.split(";"):
            session.execute(text(statement))
    before = rows(engine)
    migrations.upgrade(engine)
    migrations.check(engine)
    assert rows(engine) == before
    with reading(engine) as session:
        step = session.execute(select(Step.owner_id, Step.priority, Step.tries, Step.crashes)).one()  # type: ignore[call-overload]
    assert tuple(step) == ("ada", 0, 0, 0)
    with writing(engine) as session:
        session.execute(text(CORRECTIONS))
    migrations.downgrade(engine, "0002")
    assert rows(engine) == before
    migrations.downgrade(engine, "0001")
    assert rows(engine) == before
    migrations.upgrade(engine)
    assert rows(engine) == before
    migrations.downgrade(engine, "base")
    assert tables(engine) == {"alembic_version"}
    migrations.upgrade(engine)
    assert tables(engine) == {*SQLModel.metadata.tables, "alembic_version"}
    migrations.check(engine)


def test_the_revisions_have_one_end() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_heads() == [migrations.head()]


def test_many_may_migrate_at_once(url: str, tmp_path: Path) -> None:
    environment = {**os.environ, "DATABASE_URL": url, "VC_DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-m", "cluster.db.migrations"]
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0] * 4, said
    assert all(f"revision {migrations.head()}" in out for out, _ in said)
    assert sum("(before: empty)" in out for out, _ in said) >= 1


def test_the_command_migrates_and_says_so(url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    run = vibecraft(data_dir, "migrate")
    assert (run.returncode, run.stdout) == (0, f"The database has revision {migrations.head()} (before: empty).\n")
    back = vibecraft(data_dir, "migrate", "--down", "--to", "0001")
    assert (back.returncode, back.stdout) == (0, f"The database has revision 0001 (before: {migrations.head()}).\n")


def test_a_server_that_is_not_migrated_is_left_alone_and_said_to_be(postgres: Server) -> None:
    engine = open_engine(postgres.new_database(f"empty_{uuid.uuid4().hex}"))
    with pytest.raises(SettingsError, match="vibecraft migrate"):
        migrations.make_ready(engine)
    assert tables(engine) == set()
    migrations.upgrade(engine)
    migrations.make_ready(engine)
    with writing(engine) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match="9999"):
        migrations.make_ready(engine)
    engine.dispose()


def test_the_embedded_database_migrates_itself_after_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    engine = open_engine(f"sqlite:///{path}")
    migrations.upgrade(engine, "0001")
    with writing(engine) as session:
        for statement in OLD_ROWS.split(";"):
            session.execute(text(statement))
    before = rows(engine)
    migrations.make_ready(engine)
    assert migrations.current(engine) == migrations.head()
    engine.dispose()
    copy = open_engine(f"sqlite:///{shutil.copy(path.with_name('x.db.before-0001'), tmp_path / 'copy.db')}")
    assert (migrations.current(copy), rows(copy)) == ("0001", before)
    copy.dispose()


def test_an_embedded_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    migrations.upgrade(engine)
    with writing(engine) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match="9999"):
        migrations.make_ready(engine)
    engine.dispose()


def test_migrating_again_keeps_the_rows(engine: Engine) -> None:
    migrations.upgrade(engine)
    with writing(engine) as session:
        job_id = store.create_job(session, owner_id="ada", kind="video", subject_id="v")
        store.add_steps(session, job_id, [NewStep(kind="render", position=0, name="a", given={})])
    migrations.upgrade(engine)
    with reading(engine) as session:
        assert store.owned_job(session, job_id, "ada").created_at.tzinfo is not None
        assert len(store.steps_of(session, job_id)) == 1


def test_money_is_exact_and_bounded_by_the_database_itself(engine: Engine) -> None:
    migrations.upgrade(engine)
    row = {"scope": "song:1", "owner_id": "ada", "limit_usd": Decimal("0.3"), "created_at": database_time()}
    with writing(engine) as session:
        session.execute(insert(Budget).values(**row))
        for _ in range(3):
            session.execute(text("UPDATE budgets SET reserved_usd = reserved_usd + 100000"))
    with reading(engine) as session:
        budget = session.get_one(Budget, "song:1")
        assert (budget.reserved_usd, budget.spent_usd, budget.limit_usd) == (Decimal("0.3"), Decimal(0), Decimal("0.3"))
    with pytest.raises(DBAPIError, match="ck_budgets_limit"), writing(engine) as session:
        session.execute(text("UPDATE budgets SET spent_usd = spent_usd + 1"))
    with pytest.raises(StatementError, match="finer than a millionth"), writing(engine) as session:
        session.execute(insert(Budget).values(**{**row, "scope": "song:2", "limit_usd": Decimal("0.0000001")}))


def test_sqlite_is_set_to_survive_a_crash(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}
    with engine.connect() as connection:
        asked = {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in expected}
    engine.dispose()
    assert asked == expected


@pytest.mark.parametrize(
    ("query", "gss", "timeout"),
    [("", "disable", "30s"), ("?gssencmode=prefer&options=-c%20statement_timeout%3D5s", "prefer", "5s")],
)
def test_postgres_is_asked_as_the_user_wants(postgres_url: str, query: str, gss: str, timeout: str) -> None:
    engine = open_engine(postgres_url.replace("postgresql://", "postgres://") + query)
    with engine.connect() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == timeout
        raw = connection.connection.driver_connection
        assert raw is not None
        assert raw.info.dsn_parameters["gssencmode"] == gss
    engine.dispose()


def test_a_forked_child_opens_connections_of_its_own(postgres_url: str) -> None:
    engine = open_engine(postgres_url)

    def backend() -> int:
        with engine.connect() as connection:
            number: int = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            return number

    ours = backend()
    reading_end, writing_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing_end, str(backend()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = int(os.read(reading_end, 99))
    os.close(reading_end)
    os.close(writing_end)
    assert theirs != ours
    assert backend() == ours
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://x/y", "no url"])
def test_another_database_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        open_engine(url)
