"""What runs is reached: by a cancel, by the death of its child, by a lease that somebody else took."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import event, update
from sqlmodel import col

from cluster.db.engine import reading, writing
from cluster.db.tables import Composition, Job, Step
from cluster.jobs import store
from cluster.jobs.keeper import Keeper
from cluster.jobs.states import State
from cluster.services import Services
from cluster.settings import Settings
from cluster.sweeper import sweep
from tasks import workflow
from tasks.domain import interruption
from tasks.domain.request import Resolution, VideoRequest
from tasks.domain.style import StyleName
from tasks.executors import InlineExecutor
from tasks.media import sandbox
from tasks.steps import songs
from tasks.wakeup import SKIPPED, run_step
from tests.support.jobs import let_lease_end, let_time_come, read
from tests.support.songs import write_song


@pytest.fixture
def services(services: Services) -> Iterator[Services]:
    """Look often, so that the test is short."""
    settings = services.settings.model_copy(update={"look_s": 0.1, "heartbeat_s": 0.2, "reap_every_s": 60})
    quick = replace(services, settings=settings, keeper=Keeper(services.engine, settings, services.clock))
    yield quick
    quick.keeper.stop()


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_song(tmp_path / "song.wav", 4.0)


def ask(services: Services, song: Path) -> tuple[str, str]:
    """Ask for a film and give its job and first step."""
    row = songs.take_in(services, song, "ada")
    request = VideoRequest(style=StyleName.SWISS, resolution=Resolution.P480, frame_rate=Fraction(24))
    with writing(services.engine) as session:
        job_id = workflow.begin(session, songs.add_composition(session, row, request))
        return job_id, store.steps_of(session, job_id)[0].id


def decoders() -> set[int]:
    """Give the children of this process that decode."""
    found = set()
    for file in Path("/proc/self/task").glob("*/children"):
        for pid in file.read_text().split():
            with contextlib.suppress(OSError):
                if b"fd:" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    found.add(int(pid))
    return found


@contextlib.contextmanager
def stuck(services: Services, step_id: str) -> Iterator[tuple[threading.Thread, int, list[str]]]:
    """Run the step in a thread and stop its decoder in the middle; give the thread, the decoder and the answers."""
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(run_step(step_id, "letter", services=services)))
    thread.start()
    while not (children := decoders()):
        assert thread.is_alive()
    (child,) = children
    os.kill(child, signal.SIGSTOP)
    yield thread, child, answers
    thread.join()


@pytest.fixture
def long_song(tmp_path: Path) -> Path:
    """Give a song that is decoded for longer than it takes to find the decoder."""
    return write_song(tmp_path / "long.wav", 240.0)


def test_a_cancel_reaches_a_decoder_that_hangs(services: Services, long_song: Path) -> None:
    job_id, step_id = ask(services, long_song)
    with stuck(services, step_id) as (thread, child, answers):
        with writing(services.engine) as session:
            store.cancel(session, job_id)
        thread.join()
        assert not Path(f"/proc/{child}").exists()
    assert answers == [SKIPPED]
    assert read(services, step_id).state == State.CANCELLED
    assert list(services.settings.scratch_dir.iterdir()) == []


def test_the_waits_of_a_cancel_sum_to_less_than_15_seconds() -> None:
    assert Settings().look_s + sandbox.ASK_EVERY_S < 15


def test_a_decoder_that_is_killed_is_started_again(services: Services, long_song: Path) -> None:
    job_id, step_id = ask(services, long_song)
    with stuck(services, step_id) as (_, child, answers):
        os.kill(child, signal.SIGKILL)
    assert answers == [State.QUEUED]
    assert read(services, step_id).tries == 1
    with reading(services.engine) as session:
        assert session.get_one(Job, job_id).state == State.RUNNING
    let_time_come(services, step_id)
    assert run_step(step_id, "another letter", services=services) == State.SUCCEEDED


def test_a_decoder_that_dies_every_time_leaves_a_dead_letter(services: Services, long_song: Path) -> None:
    once = services.settings.model_copy(update={"max_tries": 1})
    job_id, step_id = ask(services, long_song)
    with stuck(replace(services, settings=once), step_id) as (_, child, answers):
        os.kill(child, signal.SIGKILL)
    assert answers == [State.FAILED]
    error = read(services, step_id).error
    assert error is not None
    assert (error["code"], error["evidence"]["exit_status"]) == ("gave_up", -9)
    assert "fd:" in error["evidence"]["command"]
    assert "stderr" in error["evidence"]
    with reading(services.engine) as session:
        assert session.get_one(Job, job_id).state == State.FAILED


def test_a_run_whose_step_was_taken_over_writes_nothing(services: Services, long_song: Path) -> None:
    _, step_id = ask(services, long_song)
    with stuck(services, step_id) as (thread, _, answers):
        services.keeper.stop()
        let_lease_end(services, step_id)
        assert Keeper(services.engine, services.settings, services.clock).reap() == 1
        services.keeper.start()
        thread.join()
    assert answers == [SKIPPED]
    step = read(services, step_id)
    assert (step.state, step.crashes, step.output_key) == (State.QUEUED, 1, None)


def test_a_stored_film_that_is_broken_is_never_shown(services: Services, song: Path) -> None:
    job_id, _ = ask(services, song)
    executor = InlineExecutor(services)
    executor.run(job_id, kinds={"analyze", "plan", "render", "assemble"})
    (film,) = (services.settings.objects_dir / "films").iterdir()
    whole = film.read_bytes()
    film.write_bytes(whole[: len(whole) * 2 // 3])
    executor.run(job_id)
    with reading(services.engine) as session:
        job = session.get_one(Job, job_id)
        composition = session.get_one(Composition, job.subject_id)
    assert job.state == State.SUCCEEDED
    assert composition.video_key == f"films/{film.name}"
    assert len(film.read_bytes()) == len(whole)


def test_a_stored_film_that_is_gone_is_made_again(services: Services, song: Path) -> None:
    job_id, _ = ask(services, song)
    executor = InlineExecutor(services)
    executor.run(job_id, kinds={"analyze", "plan", "render", "assemble"})
    (film,) = (services.settings.objects_dir / "films").iterdir()
    film.unlink()
    executor.run(job_id)
    assert film.exists()


def test_what_a_killed_process_left_is_swept(services: Services, song: Path) -> None:
    job_id, _ = ask(services, song)
    InlineExecutor(services).run(job_id)
    kept = {path for path in services.settings.objects_dir.rglob("*") if path.is_file()}
    child = subprocess.run(
        [sys.executable, "-c", "import os, sys; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    host = os.uname().nodename.replace(".", "-")
    dead = services.settings.scratch_dir / f"{host}.{child.stdout.strip()}.x"
    living = services.settings.scratch_dir / f"{host}.{os.getpid()}.x"
    elsewhere = services.settings.scratch_dir / f"another-host.{child.stdout.strip()}.x"
    for folder in (dead, living, elsewhere):
        folder.mkdir()
    services.storage.put_file(song, "segments/stray.mp4")
    swept = sweep(services, stray_after_s=0)
    assert (swept.strays, swept.scratch) == (1, 1)
    assert [folder.exists() for folder in (dead, living, elsewhere)] == [False, True, True]
    assert {path for path in services.settings.objects_dir.rglob("*") if path.is_file()} == kept


def test_a_film_that_was_stored_by_a_run_that_died_is_noted_by_the_next(services: Services, song: Path) -> None:
    first, _ = ask(services, song)
    InlineExecutor(services).run(first)
    with writing(services.engine) as session:
        session.execute(update(Composition).where(col(Composition.id) != "").values(video_key=None))
        session.connection().exec_driver_sql("DELETE FROM artifacts WHERE kind IN ('film', 'segment')")
    second, _ = ask(services, song)
    InlineExecutor(services).run(second)
    assert sweep(services, stray_after_s=0).strays == 0
    with reading(services.engine) as session:
        steps = [session.get_one(Step, step.id).state for step in store.steps_of(session, second)]
    assert set(steps) == {State.SUCCEEDED}


class Knock:
    """Asks the process to end at the ``number``-th time that it is called from the main thread."""

    def __init__(self, number: int, *, is_swallowed: bool) -> None:
        self.left = number
        self.is_swallowed = is_swallowed

    def __call__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            self.left -= 1
            if self.left == 0:
                with contextlib.suppress(KeyboardInterrupt) if self.is_swallowed else contextlib.nullcontext():
                    interruption.interrupt()


@pytest.mark.parametrize("is_swallowed", [False, True], ids=["raised", "swallowed"])
@pytest.mark.parametrize("moment", ["begin", "commit", "checkin"])
def test_a_step_is_handed_back_at_whatever_moment_its_process_is_asked_to_end(
    services: Services, tmp_path: Path, moment: str, *, is_swallowed: bool
) -> None:
    """Asked at the first transaction of a run, then at the second of another, until there are no more."""
    for number in itertools.count(1):
        _, step_id = ask(services, write_song(tmp_path / f"{number}.wav", 4.0 + number / 8))  # none was heard before
        knock = Knock(number, is_swallowed=is_swallowed)
        event.listen(services.engine, moment, knock)
        with contextlib.suppress(KeyboardInterrupt):
            run_step(step_id, "d", services=services)
        event.remove(services.engine, moment, knock)
        with contextlib.suppress(KeyboardInterrupt), interruption.done_whole():
            pass  # a knock that came after the last question is not for the next run
        step = read(services, step_id)
        assert step.state != State.RUNNING, f"held after {moment} {number}"
        assert step.crashes == 0
        assert step.state == State.QUEUED or number > 2, "asked before the work began"
        if knock.left > 0:
            break
    assert number > 4
