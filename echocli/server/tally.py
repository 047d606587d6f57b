"""Count what requests do: for ``/metrics`` and, as one line each, for the log."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from echocli import log

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from echocli.clock import Clock

OTHER = "other"
"""Stands for paths that are none of ours: those who guess names must not fill memory."""

POLLS = frozenset({"/health", "/metrics"})
"""Routes that are asked again and again: when all is well, that is not worth a line."""

REMARKS = "echocli.remarks"
"""Where a scope holds what else its line in the log says."""

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Tally:
    """The figures of the server itself, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "echocli_http_requests",
            "Requests by route, method and status; a WebSocket counts when it ends.",
            ["route", "method", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "echocli_http_request_duration_seconds",
            "Time from a request to the end of its answer.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "echocli_http_requests_in_flight", "Requests not answered yet.", registry=registry
        )
        self.refused = Counter(
            "echocli_http_refused", "Requests turned away, by why.", ["code"], registry=registry
        )
        self.uploads = Counter(
            "echocli_uploads", "Files that were taken to be transcribed.", registry=registry
        )
        self.upload_bytes = Counter(
            "echocli_upload_bytes", "Bytes of the files that were taken.", registry=registry
        )
        self.uploads_refused = Counter(
            "echocli_uploads_refused",
            "Files that were not taken, by why.",
            ["code"],
            registry=registry,
        )

    def refuse(self, code: str) -> None:
        """Count a request that was turned away."""
        self.refused.labels(code).inc()

    def refuse_upload(self, code: str) -> None:
        """Count a file that was not taken."""
        self.uploads_refused.labels(code).inc()

    def take_upload(self, size: int) -> None:
        """Count a file that was taken."""
        self.uploads.inc()
        self.upload_bytes.inc(size)


def remark(scope: Scope, **fields: log.Field) -> None:
    """Have the line of a request say more; a field that is ``None`` is left out."""
    known = {name: value for name, value in fields.items() if value is not None}
    scope.setdefault(REMARKS, {}).update(known)


class Counted:
    """Count requests on their way; an ASGI application around another one.

    ``routes`` are the paths there are: of a request that is refused nobody has looked which it is.
    """

    def __init__(
        self, app: ASGIApp, *, tally: Tally, clock: Clock, routes: Collection[str] = ()
    ) -> None:
        self._app = app
        self._tally = tally
        self._clock = clock
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and take note of how it ended."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope[REMARKS] = {}
        status, began = [500 if scope["type"] == "http" else 101], self._clock.now()

        async def watch(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status[0] = message["status"]
            await send(message)

        self._tally.in_flight.inc()
        try:
            await self._app(scope, receive, watch)
        finally:
            self._tally.in_flight.dec()
            self._note(scope, status[0], self._clock.now() - began)

    def _note(self, scope: Scope, status: int, secs: float) -> None:
        asked = scope["path"] if scope["path"] in self._routes else OTHER
        route = getattr(scope.get("route"), "path", asked)
        method = str(scope.get("method", "GET"))
        method = method if method in METHODS else OTHER
        self._tally.requests.labels(route, method, str(status)).inc()
        if scope["type"] == "http":
            self._tally.seconds.labels(route).observe(secs)
        client = (scope.get("client") or (None,))[0]
        remark(scope, client=client)
        event = "poll_complete" if route in POLLS and status == 200 else "request_complete"
        said = {"route": route, "method": method, "status": status, "seconds": secs}
        log.event(event, **said, **scope[REMARKS])
