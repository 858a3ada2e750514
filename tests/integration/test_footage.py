"""One's own footage: taken in once, shown in the film, and nobody else's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from rich.console import Console
from sqlmodel import select
from starlette.testclient import TestClient

from cluster.db.engine import reading
from cluster.db.tables import Composition
from cluster.db.tables import Footage as FootageRow
from cluster.errors import NotFound
from cluster.jobs.states import State
from cluster.services import Services
from cluster.sweeper import sweep
from serve_app.api import create_api
from serve_app.footage import natural, take_in_all
from tasks.domain.errors import InvalidInput, InvalidRecord
from tasks.domain.footage import FootageFacts
from tasks.executors import InlineExecutor
from tasks.media.ffmpeg import locate
from tasks.media.verify import verify
from tasks.providers.base import ClipWanted, Making, Submission
from tasks.providers.uploads import MODEL, OwnFootage
from tasks.steps import footage
from tests.support.clips import numbered, write
from tests.support.command import vibecraft
from tests.support.songs import write_song
from tests.support.videos import fetched, render, small

FOOTAGE = "/api/v1/footage"


def flat(path: Path, colour: tuple[int, int, int], frames: int = 90) -> Path:
    """Write a clip of one colour."""
    picture = np.full((90, 160, 3), colour, np.uint8)
    return write(path, [picture] * frames)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write(tmp_path / "clip.mp4", [numbered(number) for number in range(30)])


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    with TestClient(create_api(services), raise_server_exceptions=False) as opened:
        yield opened


def test_a_clip_is_taken_in_once_for_each_owner(on_each_database: Services, clip: Path) -> None:
    services, owner = on_each_database, on_each_database.settings.owner_id
    taken = footage.take_in(services, clip, owner)
    assert footage.take_in(services, clip, owner, filename="other.mp4").id == taken.id
    assert taken.content_key == f"footage/{taken.sha256}"
    assert b"".join(services.storage.open_range(taken.content_key)) == clip.read_bytes()
    facts = FootageFacts.from_json(taken.document)
    assert (facts.id, facts.content_key, facts.frames) == (taken.id, taken.content_key, 30)
    assert FootageFacts.from_json(facts.to_json()) == facts
    theirs = footage.take_in(services, clip, "somebody else")
    assert theirs.id != taken.id
    with reading(services.engine) as session:
        assert footage.facts_of(session, [taken.id, taken.id], owner) == (facts, facts)
        with pytest.raises(NotFound):
            footage.facts_of(session, [taken.id, theirs.id], owner)


def test_what_is_refused_leaves_nothing(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "words.mp4"
    path.write_text("no video at all\n" * 99)
    with pytest.raises(InvalidInput):
        footage.take_in(services, path, services.settings.owner_id)
    with reading(services.engine) as session:
        assert session.exec(select(FootageRow)).all() == []
    assert not list(services.settings.data_dir.rglob("footage/*"))


def test_a_clip_whose_object_is_lost_is_stored_again(services: Services, clip: Path) -> None:
    owner = services.settings.owner_id
    taken = footage.take_in(services, clip, owner)
    services.storage.delete(taken.content_key)
    assert footage.take_in(services, clip, owner).id == taken.id
    assert services.storage.exists(taken.content_key)


def test_a_sweep_keeps_what_its_owner_gave(services: Services, clip: Path) -> None:
    taken = footage.take_in(services, clip, services.settings.owner_id)
    services.storage.put_file(clip, "footage/stray")
    assert sweep(services, stray_after_s=0).strays == 1
    assert services.storage.exists(taken.content_key)


def test_own_footage_is_a_provider(services: Services, clip: Path, tmp_path: Path) -> None:
    taken = footage.take_in(services, clip, services.settings.owner_id)
    provider = OwnFootage(
        services.storage.exists, lambda key, folder: services.storage.fetch_file(key, folder / "clip")
    )
    wanted = ClipWanted(model=MODEL, length_s=Fraction(1), settings={"content_key": taken.content_key})
    assert provider.estimate(wanted) == Decimal(0)
    submitted = provider.submit(wanted, nonce="1")
    assert submitted.submission is Submission.ACCEPTED
    assert submitted.prediction_id is not None
    assert provider.poll([submitted.prediction_id, "footage/none"]) == {submitted.prediction_id: Making.SUCCEEDED}
    assert provider.fetch(submitted.prediction_id, tmp_path).read_bytes() == clip.read_bytes()
    provider.cancel(submitted.prediction_id)
    lost = ClipWanted(model=MODEL, length_s=Fraction(1), settings={"content_key": "footage/none"})
    refused = provider.submit(lost, nonce="2")
    assert (refused.submission, refused.prediction_id) == (Submission.REJECTED, None)
    with pytest.raises(InvalidRecord):
        provider.estimate(ClipWanted(model="other/model", length_s=Fraction(1), settings={}))


def test_clips_are_given_listed_and_shown_over_http(client: TestClient, services: Services, clip: Path) -> None:
    answer = client.post(FOOTAGE, files={"file": ("C:\\Clips\\beach.mp4", clip.read_bytes())})
    assert answer.status_code == 201, answer.text
    given = answer.json()
    assert answer.headers["Location"] == f"{FOOTAGE}/{given['id']}"
    assert (given["filename"], given["width"], given["height"]) == ("beach.mp4", 160, 90)
    assert (given["duration_s"], given["fps"], given["frames"], given["note"]) == (1.0, 30.0, 30, None)
    assert client.get(f"{FOOTAGE}/{given['id']}").json() == given
    footage.take_in(services, clip, "somebody else")
    second = flat(clip.with_name("red.mp4"), (200, 20, 20), 3)
    other = client.post(FOOTAGE, files={"file": ("red.mp4", second.read_bytes())}).json()
    first_page = client.get(FOOTAGE, params={"limit": 1}).json()
    assert first_page == {"items": [given], "next": given["id"]}
    assert client.get(FOOTAGE, params={"cursor": first_page["next"]}).json() == {"items": [other], "next": None}


def test_what_is_no_clip_is_a_problem(client: TestClient) -> None:
    answer = client.post(FOOTAGE, files={"file": ("a.mp4", b"ffconcat version 1.0\nfile b.mp4\n")})
    assert (answer.status_code, answer.json()["code"]) == (415, "footage_is_playlist")
    assert answer.headers["content-type"] == "application/problem+json"


def test_nobody_elses_footage_is_seen_or_shown(client: TestClient, services: Services, clip: Path) -> None:
    theirs = footage.take_in(services, clip, "somebody else")
    assert client.get(FOOTAGE).json()["items"] == []
    for answer in (client.get(f"{FOOTAGE}/{theirs.id}"), client.get(f"{FOOTAGE}/footage_none")):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    song = write_song(clip.with_name("song.wav"), 3.0)
    taken = client.post("/api/v1/songs", files={"file": ("song.wav", song.read_bytes())}).json()
    asked = client.post(f"/api/v1/songs/{taken['id']}/compositions", json={"footage": [theirs.id]})
    assert (asked.status_code, asked.json()["code"]) == (404, "not_found")
    with reading(services.engine) as session:
        assert session.exec(select(Composition)).all() == []


def test_a_film_over_http_shows_the_clip(client: TestClient, services: Services, tmp_path: Path) -> None:
    clip = flat(tmp_path / "green.mp4", (32, 192, 32))
    given = client.post(FOOTAGE, files={"file": ("green.mp4", clip.read_bytes())}).json()
    song = write_song(tmp_path / "song.wav", 3.0)
    taken = client.post("/api/v1/songs", files={"file": ("song.wav", song.read_bytes())}).json()
    wish = {"footage": [given["id"]], "fit": "fit", "resolution": "480p", "fps": "24"}
    plain = {"effects": [], "transitions": [], "preset": "draft"}
    job = client.post(f"/api/v1/songs/{taken['id']}/compositions", json={**wish, **plain}).json()
    InlineExecutor(services).run(job["id"])
    film = tmp_path / "film.mp4"
    film.write_bytes(client.get(f"/api/v1/videos/{job['video_id']}/content").content)
    colours = [colour_of(frame) for frame in frames_of(film)]
    assert len(colours) == 72
    assert all(np.abs(colour - (32, 192, 32)).max() <= 4 for colour in colours)


def test_a_folder_of_clips_is_cut_in_the_order_of_names(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    order = [(192, 32, 32), (32, 192, 32), (32, 32, 192)]
    for name, colour in zip(("take 2.mp4", "take 9.mov", "take 10.mkv"), order, strict=True):
        flat(folder / name, colour)
    (folder / "notes.txt").write_text("three takes\n")
    flat(folder / ".hidden.mp4", (255, 255, 255), 3)
    song = write_song(tmp_path / "song.wav", 6.0)
    out = folder / "film.mp4"
    shutil.copy(folder / "take 2.mp4", out)  # an earlier film in the same folder is no clip
    ended = vibecraft(
        tmp_path / "data", "render", song, "-o", out, "--clips", folder, "--workers", "1", "--resolution", "480p",
        "--effects", "none", "--transitions", "none", "--preset", "draft",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "passed over: notes.txt is not a video" in ended.stdout
    assert ".hidden" not in ended.stdout
    shown = [colour_of(frame) for frame in frames_of(out)]
    changes = [0, *(n for n in range(1, len(shown)) if np.abs(shown[n] - shown[n - 1]).max() > 30)]
    assert len(changes) >= 3
    for index, frame in enumerate(changes):
        assert np.abs(shown[frame] - order[index % 3]).max() <= 4


def test_footage_with_fewer_pictures_than_the_film_is_verified(tmp_path: Path) -> None:
    """A clip of 20 pictures a second repeats every third in a film of 30, which is no fault of the film."""
    ramp = np.linspace(30, 220, 160, dtype=np.float32)
    pictures = [np.repeat(np.tile(np.roll(ramp, 3 * n), (90, 1))[:, :, None], 3, axis=2) for n in range(80)]
    clip = write(tmp_path / "slow.mp4", [picture.astype(np.uint8) for picture in pictures], rate="20")
    song = write_song(tmp_path / "song.wav", 3.0)
    ended = vibecraft(
        tmp_path / "data", "render", song, "-o", tmp_path / "film.mp4", "--clips", clip, "--workers", "1",
        "--resolution", "480p", "--effects", "none", "--transitions", "none", "--preset", "draft",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Verified" in ended.stdout


@pytest.mark.parametrize("colour", [(230, 230, 230), (230, 10, 10)], ids=["light", "red"])
def test_a_film_of_a_strobe_is_safe_unless_its_owner_says_otherwise(
    services: Services, tmp_path: Path, colour: tuple[int, int, int]
) -> None:
    """Five flashes a second for three seconds, then a calm second and a half."""
    lit, dark = np.full((90, 160, 3), colour, np.uint8), np.full((90, 160, 3), 16, np.uint8)
    strobe = [lit if number // 3 % 2 else dark for number in range(90)]
    owner, song = services.settings.owner_id, write_song(tmp_path / "song.wav", 6.0)
    told = {}
    for name, pictures in {"strobe": strobe, "calmer": [*strobe, *[lit] * 45]}.items():
        taken = footage.take_in(services, write(tmp_path / f"{name}.mp4", pictures), owner)
        facts = FootageFacts.from_json(taken.document)
        assert facts.flashes[0] < max(facts.flashes) == pytest.approx(5.0, abs=0.5)
        for limit in (True, False):
            wishes = small(
                footage=(taken.id,), limit_flashes=limit, effects=(), transitions=(), frame_rate=Fraction(30)
            )
            made, job = render(services, song, wishes)
            assert job.state == State.SUCCEEDED, job.error
            assert made.plan is not None
            assert made.video_key is not None
            flashes = verify(fetched(services, made.video_key, tmp_path), None, ffmpeg=locate(None)).flashes
            assert (max(flashes.most_general, flashes.most_red) <= 3) == limit
            told[name, limit] = [note["kind"] for note in made.plan["flash_limit"]["softened"]]
    assert set(told["strobe", True]) == {"footage"}
    assert told["strobe", False] == told["calmer", False] == []


def test_a_clip_that_is_named_must_be_one(services: Services, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    words = tmp_path / "words.mp4"
    words.write_text("no video\n")
    for name, sentence in ((words, "words.mp4 is not a video"), (tmp_path / "empty", "holds no video")):
        with pytest.raises(InvalidInput, match=sentence):
            take_in_all(services, [name], Console(quiet=True))


def test_names_are_sorted_as_people_count() -> None:
    names = ["clip 10.mp4", "Clip 9.mp4", "a.mp4", "clip 9b.mp4", "10.mp4", "9.mp4"]
    ordered = sorted(map(Path, names), key=natural)
    assert [path.name for path in ordered] == ["9.mp4", "10.mp4", "a.mp4", "Clip 9.mp4", "clip 9b.mp4", "clip 10.mp4"]


def frames_of(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as film:
        yield from film.decode(video=0)


def colour_of(frame: av.VideoFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Give the colour in the picture's middle."""
    height, width = frame.height, frame.width
    rgb = frame.to_ndarray(format="rgb24")[height // 2 - 4 : height // 2 + 4, width // 2 - 4 : width // 2 + 4]
    middle: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = rgb.mean(axis=(0, 1))
    return middle
