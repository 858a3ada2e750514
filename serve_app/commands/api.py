"""``vibecraft api``: HTTP alone, for a small container; plain RQ workers or a Ray elsewhere do the work."""

from __future__ import annotations

import socket
import sys
from typing import Annotated

import typer
import uvicorn

from cluster.services import open_services
from cluster.settings import load_settings
from cluster.telemetry import configure_logs
from serve_app.api import create_api
from serve_app.attendant import Attendant
from serve_app.commands.up import expect_reachable

_BACKLOG = 2048


def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: API_HOST or 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [default: PORT, API_PORT or 8000]")] = None,
) -> None:
    """Serve HTTP without any Ray; the reaper and the announcer for RQ run in this process."""
    settings = load_settings()
    address, number = host or settings.api_host, settings.api_port if port is None else port
    expect_reachable(address, settings)
    configure_logs(settings.api_log_level)
    services = open_services(settings, migrate=True)
    attendant = Attendant(services)
    config = uvicorn.Config(create_api(services), log_level=settings.api_log_level.lower(), access_log=False)
    with listening(address, number) as listener:
        attendant.start()
        sys.stderr.write(f"VibeCraft listens on http://{address}:{listener.getsockname()[1]}\n")
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            attendant.stop()
            services.close()


def listening(host: str, port: int) -> socket.socket:
    """Open the port; ``::`` takes both families, which a server that is given the address alone would not."""
    if host == "::":
        return socket.create_server(
            (host, port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=socket.has_dualstack_ipv6()
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)
