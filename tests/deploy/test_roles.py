"""What containers run of deploy/: the head with its service, the health check, the maker of the bucket."""

from __future__ import annotations

import http.server
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError
from pydantic import SecretStr

from cluster.clock import SystemClock
from cluster.errors import SettingsError
from cluster.settings import S3Settings, Settings
from cluster.storage.s3_client import open_client
from deploy.bucket import make_bucket
from deploy.healthcheck import living, problem
from tests.support.s3 import moto_server
from tests.support.service import wait_for

ROOT = Path(__file__).parents[2]

UP = ["/opt/venv/bin/python", "/opt/venv/bin/vibecraft", "up"]
HEAD = ["python", "/opt/vibecraft/head.py", "--num-cpus=0"]
NODE = ["/opt/venv/bin/python", "/opt/venv/bin/ray", "start", "--address=api:6379", "--block"]
RAYLET = ["/opt/venv/lib/python3.12/site-packages/ray/core/src/ray/raylet/raylet", "--port=1"]
RQ = ["/opt/venv/bin/python", "/opt/venv/bin/rq", "worker", "ai_music_video"]

RUN = """
import sys
from pathlib import Path
from deploy.head import run

says = "import signal, sys; from pathlib import Path; say = lambda word: print(sys.argv[1], word, flush=True);"
stays = says + "signal.signal(15, lambda *_: (say('ends'), sys.exit(0)));"
stays += "say('runs'); Path(sys.argv[2]).touch(); signal.pause()"
ends = says + "say('runs'); Path(sys.argv[2]).touch()"
told = says + "import os; say(os.environ['RAY_ADDRESS'])"
programs = {"stays": stays, "ends": ends, "told": told}
folder = Path(sys.argv[3])


def command(kind, name):
    return [sys.executable, "-c", programs[kind], name, str(folder / name)]


sys.exit(run(command(sys.argv[1], "head"), command(sys.argv[2], "service"), (folder / sys.argv[4]).exists))
"""
"""The head counts as up when it has made the file that the last word names."""


@contextmanager
def head_with_service(head: str, service: str, folder: Path, up: str = "head") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", RUN, head, service, str(folder), up]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def test_sigterm_ends_the_service_first_and_gives_its_exit_code(tmp_path: Path) -> None:
    with head_with_service("stays", "stays", tmp_path) as process:
        assert lines(process, 2) == ["head runs", "service runs"]
        process.send_signal(signal.SIGTERM)
        assert lines(process, 2) == ["service ends", "head ends"]
        assert process.wait() == 0


def test_a_head_that_ends_takes_the_service_with_it(tmp_path: Path) -> None:
    with head_with_service("ends", "stays", tmp_path) as process:
        assert process.wait() == 1
        assert lines(process, 1) == ["head runs"]


def test_a_service_that_ends_takes_the_head_with_it_and_is_no_success(tmp_path: Path) -> None:
    with head_with_service("stays", "ends", tmp_path) as process:
        assert lines(process, 3) == ["head runs", "service runs", "head ends"]
        assert process.wait() == 1


def test_the_service_is_told_where_the_head_is(tmp_path: Path) -> None:
    with head_with_service("stays", "told", tmp_path) as process:
        assert lines(process, 2) == ["head runs", "service 127.0.0.1:6379"]
        process.wait()


def test_no_service_is_started_before_the_head_listens(tmp_path: Path) -> None:
    with head_with_service("stays", "stays", tmp_path, "never") as process:
        assert lines(process, 1) == ["head runs"]
        process.send_signal(signal.SIGTERM)
        assert lines(process, 2) == ["head ends", ""]
        assert process.wait() == 0


@contextmanager
def answering(status: int) -> Iterator[Settings]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Settings(api_port=server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("serving", [[UP], [HEAD, NODE], [["python", "-m", "serve_app", "up"]], [["vibecraft", "api"]]])
def test_a_container_that_serves_is_asked(serving: list[list[str]]) -> None:
    with answering(200) as settings:
        assert problem(serving, settings) is None
    with answering(503) as settings:
        assert "503" in str(problem(serving, settings))
    assert "does not answer" in str(problem(serving, settings))


def test_a_node_is_well_while_its_raylet_lives() -> None:
    settings = Settings()
    assert problem([["tini", "--"], NODE, RAYLET], settings) is None
    assert problem([["tini", "--"], NODE], settings) == "there is no raylet"


@pytest.mark.parametrize("command", [RQ, ["vibecraft", "migrate"], ["sleep", "up"], []])
def test_others_are_well_while_they_live(command: list[str]) -> None:
    assert problem([["tini", "--"], command], Settings()) is None


def test_living_processes_are_seen() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            wait_for(lambda: ["sleep", "60"] in living())
        finally:
            process.kill()


def test_the_check_ends_with_what_is_wrong() -> None:
    """Run as the image runs it: a process named as the service stands in for it, and nobody listens."""
    stand_in = [sys.executable, "-c", "input()", "vibecraft", "up"]
    with subprocess.Popen(stand_in, stdin=subprocess.PIPE) as process:
        try:
            check = subprocess.run(
                [sys.executable, ROOT / "deploy" / "healthcheck.py"],
                capture_output=True,
                text=True,
                check=False,
                env={"PORT": "1", "PYTHONPATH": str(ROOT)},
            )
        finally:
            process.kill()
    assert check.returncode == 1
    assert "port 1 does not answer" in check.stderr


def test_a_bucket_is_made_once() -> None:
    with moto_server() as settings:
        wanted = settings.model_copy(update={"bucket_name": "made-by-us"})
        assert make_bucket(wanted, SystemClock()) == "made-by-us"
        open_client(wanted).put_object(Bucket="made-by-us", Key="kept", Body=b"1")
        assert make_bucket(wanted, SystemClock()) == "made-by-us"
        assert open_client(wanted).head_object(Bucket="made-by-us", Key="kept")["ContentLength"] == 1


def test_no_bucket_is_made_without_a_name_or_a_server() -> None:
    with pytest.raises(SettingsError):
        make_bucket(S3Settings(), SystemClock())
    nobody = S3Settings(
        bucket_name="wanted", endpoint_url="http://127.0.0.1:1", access_key_id="a", secret_access_key=SecretStr("b")
    )
    with pytest.raises(EndpointConnectionError):
        make_bucket(nobody, SystemClock(), tries=1)
