"""Compiled kernels: processes that begin together on an empty cache leave one that works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import environment

COMPILE = "from tasks.kernels import compile_alone; from tasks.audio.warm import warm; compile_alone('audio', warm)"


@pytest.mark.full
def test_processes_that_compile_at_once_leave_a_cache_that_works(tmp_path: Path) -> None:
    given = {**environment(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    command = [sys.executable, "-X", "faulthandler", "-c", COMPILE]
    together = [subprocess.Popen(command, env=given, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate()[1] for process in together]
    assert [process.returncode for process in together] == [0, 0, 0], said
    (marker,) = (tmp_path / "kernels").glob("audio-*.ready")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "kernels").rglob("*.nb?")}
    assert subprocess.run(command, env=given, check=False).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "kernels").rglob("*.nb?")} == before != {}
    assert marker.exists()
    assert os.environ.get("NUMBA_CACHE_DIR") != given["NUMBA_CACHE_DIR"]
