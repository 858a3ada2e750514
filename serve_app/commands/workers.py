"""``vibecraft workers``: who is at work, whatever engine runs them."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from rq import Worker

from cluster.jobs import reports
from cluster.services import open_services
from cluster.settings import load_settings
from serve_app.problems import CommandError, ExitCode
from tasks.rq_announcer import open_redis


def workers(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show the processes that hold steps, and the RQ workers that wait for some."""
    settings = load_settings()
    services = open_services(settings, migrate=True)
    holders = reports.holders(services.engine)
    waiting = [] if settings.redis_url is None else _rq_workers(settings.redis_url.get_secret_value())
    if as_json:
        sys.stdout.write(json.dumps({"schema": 1, "holders": holders, "rq": waiting}) + "\n")
        return
    console = Console(file=sys.stdout)
    table = Table("process", "step", "progress", "lease ends in")
    for holder in holders:
        table.add_row(holder["process"], holder["step"], f"{holder['progress']:.0%}", f"{holder['lease_s']:.0f} s")
    console.print(table if holders else "No process holds a step.")
    for worker in waiting:
        console.print(f"rq {worker['name']} ({worker['state']}) listens on {', '.join(worker['queues'])}")


def _rq_workers(url: str) -> list[dict[str, Any]]:
    try:
        found = Worker.all(connection=open_redis(url))
        return [
            {"name": worker.name, "state": str(worker.get_state()), "queues": worker.queue_names()} for worker in found
        ]
    except RedisError as error:
        raise CommandError(f"Redis does not answer: {error}", ExitCode.ENVIRONMENT) from error
