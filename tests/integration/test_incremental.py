"""A change encodes exactly its own segments, and is told beforehand with its reasons."""

from __future__ import annotations

import json
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cluster.db.engine import reading
from cluster.db.tables import Composition
from cluster.jobs.states import State
from cluster.services import Services
from serve_app.api import create_api
from tasks.domain.difference import Reason
from tasks.executors import InlineExecutor
from tasks.steps.changes import Changes, changes_of
from tests.support.command import vibecraft
from tests.support.songs import write_song
from tests.support.videos import encoded_segments, plan, render, render_planned, replan, small


def changes(services: Services, composition: Composition) -> Changes:
    with reading(services.engine) as session:
        return changes_of(session, services.storage, composition)


def segments_of(composition: Composition) -> list[dict[str, Any]]:
    assert composition.plan is not None
    return deepcopy(composition.plan["segments"])


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_song(tmp_path / "song.wav", 5.0)


def test_the_first_film_is_all_new_and_the_second_changes_nothing(services: Services, song: Path) -> None:
    wanted = small()
    first = changes(services, plan(services, song, wanted))
    assert {each.reason for change in first.changes for each in change.differences} == {Reason.NEW}
    assert (len(first.changes), first.seconds) == (first.segments, None)
    composition, job = render(services, song, wanted)
    assert job.state == State.SUCCEEDED
    second = changes(services, plan(services, song, wanted))
    assert (second.changes, second.compared_with) == ((), composition.id)


def cut_by_hand(segments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Divide the film's shots into six, and let each but the first begin with a dissolve out of the one before."""
    frames, look = segments[-1]["end_frame"], segments[0]["source"]["settings"]
    bounds = [frames * n // 6 for n in range(7)]
    made: list[dict[str, Any]] = []
    for index in range(6):
        start, end = bounds[index], bounds[index + 1]
        settings = {**look, "shot": index, "film_frame": start}
        before = made[-1]["source"] if made else None
        made.append(
            {
                **segments[0],
                "index": index,
                "shot": index,
                "start_frame": start,
                "end_frame": end,
                "source": {"kind": "style", "settings": settings, "start_frame": 0, "end_frame": end - start},
                "transition": before and {"kind": "dissolve", "frames": 3},
                "outgoing": before
                and {**before, "start_frame": before["end_frame"], "end_frame": before["end_frame"] + 3},
                "effects": [],
            }
        )
    return made


def flash(segments: list[dict[str, Any]]) -> None:
    start = segments[3]["start_frame"]
    effect = {"kind": "flash", "start_frame": start, "end_frame": start + 4, "amount": 0.2, "curve": "decay"}
    segments[3]["effects"].append(effect)


def other_picture(segments: list[dict[str, Any]]) -> None:
    segments[2]["source"]["settings"]["seed"] = 99
    segments[3]["outgoing"]["settings"]["seed"] = 99


def other_transition(segments: list[dict[str, Any]]) -> None:
    segments[5]["transition"] = segments[5]["outgoing"] = None


def moved_cut(segments: list[dict[str, Any]]) -> None:
    segments[0]["end_frame"] -= 1
    segments[0]["source"]["end_frame"] -= 1
    segments[1]["start_frame"] -= 1
    segments[1]["source"]["end_frame"] += 1
    segments[1]["source"]["settings"]["film_frame"] -= 1
    for segment, length in ((segments[1], segments[0]), (segments[2], segments[1])):
        end = length["source"]["end_frame"]
        segment["outgoing"] = {**length["source"], "start_frame": end, "end_frame": end + 3}


def test_a_change_encodes_its_own_segments_and_the_neighbour_that_shows_it(services: Services, song: Path) -> None:
    base = plan(services, song, small())
    segments = cut_by_hand(segments_of(base))
    assert render_planned(services, replan(services, base, segments)).state == State.SUCCEEDED
    edits = {
        flash: {3: {Reason.EFFECT}},
        other_picture: {2: {Reason.SOURCE}, 3: {Reason.NEIGHBOUR}},
        other_transition: {5: {Reason.TRANSITION}},
        moved_cut: {0: {Reason.CUT}, 1: {Reason.CUT, Reason.NEIGHBOUR}, 2: {Reason.NEIGHBOUR}},
    }
    for edit, expected in edits.items():
        edit(segments)
        composition = replan(services, plan(services, song, small()), segments)
        told = changes(services, composition)
        reasons = {change.segment: {each.reason for each in change.differences} for change in told.changes}
        assert reasons == expected, edit.__name__
        assert told.seconds is not None
        assert told.seconds > 0
        before = encoded_segments(services)
        job = render_planned(services, composition)
        assert job.state == State.SUCCEEDED
        assert len(encoded_segments(services) - before) == len(expected), edit.__name__
        assert changes(services, composition).changes == ()


def test_a_shorter_film_keeps_the_shots_that_it_shares(services: Services, song: Path) -> None:
    plain = {"effects": (), "transitions": ()}
    render(services, song, small(**plain))
    told = changes(services, plan(services, song, small(end_s=Fraction(4), **plain)))
    assert told.segments > len(told.changes) == 1
    assert {each.reason for each in told.changes[0].differences} == {Reason.CUT}


def test_the_command_tells_what_render_would_do(data_dir: Path, song: Path) -> None:
    options = ("--resolution", "480p", "--fps", "24", "--preset", "draft", "--seed", "7", "--json")
    told = vibecraft(data_dir, "diff", song, *options)
    assert told.returncode == 0, told.stderr
    document = json.loads(told.stdout)
    assert (document["kept"], len(document["changes"])) == (0, document["segments"])
    assert document["changes"][0]["differences"][0]["reason"] == "new"
    assert document["renditions"] == []
    again = vibecraft(data_dir, "diff", document["video_id"])
    assert again.returncode == 0, again.stderr
    assert "segments are encoded anew" in again.stdout


def test_the_command_tells_it_for_every_format(data_dir: Path, song: Path) -> None:
    options = ("--resolution", "480p", "--fps", "24", "--preset", "draft", "--seed", "7")
    made = vibecraft(data_dir, "render", song, "-o", data_dir / "film.mp4", "--workers", "1", *options)
    assert made.returncode == 0, made.stderr
    told = vibecraft(data_dir, "diff", song, *options, "--also", "1:1", "--json")
    assert told.returncode == 0, told.stderr
    document = json.loads(told.stdout)
    (square,) = document["renditions"]
    assert (document["changes"], len(square["changes"])) == ([], square["segments"])
    shown = vibecraft(data_dir, "diff", document["video_id"])
    assert [line for line in shown.stdout.splitlines() if line.endswith("h264")] == ["16:9 480p h264", "1:1 480p h264"]


def test_a_video_is_planned_compared_and_then_rendered_over_http(services: Services, song: Path) -> None:
    wanted = {"resolution": "480p", "fps": "24", "preset": "draft"}
    with TestClient(create_api(services), raise_server_exceptions=False) as client, song.open("rb") as file:
        taken = client.post("/api/v1/songs", files={"file": ("song.wav", file)}).json()
        path = f"/api/v1/songs/{taken['id']}/compositions"
        job = client.post(path, params={"only_plan": True}, json=wanted).json()
        video = f"/api/v1/videos/{job['video_id']}"
        assert client.get(f"{video}/changes").json()["code"] == "not_ready"
        InlineExecutor(services).run(job["id"])
        assert (client.get(f"/api/v1/jobs/{job['id']}").json()["state"], job["kind"]) == ("succeeded", "plan")
        told = client.get(f"{video}/changes").json()
        assert (told["kept"], len(told["changes"])) == (0, told["segments"])
        assert client.get(f"{video}/poster").status_code == 409
        begun = client.post(f"{video}/jobs")
        assert begun.status_code == 202
        InlineExecutor(services).run(begun.json()["id"])
        assert client.get(f"{video}/changes").json()["changes"] == []
        poster = client.get(f"{video}/poster")
        assert (poster.status_code, poster.headers["content-type"]) == (200, "image/jpeg")
        assert client.get("/api/v1/videos/video_none/changes").status_code == 404
