"""The running service: Ray, HTTP on Ray Serve and the dispatcher, until it is interrupted or its cluster is lost."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve.config import HTTPOptions

from cluster.errors import ClusterError, SettingsError
from cluster.runtime import Runtime
from cluster.services import open_services
from cluster.settings import Settings
from cluster.supervisor import Telling
from serve_app.app import NAME, Args, build
from tasks.dispatcher import end_dispatcher, expect_turning, find_dispatcher, start_dispatcher

_LOOK_EVERY_S = 2.0
_HAND_BACK_S = 30.0


def run(
    settings: Settings, runtime: Runtime, address: tuple[str, int], supervisor: Telling, say: Callable[[str], object]
) -> None:
    """Serve until Ctrl-C; a process whose cluster is lost ends at once, to be replaced by its supervisor.

    Raises
    ------
    SettingsError
        If the settings name another engine.
    """
    if not settings.wakes_ray:
        raise SettingsError("VC_ENGINE is rq, which needs no Ray; start `vibecraft api` and plain RQ workers.")
    open_services(settings, migrate=True).close()
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    with settings.log_file.open("a") as log, contextlib.redirect_stdout(log):  # what Ray prints
        try:
            runtime.start()
            _serve(runtime, address, supervisor, say)
        except KeyboardInterrupt as asked:  # the way a service ends, not a failure
            drain_s = settings.drain_s if asked.args == (signal.SIGTERM,) else 0.0
            say("Stopping." if drain_s == 0 else f"Stopping; steps that run may take {drain_s:.0f} s more.")
            _drain(drain_s)
        except (ClusterError, BrokenPipeError) as error:
            say(str(error))
            os._exit(1)  # a lost cluster cannot be shut down in an orderly way
        finally:
            _take_down(runtime)


def _serve(runtime: Runtime, address: tuple[str, int], supervisor: Telling, say: Callable[[str], object]) -> None:
    host, port = address
    serve.start(http_options=HTTPOptions(host=host, port=port))
    serve.run(build(Args()), name=NAME, route_prefix="/")
    dispatcher = start_dispatcher()
    say(f"VibeCraft listens on http://{host}:{port} (its API is described at /docs)")
    if runtime.dashboard_url:
        say(f"Ray's dashboard is http://{runtime.dashboard_url}")
    while True:
        expect_turning(dispatcher)
        supervisor.tell()
        threading.Event().wait(_LOOK_EVERY_S)


def _drain(limit_s: float) -> None:
    """Let steps that run finish for so long, then have their leases handed back; a second signal ends the wait."""
    dispatcher = find_dispatcher()
    if dispatcher is None:
        return
    with contextlib.suppress(RayError, KeyboardInterrupt):
        ray.get(dispatcher.drain.remote(limit_s), timeout=limit_s + _HAND_BACK_S)


def _take_down(runtime: Runtime) -> None:
    """Stop what was started: all of a Ray of our own, only our part of one that was joined."""
    if runtime.is_own:
        serve.shutdown()  # type: ignore[no-untyped-call]
    else:
        serve.delete(NAME)  # first, since its replicas see to it that there is a dispatcher
        if (dispatcher := find_dispatcher()) is not None:
            end_dispatcher(dispatcher)
    runtime.stop()
