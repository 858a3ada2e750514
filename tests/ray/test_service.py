"""The service as its clients meet it: Ray Serve, the dispatcher and workers, started by one command."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.support.command import PROGRAM, environment, vibecraft
from tests.support.songs import write_song

pytestmark = pytest.mark.ray

MARK = "VIBECRAFT_TEST_SERVICE"


@dataclass(frozen=True)
class Service:
    """A running ``vibecraft up``."""

    process: subprocess.Popen[str]
    address: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def marked_processes(mark: str) -> list[str]:
    """Name the processes that carry ``mark`` in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found.append((folder / "comm").read_text().strip())
        except OSError:
            continue  # it ended meanwhile
    return found


@pytest.fixture
def service(data_dir: Path) -> Iterator[Service]:
    port = free_port()
    command = [str(PROGRAM), "up", "--port", str(port), "--workers", "2"]
    given = {**environment(data_dir), MARK: str(port)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=given) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "listens on" in line:
                break
        assert process.poll() is None, "".join(said)
        yield Service(process, f"http://127.0.0.1:{port}")
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(timeout=90) == 0, rest
        assert "raceback" not in "".join(said) + rest
    assert marked_processes(str(port)) == []


def test_a_song_given_over_http_becomes_a_film_that_proves_right(
    service: Service, tmp_path: Path, data_dir: Path
) -> None:
    song = write_song(tmp_path / "song.wav", 4.0)
    with httpx2.Client(base_url=service.address, timeout=60) as client:
        assert client.get("/healthz").json() == {"status": "alive"}
        assert client.get("/readyz").status_code == 200
        assert client.get("/docs").status_code == 200
        refused = client.post("/api/v1/songs", files={"file": ("letter.mp3", b"Dear all,\n" * 99)})
        assert (refused.status_code, refused.json()["code"]) == (415, "song_not_media")
        taken = client.post("/api/v1/songs", files={"file": ("song.wav", song.read_bytes())})
        assert taken.status_code == 201
        asked = client.post(
            f"/api/v1/songs/{taken.json()['id']}/compositions", json={"resolution": "480p", "fps": "25", "style": "ink"}
        )
        assert asked.status_code == 202
        job = watched(client, asked.headers["Location"])
        assert job["state"] == "succeeded", job["error"]
        film = tmp_path / "film.mp4"
        film.write_bytes(client.get(f"/api/v1/videos/{job['video_id']}/content").content)
        timeline = client.get(f"/api/v1/videos/{job['video_id']}").json()["timeline"]
    plan = tmp_path / "plan.json"
    plan.write_text(httpx2.Response(200, json=timeline).text)
    judged = vibecraft(data_dir, "verify", film, "--song", song, "--plan", plan)
    assert judged.returncode == 0, judged.stdout
    assert list((data_dir / "scratch").iterdir()) == []


def watched(client: httpx2.Client, location: str) -> dict[str, str]:
    """Ask for the job until it is over; the test's own time limit ends a job that never is."""
    while True:
        job: dict[str, str] = client.get(location).json()
        if job["state"] not in {"queued", "running"}:
            return job


def test_it_listens_only_where_nobody_else_can_reach_it(data_dir: Path) -> None:
    run = vibecraft(data_dir, "up", "--host", "0.0.0.0")  # noqa: S104 - to be refused
    assert run.returncode == 3
    assert "can be reached by others" in run.stderr
