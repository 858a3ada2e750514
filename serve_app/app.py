"""The application on Ray Serve."""

# annotations stay objects here: Ray reads the type of build's argument from them

import threading
from dataclasses import asdict

import structlog
from fastapi import FastAPI
from pydantic import BaseModel, Field
from ray import serve
from ray.exceptions import RayError
from ray.serve import Application
from sqlalchemy.exc import SQLAlchemyError

from cluster.errors import PlatformError
from cluster.runtime import expect_served
from cluster.services import Services, open_services
from cluster.settings import load_settings
from cluster.sweeper import sweep
from cluster.telemetry import configure_logs
from serve_app.api import create_api
from tasks.dispatcher import start_dispatcher

NAME = "vibecraft"
_LOOK_EVERY_S = 10.0
_SWEEP_EVERY_S = 3600.0

_log = structlog.get_logger(__name__)


class Args(BaseModel):
    """What a deployment file may say.

    Attributes
    ----------
    replicas : int
        Copies of the HTTP application.
    """

    replicas: int = Field(default=1, ge=1)


def _api() -> FastAPI:
    """Make the application of one replica; with it the reaper runs, and the dispatcher is seen to.

    Raises
    ------
    SettingsError
        If the database is not of this version, or cannot serve this cluster.
    """
    settings = load_settings()
    configure_logs(settings.api_log_level)
    services = open_services(settings, migrate=True)
    expect_served(settings)
    services.keeper.start()
    threading.Thread(target=_attend, args=(services,), name="attendant", daemon=True).start()
    return create_api(services)


def _attend(services: Services) -> None:
    """See to it that the cluster has a dispatcher, and clear up now and then."""
    swept_at = float("-inf")
    while True:
        try:
            start_dispatcher()
            if services.clock.monotonic() - swept_at > _SWEEP_EVERY_S:
                swept_at = services.clock.monotonic()
                _log.info("swept", **asdict(sweep(services)))
        except (RayError, PlatformError, SQLAlchemyError) as error:
            _log.warning("attending failed and is tried again", error=str(error))
        threading.Event().wait(_LOOK_EVERY_S)


@serve.deployment(max_ongoing_requests=200, ray_actor_options={"num_cpus": 0})
@serve.ingress(_api)  # a function: the application is made in the replica and never pickled
class Api:
    """One replica of the HTTP application."""


def build(args: Args) -> Application:
    """Make the application that ``serve run`` and ``serve deploy`` start."""
    return Api.options(num_replicas=args.replicas).bind()  # type: ignore[attr-defined, no-any-return]
