"""``vibecraft diff``: what a render would encode anew, why, and how long that takes; nothing is encoded."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster.services import open_services
from cluster.settings import load_settings
from serve_app import changing
from serve_app.commands.render import render

_NOT_OURS = frozenset({"song", "out", "workers", "as_json", "check", "only_diff"})
"""Of render's options those that have no part in what is planned, or are our own."""


def diff(
    song: Annotated[str, typer.Argument(help="The song, or the id of a video that is planned.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    **options: Any,
) -> None:
    """Say what `render` with the same options would encode anew, why, and roughly how long that takes."""
    if song.startswith("video_") and not Path(song).exists():
        services = open_services(load_settings(), migrate=True)
        changing.tell(services, song, as_json=as_json)
    else:
        render(Path(song), as_json=as_json, only_diff=True, **options)


def _share_options() -> None:
    """Take render's options, so that both commands understand the same words."""
    ours = inspect.signature(diff, eval_str=True).parameters
    shared = {
        name: each
        for name, each in inspect.signature(render, eval_str=True).parameters.items()
        if name not in _NOT_OURS
    }
    together = [ours["song"], *shared.values(), ours["as_json"]]
    diff.__signature__ = inspect.Signature(together)  # type: ignore[attr-defined]
    diff.__annotations__ = {each.name: each.annotation for each in together}


_share_options()
