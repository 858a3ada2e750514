"""What routes are given: the platform, and on whose behalf they act."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from cluster.services import Services


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


def _owner_id(services: ServicesDep) -> str:
    return services.settings.owner_id


OwnerDep = Annotated[str, Depends(_owner_id)]
