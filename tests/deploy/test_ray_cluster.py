"""ray-cluster.yaml: Ray accepts it, its commands are there, and no secret is in it."""

from __future__ import annotations

import copy
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.scripts.scripts import start

from tasks.dispatcher import ENCODE
from tests.deploy.dockerfile import read_dockerfile

ROOT = Path(__file__).parents[2]
FILE = ROOT / "ray-cluster.yaml"
CHECK = Path(sys.executable).with_name("check-jsonschema")
SCHEMA = Path(ray.__file__).with_name("autoscaler") / "ray-schema.json"

Config = dict[str, Any]


@pytest.fixture
def config() -> Config:
    found: Config = yaml.safe_load(FILE.read_text())
    return found


def accept(config: Config) -> Config:
    prepared: Config = prepare_config(copy.deepcopy(config))
    validate_config(prepared)
    return prepared


def check(path: Path) -> int:
    command = [str(CHECK), "--schemafile", str(SCHEMA), str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def misspell(config: Config) -> None:
    config["idle_timeout_minuets"] = config.pop("idle_timeout_minutes")


def misspell_in_a_type(config: Config) -> None:
    encode = config["available_node_types"]["encode"]
    encode["min_wrokers"] = encode.pop("min_workers")


def lose_the_head(config: Config) -> None:
    del config["head_node_type"]


def name_another_head(config: Config) -> None:
    config["head_node_type"] = "no-such-type"


def ask_for_more_than_allowed(config: Config) -> None:
    config["available_node_types"]["encode"]["min_workers"] = config["max_workers"] + 1


def forget_the_container(config: Config) -> None:
    del config["docker"]["container_name"]


def commands(config: Config) -> list[str]:
    return [*config["head_start_ray_commands"], *config["worker_start_ray_commands"]]


def starts(config: Config) -> list[str]:
    return [command for command in commands(config) if "ray start" in command]


def test_ray_accepts_the_file(config: Config) -> None:
    prepared = accept(config)
    assert prepared["head_node_type"] == "head"
    assert check(FILE) == 0


@pytest.mark.parametrize(
    "spoil",
    [
        misspell,
        misspell_in_a_type,
        lose_the_head,
        name_another_head,
        ask_for_more_than_allowed,
        forget_the_container,
    ],
)
def test_ray_refuses_a_file_that_is_wrong(config: Config, spoil: Callable[[Config], None]) -> None:
    spoil(config)
    with pytest.raises(Exception, match=r"\S"):
        accept(config)


def test_the_schema_refuses_a_key_that_it_does_not_know(config: Config, tmp_path: Path) -> None:
    misspell(config)
    spoilt = tmp_path / "ray-cluster.yaml"
    spoilt.write_text(yaml.safe_dump(config))
    assert check(spoilt) != 0


def test_the_head_computes_nothing_and_the_others_come_and_go(config: Config) -> None:
    types = config["available_node_types"]
    assert types["head"]["resources"] == {"CPU": 0}
    encode = types["encode"]
    assert encode["min_workers"] == 0
    assert 0 < encode["max_workers"] <= config["max_workers"]
    assert encode["resources"][ENCODE] == encode["resources"]["CPU"]
    assert encode["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}


def test_every_key_is_explained() -> None:
    lines = FILE.read_text().splitlines()
    for above, line in pairwise(lines):
        if re.match(r"(max_workers|upscaling_speed|idle_timeout_minutes|file_mounts|setup_commands):", line):
            assert above.startswith("#"), line


def test_what_is_mounted_is_here_and_what_is_filled_in_stays_here(config: Config) -> None:
    assert config["file_mounts"]
    for local in config["file_mounts"].values():
        folder = ROOT / local
        assert folder.is_dir()
        assert (folder / "vibecraft.env.example").is_file()
        assert "vibecraft.env" in (folder / ".gitignore").read_text().splitlines()


def test_settings_are_read_where_they_are_mounted(config: Config) -> None:
    (mounted,) = config["file_mounts"]
    for command in commands(config):
        assert command == "ray stop" or command.startswith(f". {mounted}/vibecraft.env;"), command


def test_the_shell_understands_every_command(config: Config) -> None:
    for command in commands(config):
        subprocess.run(["bash", "-n", "-c", command], check=True)


def test_nodes_are_started_with_options_that_ray_has(config: Config) -> None:
    options = {option for parameter in start.params for option in parameter.opts}
    lines = starts(config)
    assert len(lines) == 2
    for line in lines:
        words = shlex.split(line.partition("ray start")[2])
        assert {word.partition("=")[0] for word in words} <= options


def test_nobody_joins_without_the_token(config: Config) -> None:
    for command in commands(config):
        if "ray start" in command or "vibecraft up" in command:
            assert "RAY_AUTH_MODE=token" in command


def test_the_dashboard_listens_on_loopback(config: Config) -> None:
    assert [line for line in starts(config) if "--dashboard-host=127.0.0.1" in line] == starts(config)[:1]


def test_the_heads_state_can_outlive_it(config: Config) -> None:
    head, worker = starts(config)
    assert "RAY_external_storage_namespace=" in head
    assert "unset RAY_REDIS_ADDRESS" in worker
    assert "RAY_REDIS_ADDRESS" in (ROOT / "deploy/cluster/vibecraft.env.example").read_text()


def test_the_image_is_the_target_with_what_the_launcher_needs(config: Config) -> None:
    target = re.search(r"docker build --target (\S+) -t (\S+) ", FILE.read_text())
    assert target is not None
    assert target[2] == config["docker"]["image"]
    dockerfile = read_dockerfile(ROOT / "Dockerfile")
    assert {"openssh-client", "rsync"} <= dockerfile.system_packages(target[1])
    assert dockerfile.effective(target[1], "USER") == "1000:1000"
    assert any(option.startswith("--shm-size=") for option in config["docker"]["run_options"])


def test_no_secret_is_in_the_files() -> None:
    example = (ROOT / "deploy/cluster/vibecraft.env.example").read_text()
    for line in FILE.read_text().splitlines():
        assert not re.search(r"(PASSWORD|SECRET|TOKEN)\w*=[^$\s\"]", line), line
        assert not re.search(r"AKIA|://[^/\s]*:[^/\s]*@", line), line
    for name, value in re.findall(r"export (\w*(?:PASSWORD|SECRET|TOKEN|KEY)\w*)='([^']*)'", example):
        assert not value, name
