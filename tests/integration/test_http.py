"""HTTP over the same rows and steps, without a cluster: what clients send and get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pydantic import SecretStr
from starlette.testclient import TestClient

from cluster.db.engine import open_engine
from cluster.services import Services
from cluster.settings import S3Settings
from cluster.storage.s3 import S3Storage
from serve_app.api import create_api
from tasks.executors import InlineExecutor
from tests.support.disk import full_disk

SONGS = "/api/v1/songs"
_FORM = {"content-type": "multipart/form-data; boundary=b"}


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    with TestClient(create_api(services), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "My Song.wav"
    soundfile.write(path, np.random.default_rng(3).uniform(-0.2, 0.2, (22_050 * 3, 2)), 22_050)
    return path


def upload(client: TestClient, path: Path, name: str | None = None) -> dict[str, object]:
    with path.open("rb") as file:
        answer = client.post(SONGS, files={"file": (name or path.name, file)})
    assert answer.status_code == 201, answer.text
    body: dict[str, object] = answer.json()
    return body


def test_a_song_becomes_a_video(client: TestClient, services: Services, song: Path) -> None:
    taken = upload(client, song)
    assert taken["filename"] == "My Song.wav"
    asked = client.post(
        f"{SONGS}/{taken['id']}/compositions", json={"style": "swiss", "resolution": "480p", "fps": "24"}
    )
    assert asked.status_code == 202
    job = asked.json()
    assert asked.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    assert asked.headers["Retry-After"]
    content = f"/api/v1/videos/{job['video_id']}/content"
    early = client.get(content)
    assert (early.status_code, early.json()["code"], early.json()["retryable"]) == (409, "not_ready", True)
    InlineExecutor(services).run(job["id"])
    done = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert (done["state"], done["progress"], done["error"]) == ("succeeded", 1.0, None)
    film = client.get(content)
    assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")
    assert film.content[4:8] == b"ftyp"
    part = client.get(content, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert part.headers["Content-Range"] == f"bytes 4-7/{len(film.content)}"
    tail = client.get(content, headers={"Range": "bytes=-10"})
    assert tail.content == film.content[-10:]
    outside = client.get(content, headers={"Range": f"bytes={len(film.content)}-"})
    assert (outside.status_code, outside.json()["code"]) == (416, "range_invalid")
    video = client.get(f"/api/v1/videos/{job['video_id']}").json()
    assert video["timeline"]["frames"] == 72
    assert video["content"] == content


def test_the_same_song_is_found_again(client: TestClient, song: Path) -> None:
    assert upload(client, song)["id"] == upload(client, song, "other.wav")["id"]


def test_a_failed_job_tells_why_and_nothing_of_the_inside(client: TestClient, services: Services, song: Path) -> None:
    taken = upload(client, song)
    job = client.post(f"{SONGS}/{taken['id']}/compositions", json={"start_s": 2.5}).json()
    InlineExecutor(services).run(job["id"])
    failed = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert failed["state"] == "failed"
    assert failed["error"]["code"] == "window_invalid"
    assert "choose a start and an end" in failed["error"]["message"]
    assert "raceback" not in str(failed)


@pytest.mark.parametrize(
    ("name", "data", "status", "code"),
    [
        ("a.mp3", b"", 422, "song_empty"),
        ("a.mp3", b"just some text\n" * 50, 415, "song_not_media"),
        ("a.mp3", b"ffconcat version 1.0\nfile x.mp3\n", 415, "song_is_playlist"),
        ("../../etc/passwd", b"#EXTM3U\nx.mp3\n", 415, "song_is_playlist"),
    ],
)
def test_what_is_no_song_is_a_problem_and_leaves_nothing(  # noqa: PLR0917
    client: TestClient, services: Services, name: str, data: bytes, status: int, code: str
) -> None:
    answer = client.post(SONGS, files={"file": (name, data)})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body["status"]) == (code, status)
    assert body["detail"].startswith(Path(name).name)
    assert "upload" not in body["detail"]
    assert list(services.settings.scratch_dir.iterdir()) == []
    assert not (services.settings.objects_dir / "songs").exists()


def test_an_upload_that_is_too_large_is_refused(services: Services) -> None:
    small = services.settings.model_copy(update={"max_upload_bytes": 1000})
    limited = replace(services, settings=small)
    with TestClient(create_api(limited)) as client:
        answer = client.post(SONGS, files={"file": ("a.wav", b"x" * 200_000)})
        unsaid = client.post(SONGS, content=iter([b"x" * 100_000] * 2), headers=_FORM)
    for refused in (answer, unsaid):
        assert (refused.status_code, refused.json()["code"]) == (413, "upload_too_large")
        assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "wanted",
    [{"style": "oil"}, {"fps": "29"}, {"seed": -1}, {"start_s": -1}, {"unknown": 1}, {"start_s": 5, "end_s": 6}],
)
def test_options_that_do_not_exist_are_a_problem(client: TestClient, song: Path, wanted: dict[str, object]) -> None:
    taken = upload(client, song)
    answer = client.post(f"{SONGS}/{taken['id']}/compositions", json=wanted)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize("path", ["/api/v1/jobs/job_x", "/api/v1/videos/video_x/content", "/api/v1/nothing"])
def test_what_is_not_there_is_a_problem(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_it_lives_and_is_ready_and_describes_itself(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"database": "ok", "storage": "ok"}
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert {"/api/v1/songs", "/api/v1/songs/{song_id}/compositions", "/healthz"} <= set(document["paths"])
    assert client.get("/docs").status_code == 200


def ask(client: TestClient, song: Path, **wanted: object) -> dict[str, object]:
    taken = upload(client, song)
    body: dict[str, object] = client.post(
        f"{SONGS}/{taken['id']}/compositions", json={"resolution": "480p", "fps": "24", "style": "swiss", **wanted}
    ).json()
    return body


def test_a_job_can_be_cancelled_once_and_begun_anew(client: TestClient, services: Services, song: Path) -> None:
    job = f"/api/v1/jobs/{ask(client, song)['id']}"
    early = client.post(f"{job}/requeue")
    assert (early.status_code, early.json()["code"]) == (409, "job_not_over")
    cancelled = client.post(f"{job}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    again = client.post(f"{job}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "job_over")
    anew = client.post(f"{job}/requeue")
    assert anew.status_code == 202
    assert anew.headers["Location"] == f"/api/v1/jobs/{anew.json()['id']}"
    InlineExecutor(services).run(anew.json()["id"])
    assert client.get(anew.headers["Location"]).json()["state"] == "succeeded"
    assert client.get(job).json()["state"] == "cancelled"
    assert client.post(f"{anew.headers['Location']}/requeue").json()["code"] == "job_not_over"


def test_what_happened_to_a_job_can_be_read_from_any_point(client: TestClient, services: Services, song: Path) -> None:
    asked = ask(client, song, priority="batch")
    InlineExecutor(services).run(str(asked["id"]))
    history = f"/api/v1/jobs/{asked['id']}/history"
    events = client.get(history).json()
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)
    assert [event["after"] for event in events if event["kind"] == "job"] == ["queued", "running", "succeeded"]
    pieces: list[dict[str, int]] = []
    while page := client.get(history, params={"after": pieces[-1]["id"] if pieces else 0, "limit": 4}).json():
        pieces += page
    assert pieces == events


@pytest.mark.parametrize("action", ["cancel", "requeue", "history"])
def test_a_job_that_is_not_there_is_a_problem(client: TestClient, action: str) -> None:
    url = f"/api/v1/jobs/job_absent/{action}"
    answer = client.get(url) if action == "history" else client.post(url)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_database_that_is_away_is_a_problem_that_passes(services: Services) -> None:
    away = replace(services, engine=open_engine("postgresql://nobody@127.0.0.1:1/none"))
    with TestClient(create_api(away), raise_server_exceptions=False) as client:
        answer = client.get("/api/v1/jobs/job_1")
        assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (
            503,
            "database_unavailable",
            True,
        )
        assert answer.headers["Retry-After"]
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"database": "unavailable", "storage": "ok"})


def test_storage_that_is_away_is_said_to_be(services: Services) -> None:
    settings = S3Settings(
        bucket_name="b",
        access_key_id="k",
        secret_access_key=SecretStr("s"),
        endpoint_url="http://127.0.0.1:1",
    )
    away = replace(services, storage=S3Storage(settings))
    with TestClient(create_api(away), raise_server_exceptions=False) as client:
        ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"database": "ok", "storage": "unavailable"})


def test_a_full_disk_is_said_to_be_full_and_takes_nothing(client: TestClient, song: Path, services: Services) -> None:
    with song.open("rb") as file, full_disk():
        answer = client.post(SONGS, files={"file": (song.name, file)})
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (507, "disk_full", True)
    assert "free some space" in answer.json()["detail"]
    assert [path for path in services.settings.data_dir.rglob("*") if path.name.startswith(".tmp")] == []
    assert upload(client, song)["filename"] == "My Song.wav"
