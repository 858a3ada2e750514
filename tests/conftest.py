"""What every test starts from: a data folder of its own, and one kernel cache for all."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

os.environ["RAY_AUTH_MODE"] = "disabled"
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "vibecraft-test-kernels"))
for name in ("DATABASE_URL", "FFMPEG_BIN", "RAY_ADDRESS", "REDIS_URL", "PORT", "API_PORT", "API_HOST"):
    os.environ.pop(name, None)
for name in [name for name in os.environ if name.startswith("S3_")]:
    os.environ[f"NAMED_{name}"] = os.environ.pop(name)  # for the storage suite alone

from cluster.db import migrations  # noqa: E402 - after the environment is settled
from cluster.db.engine import open_engine  # noqa: E402
from cluster.services import Services, open_services  # noqa: E402
from cluster.settings import load_settings  # noqa: E402
from tests.support.postgres import Server, running_server  # noqa: E402

hypothesis.settings.register_profile("any machine", deadline=None)  # how long an example takes is no test
hypothesis.settings.load_profile("any machine")

_MIGRATED = "migrated"


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a data folder, named in the environment for itself and its children."""
    folder = tmp_path / "data"
    monkeypatch.setenv("VC_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def services(data_dir: Path) -> Iterator[Services]:
    """Open a migrated platform on a fresh data folder."""
    settings = load_settings()
    assert settings.data_dir == data_dir
    opened = open_services(settings, migrate=True)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Start the one Postgres of the session, with a migrated database to copy."""
    with running_server() as server:
        engine = open_engine(server.new_database(_MIGRATED))
        migrations.upgrade(engine)
        engine.dispose()
        yield server


@pytest.fixture(scope="module")
def module_postgres_url(postgres: Server) -> str:
    """Make a migrated Postgres database for all tests of a module."""
    return postgres.new_database(f"module_{uuid.uuid4().hex}", template=_MIGRATED)


@pytest.fixture
def postgres_url(postgres: Server) -> str:
    """Make a fresh, migrated Postgres database."""
    return postgres.new_database(f"test_{uuid.uuid4().hex}", template=_MIGRATED)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name a database of each kind; the Postgres one is migrated, the SQLite one is made when it is opened."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture
def on_each_database(database_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Open a migrated platform on each kind of database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    settings = load_settings()
    assert settings.data_dir == data_dir
    opened = open_services(settings, migrate=True)
    yield opened
    opened.close()
