"""Analyses, corrections, exports and waveforms over HTTP; videos follow what the owner set right."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from cluster.db.engine import reading, writing
from cluster.db.tables import Composition
from cluster.errors import Changed
from cluster.jobs.states import State
from cluster.services import Services
from serve_app.api import create_api
from tasks import workflow
from tasks.domain.corrections import SectionRelabel
from tasks.executors import InlineExecutor
from tasks.media.waveform import Peaks, Zoom
from tasks.notation import Format
from tasks.steps import songs
from tasks.steps.heard import corrected, corrections_of, heard_in, keep_corrections, waveform_key
from tests.support.songs import write_song

SONG_S = 8.0


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    with TestClient(create_api(services), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def song(client: TestClient, tmp_path: Path) -> str:
    path = write_song(tmp_path / "song.wav", SONG_S)
    with path.open("rb") as file:
        song_id: str = client.post("/api/v1/songs", files={"file": (path.name, file)}).json()["id"]
    return f"/api/v1/songs/{song_id}"


@pytest.fixture
def heard(client: TestClient, services: Services, song: str) -> str:
    asked = client.post(f"{song}/analysis")
    assert asked.status_code == 202
    job = asked.json()
    assert asked.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["kind"], job["video_id"], job["song_id"]) == ("analysis", None, song.rpartition("/")[2])
    InlineExecutor(services).run(job["id"])
    done = client.get(asked.headers["Location"]).json()
    assert (done["state"], done["progress"], done["steps"]) == ("succeeded", 1.0, {"analyze": "1/1"})
    return song


def put(client: TestClient, song: str, *corrections: dict[str, Any], **headers: str) -> Any:
    return client.put(f"{song}/corrections", json={"corrections": corrections}, headers=headers)


def test_a_song_is_heard_and_set_right(client: TestClient, heard: str) -> None:
    machine = client.get(f"{heard}/analysis").json()
    assert machine["schema"] == 1
    tempo_bpm = machine["tempo_bpm"]
    assert machine["duration_s"] == SONG_S
    kept = put(
        client, heard, {"kind": "tempo_scale", "factor": "x2"}, {"kind": "section_relabel", "at_s": 1, "label": "A"}
    )
    assert (kept.status_code, kept.headers["ETag"], kept.json()["revision"]) == (200, '"1"', 1)
    assert kept.json()["corrections"][0]["bpm"] == 2 * tempo_bpm
    mine = client.get(f"{heard}/analysis").json()
    assert mine["tempo_bpm"] == 2 * tempo_bpm
    assert mine["sections"][0]["label"] == "A"
    assert client.get(f"{heard}/analysis", params={"heard": True}).json() == machine
    again = client.get(f"{heard}/corrections")
    assert (again.json(), again.headers["ETag"]) == (kept.json(), '"1"')
    assert (
        client.put(f"{heard}/corrections", json=again.json() | {}).status_code == 422
    )  # a revision is not ours to set
    assert put(client, heard).json()["corrections"] == []
    assert client.get(f"{heard}/analysis").json() == machine


def test_a_change_of_something_else_meanwhile_is_refused(client: TestClient, heard: str) -> None:
    empty = client.get(f"{heard}/corrections")
    assert (empty.json(), empty.headers["ETag"]) == ({"schema": 1, "revision": 0, "corrections": []}, '"0"')
    meter = {"kind": "meter", "numerator": 3}
    assert put(client, heard, meter, **{"If-Match": '"0"'}).status_code == 200
    for tag in ('"0"', '"x"'):
        late = put(client, heard, meter, **{"If-Match": tag})
        assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert put(client, heard, meter, **{"If-Match": "*"}).json()["revision"] == 2


@pytest.mark.parametrize(
    ("corrections", "sentence"),
    [
        ([{"kind": "tempo", "bpm": -3, "offset_s": 0}], "number 1 (tempo): bpm lies between"),
        ([{"kind": "section_split", "at_s": 99}], "number 1 (section_split) is at 99.00 s"),
        ([{}], "has no kind that is known"),
    ],
)
def test_corrections_that_do_not_fit_are_a_problem(
    client: TestClient, heard: str, corrections: list[dict[str, Any]], sentence: str
) -> None:
    refused = put(client, heard, *corrections)
    assert (refused.status_code, refused.json()["code"]) == (422, "corrections_invalid")
    assert sentence in refused.json()["detail"]


def test_what_is_too_large_for_corrections_is_a_problem(client: TestClient, heard: str) -> None:
    huge = b"x" * (100 << 20)
    for refused in (
        client.put(f"{heard}/corrections", content=huge, headers={"content-type": "application/json"}),
        client.post(f"{heard}/corrections/import", files={"file": ("a.csv", huge)}),
        client.post(f"{heard}/corrections/import", files={"file": ("a.mid", b"x" * (2 << 20))}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (413, "import_too_large")
        assert refused.headers["content-type"] == "application/problem+json"


def test_before_a_song_is_heard_there_is_nothing_to_read(client: TestClient, song: str) -> None:
    for path in ("analysis", "analysis/export?format=lab", "waveform"):
        early = client.get(f"{song}/{path}")
        assert (early.status_code, early.json()["code"]) == (409, "not_ready")
    for early in (
        client.post(f"{song}/corrections/import", files={"file": ("a.csv", b"0.5\n1\n")}),
        put(client, song, {"kind": "meter", "numerator": 3}),
    ):
        assert (early.status_code, early.json()["code"]) == (409, "not_ready")
    assert client.get(f"{song}/corrections").json() == {"schema": 1, "revision": 0, "corrections": []}


@pytest.mark.parametrize("path", ["analysis", "analysis/export?format=lab", "waveform", "corrections"])
def test_a_song_that_is_not_there_is_a_problem(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/v1/songs/song_absent/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_beats_go_out_and_come_back(client: TestClient, heard: str) -> None:
    ours = client.get(f"{heard}/analysis").json()
    for form in Format:
        out = client.get(f"{heard}/analysis/export", params={"format": form})
        assert out.status_code == 200
        put(client, heard)
        back = client.post(f"{heard}/corrections/import", files={"file": (f"x.{form}", out.content)})
        assert (back.status_code, back.headers["ETag"]) == (200, f'"{back.json()["revision"]}"')
        mine = client.get(f"{heard}/analysis").json()
        assert [beat["time_s"] for beat in mine["beats"]] == pytest.approx(
            [beat["time_s"] for beat in ours["beats"]], abs=1e-3
        )
        assert [one["label"] for one in mine["sections"]] == [one["label"] for one in ours["sections"]]
    assert client.get(f"{heard}/analysis/export", params={"format": "pdf"}).status_code == 422
    wrong = client.post(f"{heard}/corrections/import", files={"file": ("x.csv", b"99\n1\n")})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "import_times_invalid")


def test_the_waveform_is_served_at_every_zoom(client: TestClient, heard: str, tmp_path: Path) -> None:
    sound, rate = soundfile.read(tmp_path / "song.wav", dtype="int16", always_2d=True)
    for zoom in Zoom:
        body = client.get(f"{heard}/waveform", params={"samples_per_pixel": zoom}).json()
        length = -(-len(sound) // zoom)
        assert (body["version"], body["bits"], body["channels"]) == (2, 8, 2)
        assert (body["sample_rate"], body["samples_per_pixel"], body["length"]) == (rate, zoom, length)
        data = np.array(body["data"]).reshape(length, 2, 2)
        for pixel in (0, length // 2, length - 1):
            block = sound[pixel * zoom : (pixel + 1) * zoom] / 256
            assert np.abs(data[pixel, :, 0] - np.trunc(block.min(axis=0))).max() <= 1  # a sample is kept to 1/32767
            assert np.abs(data[pixel, :, 1] - np.trunc(block.max(axis=0))).max() <= 1
        binary = client.get(f"{heard}/waveform", params={"samples_per_pixel": zoom, "format": "dat"}).content
        assert struct.unpack_from("<iIiiIi", binary) == (2, 1, rate, zoom, length, 2)
        assert Peaks.from_bytes(binary).to_json() == body
    assert client.get(f"{heard}/waveform", params={"samples_per_pixel": 100}).status_code == 422


def ask(client: TestClient, services: Services, song: str) -> dict[str, Any]:
    wanted = {"resolution": "480p", "fps": "24", "style": "swiss"}
    job = client.post(f"{song}/compositions", json=wanted).json()
    InlineExecutor(services).run(job["id"], kinds={"analyze", "plan"})
    with reading(services.engine) as session:
        composition = session.get_one(Composition, job["video_id"])
        assert composition.plan is not None
        analysis = songs.analysis_of(session, composition)
        assert analysis is not None
        return {**composition.plan, "timeline": composition.timeline, "tempo_bpm": analysis.tempo_bpm}


def test_a_video_follows_what_was_set_right(client: TestClient, services: Services, heard: str) -> None:
    before = ask(client, services, heard)
    assert ask(client, services, heard) == before
    put(
        client,
        heard,
        {"kind": "tempo", "bpm": 70, "offset_s": 0.31},
        {"kind": "section_relabel", "at_s": 1, "label": "mine"},
    )
    after = ask(client, services, heard)
    assert after["tempo_bpm"] == 70
    cuts = [shot["beat_s"] for shot in after["timeline"]["shots"] if shot["beat_s"] is not None]
    assert cuts
    assert all(abs((cut - 0.31) * 70 / 60 - round((cut - 0.31) * 70 / 60)) < 1e-6 for cut in cuts)
    assert {shot["section"] for shot in after["timeline"]["shots"]} == {"mine"}
    keys = {plan["segments"][0]["source"]["settings"]["analysis_key"] for plan in (before, after)}
    assert len(keys) == 2
    for key in keys:
        stored = b"".join(services.storage.open_range(key, 0, services.storage.stat(key).size_bytes))
        assert json.loads(stored)["schema"] == 1
    put(client, heard)
    assert ask(client, services, heard)["segments"] == before["segments"]


def test_an_analysis_that_failed_is_begun_anew(client: TestClient, services: Services, song: str) -> None:
    job = client.post(f"{song}/analysis").json()
    assert client.post(f"/api/v1/jobs/{job['id']}/cancel").status_code == 200
    anew = client.post(f"/api/v1/jobs/{job['id']}/requeue").json()
    assert (anew["kind"], anew["song_id"]) == ("analysis", job["song_id"])
    InlineExecutor(services).run(anew["id"])
    assert client.get(f"{song}/analysis").status_code == 200


def test_a_song_too_long_for_a_video_is_heard_alone(client: TestClient, services: Services, song: str) -> None:
    short = services.settings.model_copy(update={"max_song_s": 5})
    limited = Services(
        **{name: getattr(services, name) for name in ("engine", "storage", "clock", "keeper")}, settings=short
    )
    job = client.post(f"{song}/analysis").json()
    InlineExecutor(limited).run(job["id"])
    assert client.get(f"/api/v1/jobs/{job['id']}").json()["state"] == State.SUCCEEDED
    film = client.post(f"{song}/compositions", json={}).json()
    InlineExecutor(limited).run(film["id"])
    failed = client.get(f"/api/v1/jobs/{film['id']}").json()
    assert (failed["state"], failed["error"]["code"]) == ("failed", "song_too_long")


def test_a_waveform_that_was_lost_is_drawn_again(client: TestClient, services: Services, heard: str) -> None:
    with reading(services.engine) as session:
        row = heard_in(session, heard.rpartition("/")[2])
    assert row is not None
    services.storage.delete(waveform_key(row.sound_key))
    assert client.get(f"{heard}/waveform").json()["code"] == "not_ready"
    InlineExecutor(services).run(client.post(f"{heard}/analysis").json()["id"])
    assert client.get(f"{heard}/waveform").status_code == 200


def test_corrections_are_kept_on_each_database(on_each_database: Services, tmp_path: Path) -> None:
    engine = on_each_database.engine
    row = songs.take_in(on_each_database, write_song(tmp_path / "song.wav", SONG_S), "ada")
    with writing(engine) as session:
        job_id = workflow.begin_analysis(session, row)
    InlineExecutor(on_each_database).run(job_id)
    mine = (SectionRelabel(at_s=1.0, label="Réfrain"),)
    with reading(engine) as session:
        heard = heard_in(session, row.id)
    assert heard is not None
    for revision in (1, 2):
        with writing(engine) as session:
            assert keep_corrections(session, heard, mine, revision=revision - 1) == (mine, revision)
    with pytest.raises(Changed), writing(engine) as session:
        keep_corrections(session, heard, (), revision=1)
    with reading(engine) as session:
        assert corrections_of(session, row.id) == (mine, 2)
        assert corrected(session, heard).sections[0].label == "Réfrain"
