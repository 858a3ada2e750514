"""The application on Ray Serve."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel, Field
from ray import serve
from ray.serve import Application

from cluster.services import open_services
from cluster.settings import load_settings
from cluster.telemetry import configure_logs
from serve_app.api import create_api


class Args(BaseModel):
    """What a deployment file may say.

    Attributes
    ----------
    replicas : int
        Copies of the HTTP application.
    """

    replicas: int = Field(default=1, ge=1)


def _api() -> FastAPI:
    settings = load_settings()
    configure_logs(settings.api_log_level)
    return create_api(open_services(settings))


@serve.deployment(max_ongoing_requests=200, ray_actor_options={"num_cpus": 0})
@serve.ingress(_api)  # a function: the application is made in the replica and never pickled
class Api:
    """One replica of the HTTP application."""


def build(args: Args) -> Application:
    """Make the application that ``serve run`` and ``serve deploy`` start."""
    return Api.options(num_replicas=args.replicas).bind()  # type: ignore[attr-defined, no-any-return]
