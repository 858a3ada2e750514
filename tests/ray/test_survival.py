"""Everything is killed without warning, and every film is finished as if nothing had been."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from cluster.db.engine import open_engine, reading
from cluster.db.tables import JobEvent, Step
from cluster.jobs.states import STEP_EDGES, State
from cluster.storage.local import LocalStorage
from tests.support.command import PROGRAM, environment, picture_hashes, vibecraft
from tests.support.service import FAST, MARK, Service, kill, marked, running_service, wait_for
from tests.support.songs import write_song

pytestmark = pytest.mark.ray

FORM = {"resolution": "480p", "fps": "24", "style": "silk", "seed": 5}


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_song(tmp_path_factory.mktemp("song") / "song.wav", 60.0, 126)


@pytest.fixture(scope="module")
def undisturbed(song: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Give the pictures of the film that one process makes in peace."""
    folder = tmp_path_factory.mktemp("undisturbed")
    options = ["--workers", "1", "--resolution", "480p", "--fps", "24", "--style", "silk", "--seed", "5", "--no-verify"]
    run = vibecraft(folder / "data", "render", song, "-o", folder / "film.mp4", *options)
    assert run.returncode == 0, run.stderr
    return picture_hashes(folder / "film.mp4")


def ask(service: Service, song: Path) -> tuple[str, str]:
    """Ask for the film; give where its job and its bytes are."""
    with service.client() as client:
        taken = client.post("/api/v1/songs", files={"file": ("song.wav", song.read_bytes())}).json()
        job = client.post(f"/api/v1/songs/{taken['id']}/compositions", json=FORM).json()
    return f"/api/v1/jobs/{job['id']}", f"/api/v1/videos/{job['video_id']}/content"


def rendered(service: Service, job: str) -> int:
    shown = service.job(job)
    return 0 if shown is None else int(shown["steps"].get("render", "0/0").split("/")[0])


def _kill_and_wait(service: Service, title: str, job: str) -> None:
    """Kill a part of the service while it works, and see that it is replaced and that work goes on."""
    victims = wait_for(lambda: service.processes(title))[:1]
    assert _state(service, job) == "running"
    done = rendered(service, job)
    kill(victims)
    wait_for(lambda: not any(pid in marked(service.mark) for pid in victims))
    wait_for(lambda: [pid for pid in service.processes(title) if pid not in victims])
    wait_for(lambda: rendered(service, job) > done)


@pytest.mark.timeout(600)
def test_a_service_survives_the_death_of_each_of_its_parts(
    data_dir: Path, tmp_path: Path, song: Path, undisturbed: list[str]
) -> None:
    with running_service(data_dir, **FAST) as service:
        job, content = ask(service, song)
        wait_for(lambda: rendered(service, job) >= 1)
        _kill_and_wait(service, "raylet/raylet", job)
        before = history(data_dir)["crashes"]  # some of a lost raylet may be known already
        while history(data_dir)["crashes"] == before:
            _kill_and_wait(service, "ray::render", job)
        for title in ("ray::Dispatcher", "ray::ServeReplica"):
            _kill_and_wait(service, title, job)
        wait_for(lambda: _state(service, job) in {"succeeded", "failed"}, limit_s=200)
        shown = service.job(job)
        assert shown is not None
        assert shown["state"] == "succeeded", shown["error"]
        with service.client() as client:
            (tmp_path / "film.mp4").write_bytes(client.get(content).content)
        assert sum("listens on" in line for line in service.said) == 2  # the lost raylet took the service with it once
    assert picture_hashes(tmp_path / "film.mp4") == undisturbed
    figures = history(data_dir)
    assert figures["illegal"] == []
    assert figures["after_success"] == 0


@pytest.mark.full
@pytest.mark.timeout(600)
def test_a_service_that_is_killed_as_a_whole_goes_on_when_it_is_started_again(
    data_dir: Path, tmp_path: Path, song: Path, undisturbed: list[str]
) -> None:
    first = _killed_service(data_dir, song)
    with running_service(data_dir, "--no-dashboard", **FAST) as service:
        wait_for(lambda: _state(service, first[0]) in {"succeeded", "failed"}, limit_s=200)
        with service.client() as client:
            answer = client.get(first[1])
        assert answer.status_code == 200
        (tmp_path / "film.mp4").write_bytes(answer.content)
    assert picture_hashes(tmp_path / "film.mp4") == undisturbed
    figures = history(data_dir)
    assert figures["illegal"] == []
    assert figures["after_success"] == 0


@pytest.mark.timeout(600)
def test_a_render_that_is_killed_at_80_percent_takes_up_what_it_had(
    data_dir: Path, tmp_path: Path, song: Path, undisturbed: list[str]
) -> None:
    out = tmp_path / "film.mp4"
    form = ["--resolution", "480p", "--fps", "24", "--style", "silk", "--seed", "5", "--no-verify"]
    command = [str(PROGRAM), "render", str(song), "-o", str(out), "--workers", "2", *form]
    mark = f"render-{os.getpid()}"
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**environment(data_dir), **FAST, MARK: mark}
    ) as process:
        wait_for(lambda: _share_rendered(data_dir) >= 0.8, limit_s=200)
        kill([process.pid])
        process.wait()
    kill(list(marked(mark)))
    wait_for(lambda: not marked(mark))
    assert not out.exists()
    half_put = set(tmp_path.rglob(".tmp-*"))
    kept = {
        path: path.stat().st_mtime_ns for path in (data_dir / "objects" / "segments").iterdir() if path.suffix == ".mp4"
    }
    run = vibecraft(data_dir, "render", song, "-o", out, "--workers", "2", *form)
    assert run.returncode == 0, run.stdout + run.stderr
    after = {
        path: path.stat().st_mtime_ns for path in (data_dir / "objects" / "segments").iterdir() if path.suffix == ".mp4"
    }
    reused = sum(after.get(path) == made for path, made in kept.items())
    assert reused == len(kept)
    assert reused >= 0.7 * len(after)
    assert picture_hashes(out) == undisturbed
    assert list(tmp_path.rglob(".film*")) == []
    left = list(tmp_path.rglob(".tmp-*"))  # what a worker leaves that is killed while it stores a shot
    assert set(left) <= half_put
    assert LocalStorage(data_dir / "objects").sweep(0) == len(left)


@pytest.mark.full
def test_a_service_that_is_told_to_end_hands_its_leases_back(data_dir: Path, song: Path) -> None:
    with running_service(data_dir, "--no-dashboard", **{**FAST, "VC_LEASE_S": "600", "VC_DRAIN_S": "0.1"}) as service:
        job, _ = ask(service, song)
        wait_for(lambda: rendered(service, job) >= 1)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=120) == 0
    engine = open_engine(f"sqlite:///{data_dir / 'vibecraft.db'}")
    with reading(engine) as session:
        steps = session.exec(select(Step)).all()
    engine.dispose()
    assert {step.state for step in steps} == {State.SUCCEEDED, State.QUEUED}
    assert {step.crashes for step in steps} == {0}


@pytest.mark.full
@pytest.mark.timeout(600)
def test_a_render_whose_ray_is_lost_takes_another(
    data_dir: Path, tmp_path: Path, song: Path, undisturbed: list[str]
) -> None:
    out = tmp_path / "film.mp4"
    form = ["--resolution", "480p", "--fps", "24", "--style", "silk", "--seed", "5", "--no-verify", "--json"]
    command = [str(PROGRAM), "render", str(song), "-o", str(out), "--workers", "2", *form]
    mark = f"lost-{os.getpid()}"
    given = {**environment(data_dir), **FAST, MARK: mark}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=given) as process:
        wait_for(lambda: _share_rendered(data_dir) >= 0.2, limit_s=200)
        kill([pid for pid, line in marked(mark).items() if "raylet/raylet" in line])
        told, _ = process.communicate()
        assert process.returncode == 0
    assert json.loads(told)["frames"] == len(undisturbed)
    assert picture_hashes(out) == undisturbed
    wait_for(lambda: not marked(mark))


def _state(service: Service, job: str) -> str | None:
    shown = service.job(job)
    return None if shown is None else str(shown["state"])


def _killed_service(data_dir: Path, song: Path) -> tuple[str, str]:
    """Start a service, ask for the film, and kill every process of it when a third is drawn."""
    from tests.support.service import free_port  # noqa: PLC0415

    port = free_port()
    command = [str(PROGRAM), "up", "--port", str(port), "--workers", "2", "--no-dashboard"]
    given = {**environment(data_dir), **FAST, MARK: str(port)}
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=given) as process:
        service = Service(process, f"http://127.0.0.1:{port}", str(port))  # type: ignore[arg-type]
        wait_for(lambda: service.job("/healthz"))
        asked = ask(service, song)
        wait_for(lambda: rendered(service, asked[0]) >= 6)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kill(list(marked(service.mark)))
        wait_for(lambda: not marked(service.mark))
    return asked


def _share_rendered(data_dir: Path) -> float:
    database = data_dir / "vibecraft.db"
    if not database.exists():
        return 0.0
    engine = open_engine(f"sqlite:///{database}")
    try:
        with reading(engine) as session:
            states = session.exec(select(Step.state).where(Step.kind == "render")).all()
    except SQLAlchemyError:  # the schema is being made at this moment
        return 0.0
    finally:
        engine.dispose()
    return sum(state == State.SUCCEEDED for state in states) / len(states) if states else 0.0


def history(data_dir: Path) -> dict[str, Any]:
    """Read from the events what happened to the steps."""
    engine = open_engine(f"sqlite:///{data_dir / 'vibecraft.db'}")
    with reading(engine) as session:
        events = session.exec(select(JobEvent).where(JobEvent.kind == "step").order_by(col(JobEvent.id))).all()
        crashes = sum(session.exec(select(Step.crashes)).all())
    engine.dispose()
    at: dict[str | None, str | None] = {}
    illegal, late = [], 0
    for event in events:
        before = at.get(event.step_id)
        late += before == State.SUCCEEDED
        if event.before != before or (before is not None and State(event.after or "") not in STEP_EDGES[State(before)]):
            illegal.append((event.step_id, before, event.before, event.after))
        at[event.step_id] = event.after
    return {"illegal": illegal, "crashes": crashes, "after_success": late}
