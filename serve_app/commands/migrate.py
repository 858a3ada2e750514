"""``vibecraft migrate``: brings the database up to date."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cluster.db import migrations
from cluster.db.engine import open_engine
from cluster.settings import load_settings


def migrate(
    to: Annotated[str, typer.Option(help="A revision, or head for the newest.")] = "head",
    down: Annotated[bool, typer.Option("--down", help="Go back to the revision instead of up to it.")] = False,
) -> None:
    """Bring the database that DATABASE_URL names to the newest schema; many processes may do so at once."""
    engine = open_engine(load_settings().database)
    before = migrations.current(engine)
    if down:
        migrations.downgrade(engine, to)
    else:
        migrations.upgrade(engine, to)
    sys.stdout.write(f"The database has revision {migrations.current(engine)} (before: {before or 'empty'}).\n")
