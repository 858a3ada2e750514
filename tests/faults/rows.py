"""The rows of the fault matrix that concern plain workers, each a fault in a running laboratory.

A row makes its fault happen while films are made and says how often it fired; that everything else is as if nothing
had been is checked afterwards, the same for all rows.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rq import Queue
from sqlmodel import select

from cluster.db.engine import open_engine, reading
from cluster.db.tables import Step
from cluster.jobs.states import LIVE
from tasks.rq_worker import RUN_STEP
from tests.faults.laboratory import QUEUE, Laboratory, children, findings, is_alive, kill_one, laboratory
from tests.support.redis import RedisServer
from tests.support.service import kill, marked, wait_for
from tests.support.songs import write_song


@dataclass(frozen=True)
class Row:
    """A fault: what happens at named points, and what `act` does while the films are made; it gives how often."""

    title: str
    act: Callable[[Laboratory], int] = lambda _: 0
    faults: dict[str, list[int]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    song_s: float = 3.0


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


def decoder(lab: Laboratory) -> int:
    """Wait for a decoder that runs and give its process."""
    found: int = wait_for(
        lambda: next((pid for pid, line in _with_parents(lab).items() if "fd:" in line.split()), None)
    )
    return found


def _with_parents(lab: Laboratory) -> dict[int, str]:
    """Give the command lines of all descendants; a decoder has no environment, so it carries no mark."""
    found = {}
    for process in lab.processes.values():
        for pid in children(process.pid):
            with contextlib.suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def _kill_api(lab: Laboratory) -> int:
    busy_worker(lab)
    kill_one(lab, "api")
    return 1


def _kill_parent(lab: Laboratory) -> int:
    name, horse = busy_worker(lab)
    lab.processes[name].kill()
    lab.processes[name].wait()
    return int(is_alive(horse))


def _kill_horse(lab: Laboratory) -> int:
    _, horse = busy_worker(lab)
    kill([horse])
    return 1


def _kill_container(lab: Laboratory) -> int:
    name, _ = busy_worker(lab)
    kill_one(lab, name)
    return 1


def _end_worker(lab: Laboratory) -> int:
    name, _ = busy_worker(lab)
    lab.processes[name].send_signal(signal.SIGTERM)
    return int(lab.processes[name].wait(timeout=90) == 0)


def _kill_decoder(lab: Laboratory) -> int:
    kill([decoder(lab)])
    return 1


def _stop_decoder(lab: Laboratory) -> int:
    os.kill(decoder(lab), signal.SIGSTOP)
    return 1


def _kill_redis(lab: Laboratory) -> int:
    busy_worker(lab)
    lab.redis.kill()
    lab.redis.start()
    return 1


def _wipe_redis(lab: Laboratory) -> int:
    busy_worker(lab)
    lab.redis.client().flushall()
    return 1


def _deliver_twice(lab: Laboratory) -> int:
    busy_worker(lab)
    engine = open_engine(lab.database_url)
    with reading(engine) as session:
        live = [step.id for step in session.exec(select(Step)).all() if step.state in LIVE]
    engine.dispose()
    queue = Queue(QUEUE, connection=lab.redis.client())
    for step_id in live * 2:
        queue.enqueue(RUN_STEP, step_id, "double")
    return len(live)


ROWS = {
    "F-01": Row("kill -9 the service", _kill_api),
    "F-06": Row("kill -9 a worker's parent, its horse lives on", _kill_parent),
    "F-07": Row("kill -9 a worker's horse", _kill_horse),
    "F-08": Row("kill -9 a whole worker, which is replaced", _kill_container),
    "F-09": Row("SIGTERM to a worker, time to finish", _end_worker),
    "F-09b": Row("SIGTERM to a worker, no time", _end_worker, settings={"VC_DRAIN_S": "0.1"}, song_s=60.0),
    "F-10": Row("kill -9 a decoder", _kill_decoder, song_s=120.0),
    "F-10b": Row("SIGSTOP a decoder", _stop_decoder, song_s=120.0),
    "F-11": Row("kill -9 Redis", _kill_redis),
    "F-11b": Row("FLUSHALL", _wipe_redis),
    "F-23": Row("every message delivered three times", _deliver_twice),
    "F-25": Row("death between announcing and sending", faults={"announced": [1, 3]}),
}


def run_row(row: Row, database_url: str, redis: RedisServer, folder: Path) -> tuple[int, dict[str, Any]]:
    """Let two films be made under the row's fault; give how often it fired, and what is wrong afterwards."""
    with laboratory(folder / "data", database_url, redis, row.faults, **row.settings) as lab:
        jobs = [lab.give(write_song(folder / f"{bpm}.wav", row.song_s, bpm)) for bpm in (100, 130)]
        fired = row.act(lab)
        lab.run(jobs)
        wait_for(lambda: not any("fd:" in line.split() for line in _with_parents(lab).values()))
        found = findings(lab, database_url)
        fired += len(lab.fired())
    assert found.pop("videos") == len(jobs)
    assert not marked(lab.mark)
    return fired, {name: wrong for name, wrong in found.items() if wrong}
