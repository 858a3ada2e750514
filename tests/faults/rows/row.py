"""What a row of the fault matrix is, and how one is run.

A row makes its fault happen while films are made and says how often it fired; that everything else is as if nothing
had been is checked afterwards, the same for all rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.db import migrations
from cluster.db.engine import open_engine
from cluster.storage.base import Storage
from cluster.storage.local import LocalStorage
from tests.faults.laboratory import Laboratory, children, findings, running
from tests.support.postgres import Server, running_server
from tests.support.redis import running_redis
from tests.support.service import marked, wait_for
from tests.support.songs import write_song

POSTGRES, SQLITE = "postgres", "sqlite"


@dataclass
class Ground:
    """What a laboratory stands on; a row's `lay` may put something of its own between."""

    lab: Laboratory
    stack: contextlib.ExitStack
    folder: Path
    postgres: Server | None
    storage: Storage
    tools: dict[str, Any] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)

    def song(self, bpm: int, seconds: float = 3.0) -> Path:
        """Write a song."""
        return write_song(self.folder / f"{bpm}.wav", seconds, bpm)


@dataclass(frozen=True)
class Row:
    """A fault: what happens at named points, and what `act` does while the films are made; it gives how often."""

    title: str
    act: Callable[[Ground], int] = lambda _: 0
    lay: Callable[[Ground], None] = lambda _: None
    faults: dict[str, list[int]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    song_s: float = 3.0
    engine: str = "rq"
    databases: tuple[str, ...] = (POSTGRES, SQLITE)


def run_row(row: Row, database: str, folder: Path) -> tuple[int, dict[str, Any]]:
    """Let films be made under the row's fault; give how often it fired, and what is wrong afterwards."""
    data_dir = folder / "data"
    data_dir.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running_server()) if database == POSTGRES else None
        url = server.new_database("faults") if server else f"sqlite:///{data_dir / 'faults.db'}"
        engine = open_engine(url)
        migrations.upgrade(engine)
        engine.dispose()
        redis = stack.enter_context(running_redis(folder))
        lab = Laboratory(data_dir, url, redis, row.faults, engine=row.engine, settings=dict(row.settings))
        ground = Ground(lab, stack, folder, server, LocalStorage(data_dir / "objects"))
        row.lay(ground)
        stack.enter_context(running(lab))
        for bpm in (100, 130):
            lab.give(ground.song(bpm, row.song_s))
        fired = row.act(ground)
        lab.run()
        wait_for(lambda: not decoders(lab))
        found = findings(lab, ground.storage, frozenset(ground.given_up))
        fired += len(lab.fired())
        assert found["videos"] == len(set(lab.jobs) - ground.given_up), found
        del found["videos"]
    assert not marked(lab.mark)
    return fired, {name: wrong for name, wrong in found.items() if wrong}


def busy_worker(lab: Laboratory) -> tuple[str, int]:
    """Wait for a worker that runs a step; give its name and its horse."""

    def find() -> tuple[str, int] | None:
        for name, process in lab.processes.items():
            horses = children(process.pid) if name.startswith("worker") else []
            if horses:
                return name, horses[0]
        return None

    found: tuple[str, int] = wait_for(find)
    return found


def decoders(lab: Laboratory) -> list[int]:
    """Give the decoders that run; one has no environment, so it carries no mark but its parents'."""
    found = []
    for process in lab.processes.values():
        for pid in children(process.pid):
            with contextlib.suppress(OSError):
                if b"fd:" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    found.append(pid)
    return found
