"""The image: what goes into it, who runs in it, and that everything it is told to start is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tasks.media.ffmpeg import locate
from tests.deploy.dockerfile import Dockerfile, Ignored, read_dockerfile
from tests.deploy.programs import expect_startable

ROOT = Path(__file__).parents[2]
HADOLINT = Path(sys.executable).with_name("hadolint")
PACKAGES = {"libsndfile1", "tini"}
CLUSTER_PACKAGES = {"openssh-client", "rsync"}


@pytest.fixture(scope="module")
def dockerfile() -> Dockerfile:
    return read_dockerfile(ROOT / "Dockerfile")


@pytest.fixture(scope="module")
def ignored() -> Ignored:
    return Ignored((ROOT / ".dockerignore").read_text())


def hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HADOLINT, path], capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing() -> None:
    found = hadolint(ROOT / "Dockerfile")
    assert (found.returncode, found.stdout) == (0, "")


def test_hadolint_finds_what_is_wrong(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python\nRUN apt-get install ffmpeg\nCMD vibecraft up\n")
    found = hadolint(bad)
    assert found.returncode != 0
    assert "DL3006" in found.stdout


def test_every_copied_path_is_in_the_build_context(dockerfile: Dockerfile, ignored: Ignored) -> None:
    sources = dockerfile.copied()
    assert sources
    for source in sources:
        path = ROOT / source
        files = [file for file in path.rglob("*.py") if "__pycache__" not in file.parts] if path.is_dir() else [path]
        assert files, source
        for file in files:
            assert file.is_file(), source
            assert not ignored.holds(file.relative_to(ROOT)), file


def test_the_build_gets_all_that_the_wheel_is_made_of(dockerfile: Dockerfile) -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, wheel = pyproject["project"], pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["readme"], *project["license-files"], *wheel["packages"]}
    assert needed <= set(dockerfile.copied())


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".venv/bin/python",
        "cluster/__pycache__/settings.cpython-312.pyc",
        "deploy/cluster/vibecraft.env",
        "out/demo.mp4",
        "tests/conftest.py",
    ],
)
def test_nothing_else_is_in_the_build_context(ignored: Ignored, path: str) -> None:
    assert ignored.holds(Path(path))


def test_ignoring_follows_the_last_rule_that_fits() -> None:
    rules = Ignored("# all\n*\n!kept\n!some/*.py\n**/*.pyc\n")
    assert rules.holds(Path("other/file.py"))
    assert not rules.holds(Path("kept/deep/file.py"))
    assert rules.holds(Path("kept/deep/file.pyc"))
    assert not rules.holds(Path("some/file.py"))
    assert rules.holds(Path("some/secret.env"))


def test_python_is_the_one_that_the_plan_names(dockerfile: Dockerfile) -> None:
    bases = {stage.base for stage in dockerfile.stages if stage.base not in dockerfile.names()}
    assert bases == {"python:3.12-slim-bookworm"}


def test_packages_are_installed_by_hash_and_ours_without_others(dockerfile: Dockerfile) -> None:
    runs = " ".join(dockerfile.all("RUN"))
    assert "uv pip sync --require-hashes" in runs
    assert "--no-deps" in runs
    installed = runs.partition("pip install --no-cache-dir ")[2].partition(" &&")[0].split()
    assert {word.partition("==")[0] for word in installed} == {"uv", "hatchling"}
    assert all("==" in word for word in installed)


def test_system_packages_are_few_and_exist(dockerfile: Dockerfile) -> None:
    assert dockerfile.system_packages("service") == PACKAGES
    assert dockerfile.system_packages("cluster") == PACKAGES | CLUSTER_PACKAGES
    if shutil.which("apt-cache"):
        known = subprocess.run(["apt-cache", "pkgnames"], capture_output=True, text=True, check=True).stdout.split()
        if known:  # a machine whose lists were never fetched knows none
            assert set(known) >= PACKAGES | CLUSTER_PACKAGES


def test_the_last_stage_is_what_runs(dockerfile: Dockerfile) -> None:
    assert dockerfile.stages[-1].name == "service"
    assert dockerfile.effective("service", "ENTRYPOINT") == '["tini", "--"]'
    assert dockerfile.effective("service", "CMD") == '["vibecraft", "up"]'
    assert dockerfile.effective("service", "STOPSIGNAL") == "SIGTERM"
    assert dockerfile.effective("service", "EXPOSE") == "8000"


@pytest.mark.parametrize("stage", ["service", "cluster"])
def test_nobody_runs_as_root(dockerfile: Dockerfile, stage: str) -> None:
    user, _, group = dockerfile.effective(stage, "USER").partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_no_volume_is_declared_since_some_builders_refuse_it(dockerfile: Dockerfile) -> None:
    assert not dockerfile.all("VOLUME")


def test_everything_that_is_started_is_there(dockerfile: Dockerfile) -> None:
    copied = dockerfile.destinations("service")
    expect_startable(json.loads(dockerfile.effective("service", "CMD")), copied)
    _, _, check = dockerfile.effective("service", "HEALTHCHECK").partition("CMD ")
    expect_startable(json.loads(check), copied)
    assert json.loads(dockerfile.effective("service", "ENTRYPOINT"))[0] in dockerfile.system_packages("service")


@pytest.mark.parametrize(
    "command",
    [
        ["vibecraft", "migrate"],
        ["uvicorn", "app.main:app"],
        ["rq", "worker"],
        ["ray", "start"],
        ["python", "-m", "cluster.db.migrations"],
    ],
)
def test_the_commands_of_the_plan_are_there(command: list[str]) -> None:
    expect_startable(command, {})


@pytest.mark.parametrize("command", [["gunicorn"], ["python", "-m", "cluster.no_such"], ["python", "/opt/no.py"]])
def test_a_command_that_is_not_there_is_noticed(command: list[str]) -> None:
    with pytest.raises(AssertionError):
        expect_startable(command, {})


def test_ray_is_told_the_same_as_by_our_own_commands(dockerfile: Dockerfile, tmp_path: Path) -> None:
    program = (
        "import json, os; from cluster.environment import prepare_environment; from cluster.settings import Settings;"
        " prepare_environment(Settings()); print(json.dumps(dict(os.environ)))"
    )
    clean = {"PATH": os.defpath, "VC_DATA_DIR": str(tmp_path), "RAY_AUTH_MODE": "token"}
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=clean, cwd=ROOT).stdout
    ours = {name: value for name, value in json.loads(said).items() if name.startswith("RAY_")}
    del ours["RAY_AUTH_MODE"]
    image = {name: value for name, value in dockerfile.environment("service").items() if name.startswith("RAY_")}
    assert image == ours


def test_the_image_holds_no_secret(dockerfile: Dockerfile) -> None:
    given = {**dockerfile.environment("service"), **dict(line.partition("=")[::2] for line in dockerfile.all("ARG"))}
    assert not [name for name in given if any(word in name for word in ("TOKEN", "SECRET", "PASSWORD", "KEY"))]


def test_the_ffmpeg_of_the_image_can_do_what_debians_cannot(tmp_path: Path, dockerfile: Dockerfile) -> None:
    """The image links the wheel's binary as ``ffmpeg`` and says ``FFMPEG_BIN=ffmpeg``, as the plan does."""
    assert dockerfile.environment("service")["FFMPEG_BIN"] == "ffmpeg"
    link = next(run for run in dockerfile.all("RUN") if run.startswith("ln -s"))
    assert link.endswith(" /opt/venv/bin/ffmpeg")
    assert dockerfile.environment("service")["PATH"].startswith("/opt/venv/bin:")
    asked = link[link.index("'") + 1 : link.rindex("'")]
    binary = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "ffmpeg").symlink_to(binary)
    path = f"{tmp_path}:{os.environ['PATH']}"
    protocols = subprocess.run(
        ["ffmpeg", "-hide_banner", "-protocols"], capture_output=True, text=True, check=True, env={"PATH": path}
    ).stdout.split()
    assert "fd" in protocols
    assert Path(locate(str(tmp_path / "ffmpeg"))).resolve() == Path(binary).resolve()
    found = "from tasks.media.ffmpeg import locate; print(locate('ffmpeg'))"
    located = subprocess.run(
        [sys.executable, "-c", found], capture_output=True, text=True, check=True, env={"PATH": path}, cwd=ROOT
    ).stdout.strip()
    assert located == str(tmp_path / "ffmpeg")
