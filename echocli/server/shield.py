"""Turn away what must not come in, before anything else looks at it; and what browsers expect.

Both are plain ASGI applications around another one, for requests and WebSockets alike. A refused
WebSocket gets an HTTP status in place of the handshake (ASGI, "WebSocket Denial Response"); that of
the older contract is accepted and closed with 1008, which is what its client looks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.websockets import WebSocket

from echocli.server.limits import RateLimit
from echocli.server.problems import Problem
from echocli.server.security import HEADERS, Guard, Refusal
from echocli.server.tally import remark
from echocli.wire.codes import Close

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = ("/health",)
"""Paths that need no token and are not counted: whoever watches the server asks for them."""

LEGACY = "/ws/live-listener"


class Plain:
    """Add the headers of every answer; ``most`` bytes of a body are taken whatever is said of it.

    Where an answer comes before the end of a body that may be larger, it says that the connection
    is closed: whoever then asked again on it could find it closed in that moment.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add to what goes out."""
        rest = scope["type"] == "http" and self._is_long(scope)

        async def take() -> Message:
            nonlocal rest
            message = await receive()
            rest = rest and message.get("more_body", False)
            return message

        async def add(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if rest:
                    headers["connection"] = "close"
            await send(message)

        await self._app(scope, take, add)

    def _is_long(self, scope: Scope) -> bool:
        """Tell a body that may be larger; h11 has seen to it that a length is a number."""
        headers = headers_of(scope)
        return "transfer-encoding" in headers or int(headers.get("content-length", 0)) > self._most


class Shield:
    """Check the name, the page, the rate and the token of whoever asks."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        guard: Guard,
        rate: RateLimit,
        refused: Callable[[str], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._app = app
        self._guard = guard
        self._rate = rate
        self._refused = refused
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may come in."""
        refusal = None
        if scope["type"] in ("http", "websocket"):
            refusal = self._judge(scope)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        self._refused(refusal.code)
        remark(scope, failure=refusal.code)
        await _turn_away(refusal, scope, receive, send)

    def _judge(self, scope: Scope) -> Refusal | None:
        guard, headers, is_socket = self._guard, headers_of(scope), scope["type"] == "websocket"
        if refusal := guard.host(headers) or guard.origin(headers):
            return refusal
        if scope["path"] in OPEN and not is_socket:
            return None
        if wait := self._rate.admit((scope.get("client") or ("",))[0]):
            return Refusal(429, "rate_limit_exceeded", "too many requests", wait)
        if self._stopping():
            return Refusal(503, "going_away", "the server ends", 5.0)
        query = scope["query_string"].decode("latin-1") if is_socket else ""
        return guard.token(headers, query)


def headers_of(scope: Scope) -> Mapping[str, str]:
    """Return the headers as text; a repeated one counts as it stood last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def _turn_away(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem(
        refusal.status, refusal.code, refusal.message, retry_after=refusal.retry_after
    )
    if scope["type"] == "http":
        await problem.response()(scope, receive, send)
        return
    socket = WebSocket(scope, receive, send)
    if scope["path"] != LEGACY:
        await socket.send_denial_response(problem.response())
        return
    await socket.accept()
    later = refusal.status in (429, 503)
    await socket.close(Close.TRY_LATER if later else Close.POLICY, refusal.message[:120])
