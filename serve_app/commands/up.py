"""``vibecraft up``: the whole service on this machine, until Ctrl-C."""

from __future__ import annotations

import ipaddress
import logging
import os
import sys
import threading
from typing import Annotated

import typer
from ray import serve
from ray.serve.config import HTTPOptions

from cluster.errors import SettingsError
from cluster.runtime import Runtime
from cluster.services import open_services
from cluster.settings import load_settings
from serve_app.app import Args, build
from tasks.dispatcher import expect_turning, start_dispatcher

_LOOK_EVERY_S = 5.0


def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: API_HOST or 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [default: PORT, API_PORT or 8000]")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Steps side by side. [default: the cores]")] = None,
) -> None:
    """Serve HTTP on Ray Serve and run jobs; Ctrl-C stops all of it."""
    settings = load_settings()
    address, number = host or settings.api_host, settings.api_port if port is None else port
    expect_loopback(address)
    open_services(settings, migrate=True)
    runtime = Runtime(settings, workers=workers or os.cpu_count() or 1)
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    runtime.start()
    try:
        serve.start(http_options=HTTPOptions(host=address, port=number))
        serve.run(build(Args()), name="vibecraft", route_prefix="/")
        dispatcher = start_dispatcher()  # it lives as long as somebody holds it
        sys.stderr.write(f"VibeCraft listens on http://{address}:{number} (its API is described at /docs)\n")
        while True:
            expect_turning(dispatcher)
            threading.Event().wait(_LOOK_EVERY_S)
    except KeyboardInterrupt:
        sys.stderr.write("Stopping.\n")  # the way a service ends, not a failure
    finally:
        serve.shutdown()  # type: ignore[no-untyped-call]
        runtime.stop()


def expect_loopback(host: str) -> None:
    """Refuse to listen where others could reach an application without accounts.

    Raises
    ------
    SettingsError
        If ``host`` is not this machine's own loopback.
    """
    try:
        is_own = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_own = False
    if not is_own:
        raise SettingsError(
            f"{host} can be reached by others and there are no accounts yet; listen on 127.0.0.1 and put a proxy that"
            " asks for a password in front."
        )
