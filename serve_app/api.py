"""The HTTP application, made in a function: no Ray, no side effect on import."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi_problem.error import Problem
from fastapi_problem.handler import add_exception_handler, new_exception_handler
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from cluster.errors import PlatformError, exhausted
from cluster.services import Services
from serve_app.errors import EdgeError, RangeError
from serve_app.limits import RefusalAsProblem
from serve_app.problems import problem_of
from serve_app.routes import analysis, compositions, editors, footage, health, jobs, lyrics, songs, videos
from tasks.domain.errors import DomainError
from tasks.export.otio_import import LARGEST_BYTES as LARGEST_TIMELINE_BYTES
from tasks.notation import LARGEST_BYTES
from tasks.notation.lyrics import LARGEST_BYTES as LARGEST_LYRICS_BYTES

_log = structlog.get_logger(__name__)

_FORM_OVERHEAD_BYTES = 64 << 10


def create_api(services: Services) -> FastAPI:
    """Make the application over ``services``."""
    api = FastAPI(
        title="VibeCraft",
        version=version("vibecraft"),
        summary="A song goes in, a beat-exact music video comes out.",
    )
    api.add_middleware(RefusalAsProblem, refusal=partial(_refusal, services))
    api.state.services = services
    api.include_router(health.router)
    largest = services.settings.max_upload_bytes + _FORM_OVERHEAD_BYTES
    for room in (songs, footage, analysis, lyrics, compositions, jobs, videos, editors):
        api.include_router(room.router, prefix="/api/v1", max_body_size=largest)
    handlers: dict[type[Exception], Any] = {
        DomainError: _told,
        PlatformError: _told,
        EdgeError: _told,
        OperationalError: _database_away,
        OSError: _unforeseen,
        MemoryError: _unforeseen,
        HTTPException: _http,
        RequestValidationError: _not_understood,
        Exception: _unforeseen,  # the last: the first that fits is taken
    }
    handler = new_exception_handler(
        handlers=handlers, http_exception_handler=_http, request_validation_handler=_not_understood
    )
    add_exception_handler(api, handler)
    for foreseen in (DomainError, PlatformError, EdgeError, OperationalError, OSError, MemoryError):
        api.add_exception_handler(foreseen, handler)
    return api


def _problem(
    status: HTTPStatus, code: str, title: str, detail: str, *, retryable: bool, headers: dict[str, str] | None = None
) -> Problem:
    return Problem(
        title,
        type_=f"urn:vibecraft:problem:{code}",
        detail=detail,
        status=status.value,
        headers=headers,
        code=code,
        retryable=retryable,
    )


def _told(_handler: object, _request: Request, error: DomainError | PlatformError | EdgeError) -> Problem:
    meant = problem_of(error.code)
    headers = {"Retry-After": "5"} if error.retryable else {}
    if isinstance(error, RangeError):
        headers["Content-Range"] = f"bytes */{error.size_bytes}"
    return _problem(
        meant.status, error.code, meant.title, error.message, retryable=error.retryable, headers=headers or None
    )


def _database_away(_handler: object, request: Request, error: OperationalError) -> Problem:
    _log.warning("the database did not answer", path=request.url.path, error=str(error.orig))
    code = "database_unavailable"
    meant = problem_of(code)
    detail = "The database does not answer at the moment; nothing was changed. Try again."
    return _problem(meant.status, code, meant.title, detail, retryable=True, headers={"Retry-After": "5"})


def _not_understood(_handler: object, _request: Request, error: RequestValidationError) -> Problem:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or "body"
    detail = f"{place}: {first['msg']}."
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return _problem(status, "request_invalid", "The request is not understood", detail, retryable=False)


def _too_large(services: Services, path: str) -> Problem:
    code = "upload_too_large"
    largest_mb = services.settings.max_upload_bytes >> 20
    detail = f"The upload is larger than {largest_mb} MiB; give a shorter or a compressed one."
    if "/corrections" in path:
        code = "import_too_large"
        detail = f"Corrections take at most {LARGEST_BYTES >> 20} MiB, which no list of beats or sections needs."
    if path.endswith("/lyrics"):
        code = "lyrics_too_large"
        detail = f"Lyrics take at most {LARGEST_LYRICS_BYTES >> 20} MiB, which no song's words need."
    if path.endswith("/edits"):
        code = "timeline_too_large"
        detail = f"A timeline takes at most {LARGEST_TIMELINE_BYTES >> 20} MiB; export the film again."
    return _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, code, problem_of(code).title, detail, retryable=False)


def _refusal(services: Services, scope: Scope) -> Response:
    problem = _too_large(services, scope["path"])
    return JSONResponse(problem.marshal(), problem.status, media_type="application/problem+json")


def _http(_handler: object, request: Request, error: HTTPException) -> Problem:
    status = HTTPStatus(error.status_code)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return _too_large(request.app.state.services, request.url.path)
    headers = dict(error.headers) if error.headers else None
    return _problem(status, status.name.lower(), status.phrase, str(error.detail), retryable=False, headers=headers)


def _unforeseen(handler: object, request: Request, error: Exception) -> Problem:
    if ran_out := exhausted(error):
        return _told(handler, request, ran_out)
    _log.error("a request failed", path=request.url.path, exc_info=error)
    detail = "Something went wrong on our side; please report it."
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Internal error", detail, retryable=False)
