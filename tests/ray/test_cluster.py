"""A cluster of two nodes with Postgres and an S3 server: jobs submitted to it, and what its dashboard shows."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from ray.cluster_utils import Cluster
from ray.job_submission import JobStatus, JobSubmissionClient
from ray.util.state import list_tasks
from sqlmodel import select

from cluster.db.engine import reading
from cluster.db.tables import Composition, Job, Step
from cluster.jobs.states import State
from cluster.services import Services, open_services
from cluster.settings import load_settings
from tests.support.command import PROGRAM, picture_hashes, vibecraft
from tests.support.s3 import moto_server
from tests.support.service import free_port, wait_for
from tests.support.songs import write_song

pytestmark = pytest.mark.ray

EXAMPLE = Path(__file__).parents[2] / "examples" / "submit_render.py"
FORM = ["--resolution", "480p", "--fps", "24", "--style", "swiss", "--no-verify"]


@dataclass(frozen=True)
class TwoNodes:
    """A running cluster; ``address`` is that of its dashboard."""

    address: str
    services: Services
    cluster: Cluster


@pytest.fixture(scope="module")
def two_nodes(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    folder = tmp_path_factory.mktemp("cluster")
    with moto_server() as s3, pytest.MonkeyPatch.context() as patch:
        assert s3.secret_access_key is not None
        for name, value in {
            "DATABASE_URL": module_postgres_url,
            "S3_BUCKET_NAME": s3.bucket_name,
            "S3_ENDPOINT_URL": s3.endpoint_url,
            "S3_ACCESS_KEY_ID": s3.access_key_id,
            "S3_SECRET_ACCESS_KEY": s3.secret_access_key.get_secret_value(),
            "S3_ADDRESSING_STYLE": "path",
            "VC_DATA_DIR": str(folder / "data"),
            "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}",
            "RAY_task_oom_retries": "0",
        }.items():
            patch.setenv(name, str(value))
        port = free_port()
        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 1,
                "include_dashboard": True,
                "dashboard_host": "127.0.0.1",
                "dashboard_port": port,
                "object_store_memory": 100 << 20,
            },
        )
        cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
        services = open_services(load_settings(), migrate=True)
        try:
            yield TwoNodes(f"http://127.0.0.1:{port}", services, cluster)
        finally:
            services.close()
            cluster.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_song(tmp_path_factory.mktemp("song") / "song.wav", 12.0, 126)


def test_a_song_is_rendered_by_ray_job_submit(two_nodes: TwoNodes, song: Path, tmp_path: Path) -> None:
    shutil.copy(song, tmp_path / "song.wav")
    out = tmp_path / "film.mp4"
    submit = [str(PROGRAM.with_name("ray")), "job", "submit", "--address", two_nodes.address, "--working-dir", "."]
    command = [*submit, "--", "vibecraft", "render", "song.wav", "-o", str(out), *FORM]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=240)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "listening" in run.stdout
    assert "drawing" in run.stdout
    local = tmp_path / "local.mp4"
    alone = vibecraft(tmp_path / "data", "render", tmp_path / "song.wav", "-o", local, "--workers", "1", *FORM)
    assert alone.returncode == 0, alone.stderr
    assert picture_hashes(out) == picture_hashes(local)


def test_a_song_is_rendered_from_python_and_its_tasks_can_be_read(
    two_nodes: TwoNodes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out, song = tmp_path / "film.mp4", write_song(tmp_path / "night drive.wav", 12.0, 120)
    command = [sys.executable, str(EXAMPLE), str(song), "-o", str(out), "--address", two_nodes.address]
    run = subprocess.run(
        [*command, "--", *FORM, "--seed", "3"], capture_output=True, text=True, check=False, timeout=240
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "drawing" in run.stderr
    told = json.loads(run.stdout)
    assert (told["schema"], told["frames"]) == (1, 12 * 24)
    assert out.stat().st_size > 0
    with reading(two_nodes.services.engine) as session:
        videos = session.exec(select(Composition)).all()
        assert {job.state for job in session.exec(select(Job)).all()} == {State.SUCCEEDED}
    assert all(two_nodes.services.storage.exists(video.video_key) for video in videos if video.video_key)
    read = [line for line in caplog.messages if "GET /" in line and "/features/" in line and " 206 " in line]
    assert len(read) == 1, read  # by the dispatcher, for all shots
    shots = wait_for(lambda: _finished(two_nodes.address, told["shots"]))
    assert {task.name for task in shots} == {
        f"render night drive.wav shot {number}/{told['shots']}" for number in range(1, told["shots"] + 1)
    }
    assert len({task.node_id for task in shots}) == 2
    jobs = JobSubmissionClient(two_nodes.address).list_jobs()
    assert any(job.metadata == {"song": "night drive.wav"} for job in jobs)
    assert not any("SECRET" in json.dumps(job.runtime_env or {}) for job in jobs)


def _finished(address: str, count: int) -> list[Any]:
    tasks = [
        task
        for task in list_tasks(address=address, limit=1000)
        if (task.name or "").startswith("render night drive.wav shot") and task.state == "FINISHED"
    ]
    return tasks if len(tasks) >= count else []


@pytest.mark.full
def test_serve_deploy_brings_the_service_with_its_dispatcher(two_nodes: TwoNodes, tmp_path: Path) -> None:
    port = free_port()
    config = {
        "http_options": {"host": "127.0.0.1", "port": port},
        "applications": [{"name": "vibecraft", "route_prefix": "/", "import_path": "serve_app.app:build", "args": {}}],
    }
    (tmp_path / "serve.yaml").write_text(json.dumps(config))
    deploy = [str(PROGRAM.with_name("serve")), "deploy", str(tmp_path / "serve.yaml"), "--address", two_nodes.address]
    run = subprocess.run(deploy, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    service = f"http://127.0.0.1:{port}"
    wait_for(lambda: _ready(service))
    song = write_song(tmp_path / "deployed.wav", 6.0, 132)
    with httpx2.Client(base_url=service, timeout=60) as client:
        taken = client.post("/api/v1/songs", files={"file": (song.name, song.read_bytes())}).json()
        wanted = {"resolution": "480p", "fps": "24", "style": "swiss"}
        job = client.post(f"/api/v1/songs/{taken['id']}/compositions", json=wanted)
        done = wait_for(lambda: _over(client, job.headers["Location"]))
        assert done["state"] == "succeeded", done["error"]
        film = client.get(f"/api/v1/videos/{done['video_id']}/content")
    assert (film.status_code, film.content[4:8]) == (200, b"ftyp")


def _ready(service: str) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(f"{service}/readyz").status_code == 200
    return False


def _over(client: httpx2.Client, job: str) -> dict[str, Any] | None:
    shown: dict[str, Any] = client.get(job).json()
    return shown if shown["state"] not in {"queued", "running"} else None


def test_a_cluster_of_two_nodes_is_refused_the_embedded_database(
    two_nodes: TwoNodes, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "S3_BUCKET_NAME", "S3_ENDPOINT_URL", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("RAY_ADDRESS", two_nodes.cluster.address)
    run = vibecraft(tmp_path / f"data-{uuid.uuid4().hex}", "render", song, "-o", tmp_path / "film.mp4", *FORM)
    assert run.returncode == 3, run.stdout
    assert "S3_BUCKET_NAME" in run.stderr


@pytest.mark.full
@pytest.mark.timeout(600)
def test_a_node_that_dies_in_the_middle_takes_nothing_with_it(two_nodes: TwoNodes, tmp_path: Path) -> None:
    doomed = two_nodes.cluster.add_node(num_cpus=2, object_store_memory=100 << 20)
    song = write_song(tmp_path / "doomed.wav", 40.0, 126)
    client = JobSubmissionClient(two_nodes.address)
    out = tmp_path / "film.mp4"
    job_id = client.submit_job(
        entrypoint=" ".join(["vibecraft", "render", str(song), "-o", str(out), *FORM]),
        runtime_env={"env_vars": {"VC_LEASE_S": "8", "VC_HEARTBEAT_S": "2", "VC_REAP_EVERY_S": "1"}},
    )
    wait_for(lambda: "drawing" in client.get_job_logs(job_id))
    holder = wait_for(lambda: _frozen_holder(two_nodes, doomed.node_id))
    two_nodes.cluster.remove_node(doomed, allow_graceful=False)
    os.kill(holder, signal.SIGKILL)  # as the end of its machine would; frozen, it does not see that of its node
    wait_for(lambda: client.get_job_status(job_id).is_terminal(), limit_s=240)
    assert client.get_job_status(job_id) == JobStatus.SUCCEEDED, client.get_job_logs(job_id)
    with reading(two_nodes.services.engine) as session:
        assert sum(session.exec(select(Step.crashes)).all()) >= 1
    local = tmp_path / "local.mp4"
    alone = vibecraft(tmp_path / "data", "render", song, "-o", local, "--workers", "1", *FORM)
    assert alone.returncode == 0, alone.stderr
    assert picture_hashes(out) == picture_hashes(local)


def _frozen_holder(nodes: TwoNodes, node_id: str) -> int:
    """Stop a process of the node in the middle of a step and give its id; 0 while none is."""
    for task in list_tasks(address=nodes.address, limit=1000, detail=True):
        if task.state != "RUNNING" or task.node_id != node_id or not task.worker_pid:
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(task.worker_pid, signal.SIGSTOP)
        with reading(nodes.services.engine) as session:
            held = session.exec(select(Step.lease_owner).where(Step.state == State.RUNNING)).all()
        if any(owner is not None and owner.endswith(f":{task.worker_pid}") for owner in held):
            return int(task.worker_pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(task.worker_pid, signal.SIGCONT)
    return 0
