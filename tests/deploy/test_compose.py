"""compose.yaml: it is valid, its commands are there, what dies comes back, and no secret is in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import AliasChoices
from pydantic_settings import BaseSettings
from ray.scripts.scripts import start

from cluster.settings import Auth, S3Settings, Settings
from deploy.head import HEAD, PORT
from tests.deploy.dockerfile import read_dockerfile
from tests.deploy.programs import expect_startable

ROOT = Path(__file__).parents[2]
FILE = ROOT / "compose.yaml"
CHECK = Path(sys.executable).with_name("check-jsonschema")

OURS = {"api", "bucket", "migrate", "rq-worker", "worker"}
ONCE = {"bucket", "migrate"}
OTHERS_READ = {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S", "REDIS_URL"}
"""Variables that Ray, or the command line itself, reads."""

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")
_SECRET = re.compile("PASSWORD|SECRET|TOKEN")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return found


def filled_in(text: str) -> str:
    return _VARIABLE.sub(lambda variable: variable["default"] or "", text).replace("$$", "$")


def validate(path: Path) -> subprocess.CompletedProcess[str]:
    command = [str(CHECK), "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def seconds(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60}[text[-1]]


def known_variables() -> set[str]:
    known: set[str] = set()
    kinds: tuple[type[BaseSettings], ...] = (Settings, S3Settings)
    for kind in kinds:
        for name, info in kind.model_fields.items():
            alias = info.validation_alias
            choices = alias.choices if isinstance(alias, AliasChoices) else []
            known |= {str(choice) for choice in choices} or {f"{kind.model_config['env_prefix']}{name}".upper()}
    return known


def test_the_file_is_what_compose_reads() -> None:
    assert validate(FILE).returncode == 0


@pytest.mark.parametrize(
    ("good", "bad"), [("restart: unless-stopped", "restarts: unless-stopped"), ("shm_size: 1g", "shm_size: [1g]")]
)
def test_a_broken_file_is_refused(tmp_path: Path, good: str, bad: str) -> None:
    text = FILE.read_text()
    assert good in text
    broken = tmp_path / "compose.yaml"
    broken.write_text(text.replace(good, bad))
    assert validate(broken).returncode != 0


def test_every_role_runs_the_one_image(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if service.get("build") == "."} == OURS
    assert {services[name]["image"] for name in OURS} == {"vibecraft:local"}


def test_images_of_others_are_pinned_to_a_version(services: dict[str, Any]) -> None:
    for name in services.keys() - OURS:
        assert re.search(r":\d", services[name]["image"]), name


def test_every_command_of_ours_can_be_started(services: dict[str, Any]) -> None:
    files = read_dockerfile(ROOT / "Dockerfile").destinations("service")
    for name in OURS:
        expect_startable([filled_in(word) for word in services[name]["command"]], files)


def test_the_rq_worker_runs_the_plans_command(services: dict[str, Any]) -> None:
    shell, option, line = services["rq-worker"]["command"]
    assert (shell, option) == ("sh", "-c")
    assert filled_in(line) == "exec rq worker ai_music_video --url $REDIS_URL"


def test_nodes_are_started_with_options_that_ray_has(services: dict[str, Any]) -> None:
    options = {option for parameter in start.params for option in parameter.opts}
    given = [*HEAD, *services["api"]["command"], *services["worker"]["command"]]
    for word in given:
        assert not word.startswith("--") or word.partition("=")[0] in options, word


def test_workers_look_for_the_head_where_it_is(services: dict[str, Any]) -> None:
    assert f"--address=api:{PORT}" in services["worker"]["command"]
    assert f"--port={PORT}" in HEAD
    inside = services["api"]["environment"]["PORT"]
    assert services["api"]["ports"] == [f"127.0.0.1:{inside}:{inside}"]


def test_only_loopback_is_published(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_ends_is_started_again(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["restart"] == ("on-failure" if name in ONCE else "unless-stopped"), name


def test_what_is_waited_for_is_there_with_every_set_of_profiles(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, condition in service.get("depends_on", {}).items():
            assert set(services[other].get("profiles", [])) <= set(service.get("profiles", [])), (name, other)
            if condition["condition"] == "service_healthy":
                assert "test" in services[other]["healthcheck"], (name, other)
            if condition["condition"] == "service_completed_successfully":
                assert other in ONCE


def test_workers_may_finish_what_they_have(services: dict[str, Any]) -> None:
    assert seconds(services["rq-worker"]["stop_grace_period"]) == 1800
    drain = int(services["worker"]["environment"]["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"])
    assert 0 < drain < seconds(services["worker"]["stop_grace_period"])


def test_containers_of_ours_may_do_little(services: dict[str, Any]) -> None:
    for name in OURS:
        service = services[name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        mounted = {volume.rpartition(":")[2] for volume in service["volumes"]}
        assert mounted == {"/data", "/cache"}, name
        assert [place.partition(":")[0] for place in service["tmpfs"]] == ["/tmp"], name  # noqa: S108 - a mount


def test_workers_share_no_folder_but_the_kernels(services: dict[str, Any]) -> None:
    assert services["worker"]["volumes"] == ["/data", "cache:/cache"]
    assert "container_name" not in services["worker"]
    assert "ports" not in services["worker"]


def test_settings_are_ones_that_are_known(services: dict[str, Any]) -> None:
    known = known_variables() | OTHERS_READ
    for name in OURS:
        assert set(services[name]["environment"]) <= known, name


def test_a_service_with_these_settings_may_have_many_nodes(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in services["api"]["environment"].items():
        monkeypatch.setenv(name, filled_in(value))
    settings = Settings()
    settings.s3.expect_whole()
    assert not settings.serves_one_host_only
    assert settings.auth is Auth.PROXY
    assert (settings.api_host, settings.api_port) == ("0.0.0.0", 8000)  # noqa: S104 - inside the container
    assert settings.s3.bucket_name == "vibecraft"


def test_secrets_come_from_the_environment_and_defaults_say_what_they_are() -> None:
    text = FILE.read_text()
    defaults = {variable["name"]: variable["default"] for variable in _VARIABLE.finditer(text)}
    secrets = {name for name in defaults if _SECRET.search(name)}
    assert secrets == {"POSTGRES_PASSWORD", "RAY_AUTH_TOKEN", "REDIS_PASSWORD", "S3_SECRET_ACCESS_KEY"}
    assert all(defaults[name].startswith("development-only") for name in secrets)
    without = _VARIABLE.sub("", text)
    for line in without.splitlines():
        name, _, value = line.strip().partition(": ")
        assert not (_SECRET.search(name) and value and not name.startswith("#")), line
    assert text.index("development alone") < text.index("services:")
