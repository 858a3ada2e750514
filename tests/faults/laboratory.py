"""A whole installation of real processes in which anything may be killed: HTTP, RQ workers, Ray, Redis, a database.

What a container's restart policy does, the laboratory does: a worker or a service that has died is started again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from cluster.db.engine import open_engine, reading
from cluster.db.tables import Composition, Job, Step
from cluster.jobs.states import State
from cluster.storage.base import Storage
from tasks.domain.timeline import Timeline
from tasks.media.whole import expect_whole
from tests.support.command import PROGRAM, environment
from tests.support.history import History, read_history
from tests.support.redis import RedisServer
from tests.support.service import FAST, MARK, free_port, kill, marked, wait_for

PLAN = Path(__file__).parent / "plan"
QUEUE = "ai_music_video"
_PATIENCE_S = 240.0


@dataclass
class Laboratory:
    """A running installation; ``deaths`` counts processes that had to be started again.

    ``settings`` are those of every process, ``own`` more of single ones by their names: ``api`` and ``worker 0``, ….
    """

    data_dir: Path
    database_url: str
    redis: RedisServer
    faults: dict[str, list[int]] = field(default_factory=dict)
    bug: str = ""
    engine: str = "rq"
    settings: dict[str, str] = field(default_factory=dict)
    own: dict[str, dict[str, str]] = field(default_factory=dict)
    form: dict[str, Any] = field(default_factory=dict)
    workers: int = 2
    jobs: list[str] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    deaths: int = 0

    @property
    def mark(self) -> str:
        """What all processes carry in their environment."""
        return f"laboratory-{self.port}"

    @property
    def address(self) -> str:
        """Where HTTP is served."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start everything that does not run."""
        workers = 0 if self.engine == "ray" else self.workers
        for name in ("api", *(f"worker {number}" for number in range(workers))):
            process = self.processes.get(name)
            if process is not None and process.poll() is None:
                continue
            self.deaths += process is not None
            self.processes[name] = self._start(name)

    def stop(self) -> None:
        """Kill everything."""
        kill(list(marked(self.mark)))
        for process in self.processes.values():
            process.wait()
        wait_for(lambda: not marked(self.mark))

    def fired(self) -> list[str]:
        """Name the fault points at which a process died, in order."""
        log = self.data_dir / "fired"
        return [line.rsplit(" ", 2)[0] for line in log.read_text().splitlines()] if log.exists() else []

    def give(self, song: Path, **form: Any) -> str:
        """Give a song and ask for its film, as often as it takes; give the job's id."""
        self.jobs.append(str(wait_for(lambda: self._ask(song, form), _PATIENCE_S)))
        return self.jobs[-1]

    def run(self, limit_s: float = _PATIENCE_S) -> None:
        """Keep everything running until all jobs are over."""
        wait_for(self._are_over, limit_s)

    def said(self) -> str:
        """Give what all processes logged."""
        return "".join(log.read_text(errors="replace") for log in self.data_dir.glob("*.log"))

    def let_go(self) -> int:
        """Let processes go on that the plan stopped, wait for their end, and give their number."""
        log = self.data_dir / "fired"
        stopped = [int(line.rsplit(" ", 1)[1]) for line in log.read_text().splitlines()] if log.exists() else []
        stopped = [pid for pid in stopped if is_alive(pid)]
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: not any(map(is_alive, stopped)))
        return len(stopped)

    def _are_over(self) -> bool:
        self.start()
        with contextlib.suppress(OperationalError), self.reading() as session:
            return all(State(session.get_one(Job, job_id).state).is_final for job_id in self.jobs)
        return False

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """Read the installation's database."""
        engine = open_engine(self.database_url)
        try:
            with reading(engine) as session:
                yield session
        finally:
            engine.dispose()

    def history(self) -> History:
        """Check what the database holds of all jobs."""
        engine = open_engine(self.database_url)
        try:
            return read_history(engine)
        finally:
            engine.dispose()

    def _ask(self, song: Path, more: dict[str, Any]) -> str | None:
        self.start()
        with (
            contextlib.suppress(httpx2.TransportError, KeyError),
            httpx2.Client(base_url=self.address, timeout=30) as client,
        ):
            taken = client.post("/api/v1/songs", files={"file": (song.name, song.read_bytes())})
            if taken.status_code != 201:
                return None
            form = {"resolution": "480p", "fps": "24", "style": "swiss", "seed": 1, **self.form, **more}
            asked = client.post(f"/api/v1/songs/{taken.json()['id']}/compositions", json=form)
            return str(asked.json()["id"]) if asked.status_code == 202 else None
        return None

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        command = [str(PROGRAM), "api", "--port", str(self.port)]
        if self.engine != "rq":
            command = [str(PROGRAM), "up", "--no-dashboard", "--workers", "2", "--port", str(self.port)]
        if name != "api":
            command = [str(PROGRAM.with_name("rq")), "worker", QUEUE, "--url", self.redis.url]
        given = {
            **environment(self.data_dir),
            **FAST,
            "DATABASE_URL": self.database_url,
            **({} if self.engine == "ray" else {"REDIS_URL": self.redis.url}),
            "VC_ENGINE": self.engine,
            "VC_MAX_CRASHES": "20",
            "VC_FAULTS": json.dumps(self.faults),
            "VC_BUG": self.bug,
            **self.settings,
            **self.own.get(name, {}),
            "VC_FAULTS_FOLDER": str(self.data_dir),
            "PYTHONPATH": str(PLAN),
            "RQ_WORKER_CLASS": "tasks.rq_worker.GuardedWorker",
            "RQ_JOB_CLASS": "tasks.rq_worker.GuardedJob",
            MARK: self.mark,
        }
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / f"{name.replace(' ', '-')}.log").open("ab") as log:
            return subprocess.Popen(command, env=given, stdout=log, stderr=log, cwd=self.data_dir)


def findings(laboratory: Laboratory, storage: Storage, given_up: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Check the finished installation; every value but ``videos`` is 0 or empty when all promises were kept.

    Parameters
    ----------
    given_up : set of str
        Jobs that are expected to have failed.
    """
    history = laboratory.history()
    corrupt, videos = [], 0
    with laboratory.reading() as session:
        jobs = session.exec(select(Job)).all()
        compositions = {each.id: each for each in session.exec(select(Composition)).all()}
        steps = {step.id: step for step in session.exec(select(Step)).all()}
    for job in jobs:
        composition = compositions[job.subject_id]
        if job.id in given_up:
            assert composition.video_key is None
            continue
        try:
            assert composition.video_key is not None
            assert composition.timeline is not None
            path = storage.fetch_file(composition.video_key, laboratory.data_dir / f"{composition.id}.mp4")
            expect_whole(path, Timeline.from_json(composition.timeline).frames)
            videos += 1
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is not whole
            corrupt.append(f"{composition.id}: {error!r}")
    wanted = [step for step in steps.values() if step.job_id not in given_up]
    return {
        "videos": videos,
        "lost": [step.id for step in wanted if step.state != State.SUCCEEDED],
        "unknown": sorted(_announced(laboratory.redis) - steps.keys()),
        "corrupt": corrupt,
        "illegal": history.illegal,
        "fallen": history.fallen,
        "torn": history.torn,
        "unended": [job_id for job_id in history.unended if job_id not in given_up],
        "orphans": [line for line in marked(laboratory.mark).values() if "fd:" in line.split()],
    }


@contextlib.contextmanager
def running(laboratory: Laboratory) -> Iterator[Laboratory]:
    """Start an installation; all of its processes are gone when the block ends."""
    laboratory.start()
    try:
        yield laboratory
    finally:
        laboratory.stop()


def _announced(redis: RedisServer) -> set[str]:
    """Give the steps that messages name."""
    keys = [str(key, "ascii") for key in redis.client().scan_iter("rq:job:vc-*")]
    return {key.removeprefix("rq:job:vc-").rsplit("-", 1)[0] for key in keys}


def kill_one(laboratory: Laboratory, name: str) -> None:
    """Kill one process of the installation with all that it started, as the end of its container would."""
    process = laboratory.processes[name]
    group = [process.pid, *children(process.pid)]
    kill(group)
    process.wait()


def children(pid: int) -> list[int]:
    """Give the living descendants of a process."""
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, file.read_text().split()):
                found += [child, *children(child)]
    return found


def is_alive(pid: int) -> bool:
    """Tell whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
