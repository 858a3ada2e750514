"""The service as its clients meet it: Ray Serve, the dispatcher and workers, started by one command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.command import vibecraft
from tests.support.service import Service, running_service
from tests.support.songs import write_song

pytestmark = pytest.mark.ray


@pytest.fixture
def service(data_dir: Path) -> Iterator[Service]:
    with running_service(data_dir, "--no-dashboard") as started:
        yield started


def test_a_song_given_over_http_becomes_a_film_that_proves_right(
    service: Service, tmp_path: Path, data_dir: Path
) -> None:
    song = write_song(tmp_path / "song.wav", 4.0)
    with service.client() as client:
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
