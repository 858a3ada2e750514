"""The commands, one file each; each file has a function, or a group of commands, of the command's name."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import typer

COMMANDS = (
    "render",
    "diff",
    "export",
    "preview",
    "analyze",
    "lyrics",
    "verify",
    "sheet",
    "up",
    "api",
    "jobs",
    "workers",
    "migrate",
    "sweep",
)


def command_line(words: Sequence[str]) -> typer.Typer:
    """Make the command line for ``words``: only the command that they name is loaded, or all to show the help."""
    app = typer.Typer(
        name="vibecraft",
        help="A song goes in, a beat-exact music video comes out.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_whole)
    for name in [word for word in words[:1] if word in COMMANDS] or COMMANDS:
        command = getattr(import_module(f"{__name__}.{name}"), name)
        if isinstance(command, typer.Typer):
            app.add_typer(command)
        else:
            app.command(name)(command)
    return app


def _whole() -> None:
    """Make the words after ``vibecraft`` commands, also where only one is loaded."""
