"""The commands, one file each; each file has a function, or a group of commands, of the command's name."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer

COMMANDS = {
    "render": "Make a music video of SONG, cut on its beats.",
    "diff": "Say what `render` with the same options would encode anew, why, and roughly how long that takes.",
    "export": "Write VIDEO as a timeline that editors open, with a file for each shot, and the song.",
    "preview": "Write the best moment of VIDEO as a moving picture that needs no player.",
    "analyze": "Show tempo, key, meter and sections of SONG; what you set right is kept, and videos follow it.",
    "lyrics": "Show, keep, write or remove the words of SONG.",
    "verify": "Measure VIDEO, against its song and its plan where they are given; exit 1 if it is not right.",
    "sheet": "Put pictures from the whole of VIDEO on one sheet.",
    "up": "Serve HTTP on Ray Serve and run jobs; Ctrl-C stops all of it, SIGTERM lets running steps finish first.",
    "api": "Serve HTTP without any Ray; the reaper and the announcer for RQ run in this process.",
    "jobs": "Look after jobs, whatever engine runs them.",
    "workers": "Show the processes that hold steps, and the RQ workers that wait for some.",
    "migrate": "Bring the database that DATABASE_URL names to the newest schema; many processes may do so at once.",
    "sweep": "Remove unfinished uploads, unnamed objects and folders of dead processes; a service does so hourly.",
}
"""What each does; here as well as in its file, so that the whole's help need not load them all."""


def command_line(words: Sequence[str]) -> typer.Typer:
    """Make the command line for ``words``: the command that they name is loaded, of others only the name is known."""
    app = typer.Typer(
        name="vibecraft",
        help="A song goes in, a beat-exact music video comes out.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_whole)
    named = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        if name != named:
            app.command(name, help=summary)(_unloaded)
            continue
        command = getattr(import_module(f"{__name__}.{name}"), name)
        if isinstance(command, typer.Typer):
            app.add_typer(command)
        else:
            app.command(name)(command)
    return app


def _say_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it
    if wanted:
        typer.echo(f"vibecraft {version('vibecraft')}")
        raise typer.Exit


def _whole(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take what is said before the command."""


def _unloaded() -> None:
    """Stand for a command that was not named, and so is not run."""
