"""The command line as a whole: its help, its version, and words that name no command."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest
import typer
from typer.testing import CliRunner

from serve_app.commands import COMMANDS, command_line


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_summary_is_that_of_its_file(name: str) -> None:
    command = getattr(import_module(f"serve_app.commands.{name}"), name)
    text = command.info.help if isinstance(command, typer.Typer) else command.__doc__
    assert text is not None
    assert text.splitlines()[0] == COMMANDS[name]


def test_the_help_of_the_whole_loads_no_command() -> None:
    code = "import sys; from serve_app.cli import main; sys.argv[1:] = ['--help']; main()"
    told = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    assert all(name in told.stdout for name in COMMANDS)
    loaded = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines() if line.startswith("import time:")}
    assert "serve_app.commands" in loaded
    assert not any(name.startswith("serve_app.commands.") for name in loaded)
    assert not {"numpy", "sqlalchemy", "ray", "numba"} & loaded


def test_a_song_that_was_heard_before_is_told_without_loading_what_hears() -> None:
    code = "import sys; from serve_app.commands import analyze; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "serve_app.hearing" in loaded
    assert not {"numpy", "scipy", "numba", "ray", "tasks.audio"} & set(loaded)


def test_the_version_is_that_of_the_package() -> None:
    ended = CliRunner().invoke(command_line(["--version"]), ["--version"])
    assert (ended.exit_code, ended.stdout) == (0, f"vibecraft {version('vibecraft')}\n")


@pytest.mark.parametrize(("words", "told"), [(["rendr"], "Did you mean 'render'"), (["--nothing"], "No such option")])
def test_words_that_are_none_of_ours_are_told(words: list[str], told: str) -> None:
    ended = CliRunner().invoke(command_line(words), words)
    assert ended.exit_code == 2
    assert told in ended.output


@pytest.mark.parametrize("words", [["sweep", "--help"], ["--", "sweep", "--help"]])
def test_a_command_that_is_named_is_the_one_that_runs(words: list[str]) -> None:
    ended = CliRunner().invoke(command_line(words), words)
    assert ended.exit_code == 0
    assert COMMANDS["sweep"].partition(" ")[0] in ended.output
