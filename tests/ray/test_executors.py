"""Every executor keeps the same promises, and gives the same pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
import ray

from cluster.db.engine import reading, writing
from cluster.db.tables import Composition, Job, Step
from cluster.jobs import events, store
from cluster.jobs.states import STEP_EDGES, State
from cluster.services import Services
from tasks import workflow
from tasks.dispatcher import expect_turning, start_dispatcher
from tasks.domain.request import Resolution, VideoRequest
from tasks.domain.style import StyleName
from tasks.executors import Executor, InlineExecutor
from tasks.ray_executor import RayExecutor
from tasks.steps import songs
from tasks.steps.context import Mapper
from tasks.wakeup import SKIPPED, run_step
from tasks.worker import ray_map
from tests.support.command import picture_hashes
from tests.support.songs import write_song

pytestmark = pytest.mark.ray


@dataclass(frozen=True)
class Bench:
    """An executor with its platform."""

    services: Services
    executor: Executor
    mapper: Mapper


@pytest.fixture(params=["inline", "ray"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "inline":
        services: Services = request.getfixturevalue("services")
        return Bench(services, InlineExecutor(services), map)
    on_ray: Services = request.getfixturevalue("ray_services")
    return Bench(on_ray, RayExecutor(on_ray), ray_map)


def ask(services: Services, song: Path, **wanted: object) -> str:
    row = songs.take_in(services, song, "ada")
    request = VideoRequest(
        **{"style": StyleName.SWISS, "resolution": Resolution.P480, "frame_rate": Fraction(24), **wanted}  # type: ignore[arg-type]
    )
    with writing(services.engine) as session:
        return workflow.begin(session, songs.add_composition(session, row, request))


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_song(tmp_path / "song.wav", 5.0)


def test_a_job_ends_with_a_film(bench: Bench, song: Path) -> None:
    job_id = ask(bench.services, song, seed=1)
    bench.executor.run(job_id)
    with reading(bench.services.engine) as session:
        job = session.get_one(Job, job_id)
        assert job.state == State.SUCCEEDED, job.error
        composition = session.get_one(Composition, job.subject_id)
        steps = store.steps_of(session, job_id)
        trace = [event for event in events.events_after(session, job_id) if event.kind == "step" and event.before]
    assert composition.video_key is not None
    assert bench.services.storage.exists(composition.video_key)
    assert {step.state for step in steps} == {State.SUCCEEDED}
    assert [step.kind for step in steps if step.kind != "render"] == ["analyze", "plan", "assemble", "publish"]
    assert sum(step.kind == "render" for step in steps) > 1
    assert all(State(event.after) in STEP_EDGES[State(event.before)] for event in trace if event.before and event.after)
    assert list(bench.services.settings.scratch_dir.iterdir()) == []


def test_a_job_that_cannot_be_done_says_why(bench: Bench, song: Path) -> None:
    job_id = ask(bench.services, song, start_s=Fraction(4))
    bench.executor.run(job_id)
    with reading(bench.services.engine) as session:
        job = session.get_one(Job, job_id)
        steps = {step.kind: step.state for step in store.steps_of(session, job_id)}
    assert job.state == State.FAILED
    assert job.error is not None
    assert job.error["code"] == "window_invalid"
    assert steps == {"analyze": State.SUCCEEDED, "plan": State.FAILED}
    assert list(bench.services.settings.scratch_dir.iterdir()) == []


def test_a_wake_up_for_a_step_that_is_done_does_nothing(bench: Bench, song: Path) -> None:
    job_id = ask(bench.services, song, seed=1)
    bench.executor.run(job_id)
    with reading(bench.services.engine) as session:
        before = [(step.id, step.fence) for step in store.steps_of(session, job_id)]
    assert {run_step(step_id, "again", services=bench.services) for step_id, _ in before} == {SKIPPED}
    with reading(bench.services.engine) as session:
        assert [(step.id, step.fence) for step in store.steps_of(session, job_id)] == before


def test_fan_out_keeps_its_order(bench: Bench) -> None:
    assert list(bench.mapper(_square, range(40))) == [number * number for number in range(40)]


def test_every_executor_gives_the_same_pictures(services: Services, ray_services: Services, song: Path) -> None:
    films: list[list[str]] = []
    runs: list[tuple[Services, Callable[[Services], Executor]]] = [
        (services, InlineExecutor),
        (ray_services, RayExecutor),
    ]
    for platform, executor in runs:
        job_id = ask(platform, song, style=StyleName.SILK, seed=2)
        executor(platform).run(job_id)
        with reading(platform.engine) as session:
            key = session.get_one(Composition, session.get_one(Job, job_id).subject_id).video_key
            drawn = [step for step in store.steps_of(session, job_id) if step.kind == "render"]
        assert key is not None
        assert all(_took_time(step) for step in drawn)
        films.append(picture_hashes(platform.storage.fetch_file(key, song.with_name("film.mp4"))))
    assert len(films[0]) == 5 * 24
    assert films[0] == films[1]


def _square(number: int) -> int:
    return number * number


def _took_time(step: Step) -> bool:
    return step.started_at is not None and step.finished_at is not None and step.fence == 1


def test_a_job_outlives_the_dispatcher_of_a_service(ray_services: Services, song: Path) -> None:
    theirs = start_dispatcher()
    expect_turning(theirs)
    job_id = ask(ray_services, song, seed=9)
    ray.kill(theirs)
    RayExecutor(ray_services).run(job_id)
    with reading(ray_services.engine) as session:
        assert session.get_one(Job, job_id).state == State.SUCCEEDED
