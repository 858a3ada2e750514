"""The application on Ray Serve."""

# annotations stay objects here: Ray reads the type of build's argument from them

from fastapi import FastAPI
from pydantic import BaseModel, Field
from ray import serve
from ray.exceptions import RayError
from ray.serve import Application

from cluster.errors import ClusterError
from cluster.runtime import expect_served
from cluster.services import open_services
from cluster.settings import load_settings
from cluster.telemetry import configure_logs
from serve_app.attendant import Attendant
from tasks.dispatcher import start_dispatcher
from tasks.kernels import use_kernel_cache

NAME = "vibecraft"


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
    use_kernel_cache(settings)
    from serve_app.api import create_api  # noqa: PLC0415 - loads numba, which reads the environment

    services = open_services(settings, migrate=True)
    expect_served(settings)
    Attendant(services, care=_see_to_the_dispatcher).start()
    return create_api(services)


def _see_to_the_dispatcher() -> None:
    try:
        start_dispatcher()
    except RayError as error:
        raise ClusterError(f"The dispatcher could not be started: {error}") from error


@serve.deployment(max_ongoing_requests=200, ray_actor_options={"num_cpus": 0})
@serve.ingress(_api)  # a function: the application is made in the replica and never pickled
class Api:
    """One replica of the HTTP application."""


def build(args: Args) -> Application:
    """Make the application that ``serve run`` and ``serve deploy`` start."""
    return Api.options(num_replicas=args.replicas).bind()  # type: ignore[attr-defined, no-any-return]
