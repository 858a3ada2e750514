"""``vibecraft up``: the whole service on this machine, until Ctrl-C. What dies of it is started again."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Annotated

import typer

from cluster.clock import SystemClock
from cluster.errors import SettingsError
from cluster.settings import Auth, Settings, load_settings
from cluster.supervisor import Supervisor, telling

_CLEAR_UP_S = 90.0
"""How long the service may take to end beside what it drains."""


def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: API_HOST or 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [default: PORT, API_PORT or 8000]")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Steps side by side. [default: the cores]")] = None,
    dashboard: Annotated[bool, typer.Option(help="Show Ray's dashboard and accept jobs there.")] = True,
) -> None:
    """Serve HTTP on Ray Serve and run jobs; Ctrl-C stops all of it, SIGTERM lets running steps finish first."""
    settings = load_settings()
    address = host or settings.api_host, settings.api_port if port is None else port
    expect_reachable(address[0], settings)
    supervisor = telling()
    if supervisor is None:
        command = [sys.executable, "-P", "-m", "serve_app", *sys.argv[1:]]
        stop_s = settings.drain_s + _CLEAR_UP_S
        raise typer.Exit(Supervisor(command, SystemClock(), stop_s=stop_s, say=_say).run())
    from cluster.runtime import Runtime  # noqa: PLC0415 - the supervisor loads no Ray
    from serve_app import service  # noqa: PLC0415

    runtime = Runtime(settings, workers=workers or os.cpu_count() or 1, dashboard=dashboard)
    service.run(settings, runtime, address, supervisor, _say)


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def expect_reachable(host: str, settings: Settings) -> None:
    """Refuse to listen where others could reach an application without accounts.

    Raises
    ------
    SettingsError
        If ``host`` is not this machine's own loopback, unless the settings say that a proxy asks who is there.
    """
    try:
        is_own = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_own = False
    if not is_own and settings.auth is not Auth.PROXY:
        raise SettingsError(
            f"{host} can be reached by others and there are no accounts yet; listen on 127.0.0.1, or put a proxy that"
            " asks for a password in front and say so by VC_AUTH=proxy."
        )
