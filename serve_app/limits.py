"""FastAPI's own ``max_body_size`` refuses large bodies in plain text; here the refusal becomes a problem."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TOO_LARGE = 413


class RefusalAsProblem:
    """ASGI middleware that sends ``refusal(scope)`` in place of any answer of status 413 that is no problem yet."""

    def __init__(self, app: ASGIApp, refusal: Callable[[Scope], Response]) -> None:
        self._app = app
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        refused = False

        async def answer(message: Message) -> None:
            nonlocal refused
            if (
                message["type"] == "http.response.start"
                and message["status"] == _TOO_LARGE
                and not _is_problem(message)
            ):
                refused = True
                await self._refusal(scope)(scope, receive, send)
            elif not refused:
                await send(message)

        await self._app(scope, receive, answer)


def _is_problem(message: Message) -> bool:
    kind: bytes = dict(message["headers"]).get(b"content-type", b"")
    return kind.startswith(b"application/problem+json")
