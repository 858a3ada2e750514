"""``vibecraft sweep``: clears up after processes that were killed."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cluster.services import open_services
from cluster.settings import load_settings
from cluster.storage.sweep import STRAY_AFTER_S
from cluster.sweeper import sweep as clear_up

_DAY_S = 86_400.0


def sweep(
    days: Annotated[
        float, typer.Option(min=0, help="How old an object that nothing names must be to be removed.")
    ] = STRAY_AFTER_S / _DAY_S,
) -> None:
    """Remove unfinished uploads, unnamed objects and folders of dead processes; a service does so hourly."""
    services = open_services(load_settings(), migrate=True)
    swept = clear_up(services, days * _DAY_S)
    sys.stdout.write(
        f"Removed {swept.unfinished} unfinished uploads, {swept.strays} stray objects and {swept.scratch} scratch"
        " folders.\n"
    )
