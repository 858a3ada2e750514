"""What every test starts from: a data folder of its own, and one kernel cache for all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["RAY_AUTH_MODE"] = "disabled"
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "vibecraft-test-kernels"))
for name in ("DATABASE_URL", "FFMPEG_BIN", "RAY_ADDRESS", "REDIS_URL", "PORT", "API_PORT", "API_HOST"):
    os.environ.pop(name, None)

from cluster.services import Services, open_services  # noqa: E402 - after the environment is settled
from cluster.settings import load_settings  # noqa: E402


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
    opened.engine.dispose()
