"""The command line as its users meet it: a process with its own data folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import av

PROGRAM = Path(sys.executable).with_name("vibecraft")


def environment(data_dir: Path) -> dict[str, str]:
    """Give this process's environment with another data folder and one kernel cache for all tests."""
    return {**os.environ, "VC_DATA_DIR": str(data_dir), "COLUMNS": "120"}


def vibecraft(data_dir: Path, *arguments: str | Path, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
    """Run the command and give what it printed and its exit code."""
    return subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env=environment(data_dir),
    )


def picture_hashes(video: Path) -> list[str]:
    """Hash the decoded planes of every frame."""
    with av.open(str(video)) as container:
        return [hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest() for frame in container.decode(video=0)]
