"""One local Ray for the tests that need it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.runtime import Runtime
from cluster.services import Services, open_services
from cluster.settings import load_settings


@pytest.fixture(scope="session")
def ray_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Start Ray with two workers on a data folder of its own, and open that folder here too."""
    folder: Path = tmp_path_factory.mktemp("ray") / "data"
    before = os.environ.get("VC_DATA_DIR")
    os.environ["VC_DATA_DIR"] = str(folder)  # workers read it when they start
    settings = load_settings()
    services = open_services(settings, migrate=True)
    runtime = Runtime(settings, workers=2)
    runtime.start()
    if before is None:
        del os.environ["VC_DATA_DIR"]
    else:
        os.environ["VC_DATA_DIR"] = before
    yield services
    runtime.stop()
    services.engine.dispose()
