"""Plain RQ workers do the work: the command of the deployment plan, stock and hardened."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from rq import Callback, Queue
from rq.command import send_stop_job_command
from rq.job import Job as QueueJob

from cluster.db.engine import reading, writing
from cluster.db.tables import Job, Step
from cluster.jobs import store
from cluster.jobs.states import State
from cluster.services import Services
from tasks import workflow
from tasks.domain.request import Resolution, VideoRequest
from tasks.domain.style import StyleName
from tasks.rq_announcer import RqAnnouncer, open_redis
from tasks.rq_worker import RUN_STEP, PlainSerializer, RefusedMessage
from tasks.steps import songs
from tests.support.command import PROGRAM, environment
from tests.support.jobs import add_job, read
from tests.support.redis import RedisServer, running_redis
from tests.support.service import FAST, MARK, marked, wait_for
from tests.support.songs import write_song

QUEUE = "ai_music_video"
GUARDED = {"RQ_WORKER_CLASS": "tasks.rq_worker.GuardedWorker", "RQ_JOB_CLASS": "tasks.rq_worker.GuardedJob"}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


@dataclass
class Plain:
    """A running ``rq worker``."""

    process: subprocess.Popen[str]
    log: Path


@contextlib.contextmanager
def rq_worker(services: Services, redis: RedisServer, folder: Path, *queues: str, **settings: str) -> Iterator[Plain]:
    """Start the command of the deployment plan, from a folder that holds a foreign tasks.py."""
    folder.mkdir(exist_ok=True)
    (folder / "tasks.py").write_text("raise SystemExit('this is not the module that is meant')\n")
    log = folder / f"worker-{len(list(folder.iterdir()))}.log"
    command = [str(PROGRAM.with_name("rq")), "worker", *(queues or (QUEUE,)), "--url", redis.url]
    given = {
        **environment(services.settings.data_dir),
        **FAST,
        "REDIS_URL": redis.url,
        MARK: str(redis.port),
        **settings,
    }
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, env=given, stdout=out, stderr=out, text=True)
    try:
        wait_for(lambda: "Listening on" in log.read_text() or process.poll() is not None)
        yield Plain(process, log)
    finally:
        process.kill()
        process.wait()
        for pid in marked(str(redis.port)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def ask(services: Services, song: Path) -> str:
    row = songs.take_in(services, song, "ada")
    request = VideoRequest(style=StyleName.SWISS, resolution=Resolution.P480, frame_rate=Fraction(24))
    with writing(services.engine) as session:
        return workflow.begin(session, songs.add_composition(session, row, request))


def finished(services: Services, announcer: RqAnnouncer, job_id: str) -> Job | None:
    announcer.turn()
    with reading(services.engine) as session:
        job = session.get_one(Job, job_id)
    return job if State(job.state).is_final else None


def announcer_of(services: Services, redis: RedisServer) -> RqAnnouncer:
    return RqAnnouncer(services, open_redis(redis.url))


def test_idle_workers_are_told_of_steps_although_redis_forgot_them(
    services: Services, redis: RedisServer, tmp_path: Path
) -> None:
    announcer = announcer_of(services, redis)
    assert announcer.turn() == 0
    with rq_worker(services, redis, tmp_path / "elsewhere"):
        redis.client().flushall()
        add_job(services)
        assert announcer.turn() == 1
    add_job(services)
    assert announcer.turn() == 0  # nobody is there any more


@pytest.mark.parametrize("classes", [{}, GUARDED], ids=["stock", "guarded"])
def test_the_command_of_the_plan_makes_a_film(
    services: Services, redis: RedisServer, tmp_path: Path, classes: dict[str, str]
) -> None:
    song = write_song(tmp_path / "song.wav", 4.0)
    job_id = ask(services, song)
    announcer = announcer_of(services, redis)
    with rq_worker(services, redis, tmp_path / "elsewhere", **classes) as worker:
        job = wait_for(lambda: finished(services, announcer, job_id), limit_s=200)
        assert job.state == State.SUCCEEDED, (job.error, worker.log.read_text())
        rq = str(PROGRAM.with_name("rq"))
        shown = subprocess.run([rq, "info", "--url", redis.url], capture_output=True, text=True, check=True)
        assert f"{QUEUE} |" in shown.stdout
        assert "1 workers" in shown.stdout
        assert not any("ray" in line.lower() for line in _modules(worker.process.pid))
    done = [QueueJob.fetch(key, connection=redis.client()) for key in _finished_jobs(redis)]
    assert {job.description.split()[0] for job in done if job.description} >= {"analyze", "plan", "render"}
    assert any(job.meta.get("progress", 0) > 0 for job in done)


def _finished_jobs(redis: RedisServer) -> list[str]:
    return list(Queue(QUEUE, connection=redis.client()).finished_job_registry.get_job_ids())


def _modules(pid: int) -> list[str]:
    return [line.split("/")[-1] for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "/ray/" in line]


def test_nothing_is_put_into_a_queue_that_nobody_listens_on(services: Services, redis: RedisServer) -> None:
    add_job(services, 5)
    assert announcer_of(services, redis).turn() == 0
    assert Queue(QUEUE, connection=redis.client()).count == 0


def test_a_queue_holds_no_more_than_its_workers_take_soon(
    services: Services, redis: RedisServer, tmp_path: Path
) -> None:
    add_job(services, 9)
    announcer = announcer_of(services, redis)
    with rq_worker(services, redis, tmp_path / "worker") as worker:
        worker.process.send_signal(signal.SIGSTOP)
        sent = [announcer.turn() for _ in range(4)]
        assert sum(sent) in {2, 3}  # the stopped worker's blocking read may have taken one
        assert sent[-1] == 0
        message = Queue(QUEUE, connection=redis.client()).jobs[0]
        assert (message.func_name, len(message.args), message.kwargs) == (RUN_STEP, 2, {})
        assert all(isinstance(argument, str) for argument in message.args)


def test_steps_are_free_again_when_redis_is_away(services: Services, redis: RedisServer, tmp_path: Path) -> None:
    _, (step_id,) = add_job(services)
    announcer = announcer_of(services, redis)
    with rq_worker(services, redis, tmp_path / "worker"):
        redis.kill()
        assert announcer.turn() == 0
        assert read(services, step_id).announced_at is None
        redis.start()


def test_clips_go_to_workers_that_make_nothing_else(services: Services, redis: RedisServer, tmp_path: Path) -> None:
    with writing(services.engine) as session:
        job_id = store.create_job(session, owner_id="ada", kind="video", subject_id="video_1")
        kinds = [
            store.NewStep(kind=kind, position=place, name=kind, given={})
            for place, kind in enumerate(("render", "generate"))
        ]
        store.add_steps(session, job_id, kinds)
    clips = f"{QUEUE}:clip-generation"
    announcer = announcer_of(services, redis)
    with (
        rq_worker(services, redis, tmp_path / "main") as main,
        rq_worker(services, redis, tmp_path / "clips", clips) as apart,
    ):
        for worker in (main, apart):
            worker.process.send_signal(signal.SIGSTOP)
        assert announcer.turn() == 2
        keys = [str(key, "ascii") for key in redis.client().scan_iter("rq:job:vc-*")]
        messages = [QueueJob.fetch(key.removeprefix("rq:job:"), redis.client()) for key in keys]
    assert {(job.origin, job.description) for job in messages} == {(QUEUE, "render"), (clips, "generate")}


class Hostile:
    """What somebody with access to Redis could send."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self._marker}",)


@pytest.mark.parametrize("attack", ["pickle", "function", "callback"])
def test_a_hostile_message_is_refused_and_never_run(
    services: Services, redis: RedisServer, tmp_path: Path, attack: str
) -> None:
    marker = tmp_path / "harmed"
    queue = Queue(QUEUE, connection=redis.client())
    if attack == "pickle":
        job = queue.enqueue(RUN_STEP, "step", "letter")
        redis.client().hset(job.key, "data", _compressed(pickle.dumps(Hostile(marker))))
    elif attack == "function":
        job = queue.enqueue("os.system", f"touch {marker}")
    else:
        job = queue.enqueue(RUN_STEP, "step_absent", "letter", on_success=Callback("os.system"))
    with rq_worker(services, redis, tmp_path / "worker", **GUARDED) as worker:
        wait_for(lambda: queue.count == 0 and job.id in worker.log.read_text())
        if attack != "callback":
            wait_for(lambda: "RefusedMessage" in worker.log.read_text())
        good = queue.enqueue(RUN_STEP, "step_absent", "letter")
        wait_for(lambda: good.get_status(refresh=True) == "finished")
    assert not marker.exists()


def test_a_stock_worker_would_have_run_it(services: Services, redis: RedisServer, tmp_path: Path) -> None:
    marker = tmp_path / "harmed"
    Queue(QUEUE, connection=redis.client()).enqueue("os.system", f"touch {marker}")
    with rq_worker(services, redis, tmp_path / "worker"):
        wait_for(marker.exists)


@pytest.mark.parametrize("value", [b"\x80\x04cos\nsystem\n.", pickle.dumps(Fraction(1, 2)), pickle.dumps(print)])
def test_only_plain_values_are_unpickled(value: bytes) -> None:
    with pytest.raises(RefusedMessage):
        PlainSerializer.loads(value)
    assert PlainSerializer.loads(PlainSerializer.dumps(("a", None, ("b", 1.5), {"c": b"d"}))) == (
        "a",
        None,
        ("b", 1.5),
        {"c": b"d"},
    )


@pytest.mark.parametrize("how", ["stop", "drain"])
def test_a_worker_that_has_to_end_hands_its_lease_back(
    services: Services, redis: RedisServer, tmp_path: Path, how: str
) -> None:
    song = write_song(tmp_path / "long.wav", 600.0)
    job_id = ask(services, song)
    announcer = announcer_of(services, redis)
    with rq_worker(services, redis, tmp_path / "worker", **GUARDED, VC_DRAIN_S="0.1", VC_LEASE_S="600") as worker:
        wait_for(lambda: announcer.turn() or _running(services, job_id))
        step = wait_for(lambda: _running(services, job_id))
        if how == "stop":
            (message,) = Queue(QUEUE, connection=redis.client()).started_job_registry.get_job_ids()
            send_stop_job_command(redis.client(), message)
        else:
            worker.process.send_signal(signal.SIGTERM)
            assert worker.process.wait(timeout=60) == 0
        wait_for(lambda: read(services, step.id).state == State.QUEUED)
    assert read(services, step.id).crashes == 0


def _running(services: Services, job_id: str) -> Step | None:
    with reading(services.engine) as session:
        return next((step for step in store.steps_of(session, job_id) if step.state == State.RUNNING), None)


def _compressed(data: bytes) -> bytes:
    import zlib  # noqa: PLC0415

    return zlib.compress(data)
