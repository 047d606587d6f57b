"""The application: routes, what stands before them, and what they share."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.process_collector import ProcessCollector
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from echocli.api.report import as_object
from echocli.api.survey import survey
from echocli.clock import Clock
from echocli.environment import Environment
from echocli.errors import EchoError
from echocli.providers.base import LoadSpec
from echocli.server import health, openai
from echocli.server.conversation import Conversation
from echocli.server.legacy import LegacyConversation
from echocli.server.limits import PASSED_OVER, RateLimit, Slots
from echocli.server.metrics import HostCollector
from echocli.server.openai_answer import NOTICES
from echocli.server.problems import Problem, problem_of
from echocli.server.readiness import Readiness
from echocli.server.security import HEADERS, Guard
from echocli.server.settings import ServeSettings
from echocli.server.shield import LEGACY, Plain, Shield
from echocli.server.socket import serve_socket
from echocli.server.talk import Talk
from echocli.server.tally import Counted, Tally, remark
from echocli.server.uploads import Upload
from echocli.server.work import Jobs
from echocli.wire.codes import PATH

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from echocli.api.hosting import Hosting
    from echocli.server.desk import Limits
    from echocli.server.sessions import Sessions

ROUTES = (Route, WebSocketRoute)
"""Kinds of routes that have one path."""

PATIENCE = 60.0
"""Seconds a file waits for its turn."""


@dataclass(slots=True)
class ServerState:
    """What a running server is made of."""

    hosting: Hosting
    sessions: Sessions
    limits: Limits
    """Of a live conversation."""
    settings: ServeSettings
    environment: Environment
    folder: Path
    """Where uploads go; private."""
    jobs: Jobs = field(init=False)
    stopping: bool = False

    def __post_init__(self) -> None:
        self.jobs = Jobs(
            self.hosting,
            Slots(self.settings.max_requests, PATIENCE),
            Readiness(self.hosting.host),
            self.settings.max_audio_seconds,
        )

    @property
    def clock(self) -> Clock:
        """The clock of everything here."""
        return self.environment.clock

    def served(self) -> tuple[LoadSpec, ...]:
        """Return what serves now, and what was asked for at the start."""
        return (self.hosting.host.standing.spec, self.hosting.setup.spec)


def create_app(state: ServerState) -> FastAPI:
    """Return the application; its own pages are off, as they load scripts from elsewhere."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, that nobody draws
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(HostCollector(state.hosting.host, state.sessions))
    tally = Tally(registry)
    app = FastAPI(
        title="EchoCLI", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    routes = _add_routes(app, state, registry, tally)
    _add_errors(app)
    _add_layers(app, state, tally, routes)
    return app


def _add_routes(
    app: FastAPI, state: ServerState, registry: CollectorRegistry, tally: Tally
) -> frozenset[str]:
    """Add them, and return their paths."""
    settings, setup = state.settings, state.hosting.setup

    def look() -> dict[str, object]:
        return as_object(survey(state.environment, setup.chosen))

    def taken(upload: Upload) -> None:
        tally.take_upload(upload.size)

    store = openai.store_of(state.folder, settings.max_upload, settings.max_requests, state.clock)
    audio = openai.Audio(state.jobs, store, state.served, tally.refuse_upload, taken)
    capabilities = health.Capabilities(look, state.clock)
    routers = (
        openai.router(audio, int(time.time())),
        health.router(state.hosting.host, capabilities, lambda: state.stopping),
    )
    for router in routers:
        app.include_router(router)

    @app.get("/metrics")
    async def metrics() -> Response:
        body = await run_in_threadpool(generate_latest, registry)
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    @app.websocket(PATH)
    async def live(socket: WebSocket) -> None:
        now = state.clock.now()
        await _talk(state, socket, Conversation(state.sessions, state.limits, now))

    @app.websocket(LEGACY)
    async def listener(socket: WebSocket) -> None:
        now = state.clock.now()
        await _talk(state, socket, LegacyConversation(state.sessions, state.limits, now))

    _add_elsewhere(app)
    routes = [*app.routes, *(route for router in routers for route in router.routes)]
    return frozenset(route.path for route in routes if isinstance(route, ROUTES))


async def _talk(state: ServerState, socket: WebSocket, talk: Talk) -> None:
    """Hold a conversation; its line in the log says which session it was."""
    try:
        await serve_socket(socket, talk, state.sessions, state.clock)
    finally:
        remark(socket.scope, session=talk.session, failure=talk.failure)


def _add_elsewhere(app: FastAPI) -> None:
    """Have a WebSocket for another path told so: 403, as Starlette has it, is about the token."""
    otherwise = app.router.default

    async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await otherwise(scope, receive, send)
            return
        remark(scope, failure="not_found")
        answer = Problem(404, "not_found", "there is nothing here").response()
        await WebSocket(scope, receive, send).send_denial_response(answer)

    app.router.default = elsewhere


def _add_errors(app: FastAPI) -> None:
    """Have every error in the shape that clients parse."""

    @app.exception_handler(Exception)
    @app.exception_handler(StarletteHTTPException)
    @app.exception_handler(EchoError)
    @app.exception_handler(Problem)
    async def any_error(request: Request, error: Exception) -> Response:
        problem = _problem(error)
        remark(request.scope, failure=problem.code)
        answer = problem.response()
        answer.headers.update(HEADERS)  # that of a defect passes by what adds them
        if isinstance(error, StarletteHTTPException):
            answer.headers.update(error.headers or {})
        return answer


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, EchoError):
        return problem_of(error)
    if isinstance(error, StarletteHTTPException):
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        return Problem(error.status_code, code, str(error.detail))
    return Problem(500, "server_error", "the server has a defect; its log says more")


def _add_layers(app: FastAPI, state: ServerState, tally: Tally, routes: Collection[str]) -> None:
    """Add what stands before the routes; the last one added is the first one asked."""
    settings = state.settings
    app.add_middleware(
        Shield,
        guard=Guard(settings),
        rate=RateLimit(settings.rate_limit, state.clock),
        refused=tally.refuse,
        stopping=lambda: state.stopping,
    )
    if settings.allow_origin:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.allow_origin),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["Retry-After", NOTICES],
        )
    app.add_middleware(Counted, tally=tally, clock=state.clock, routes=routes)
    app.add_middleware(Plain, most=PASSED_OVER * settings.max_upload)
