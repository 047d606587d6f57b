"""How the server is, for whoever watches it: as true as the moment it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from echocli.output.jsonable import plain
from echocli.runtime.lifecycle import State
from echocli.server.openai_request import model_name

if TYPE_CHECKING:
    from echocli.clock import Clock
    from echocli.runtime.host import Host
    from echocli.runtime.host_standing import HostStanding

KEPT = 60.0
"""Seconds for which the machine is not looked at again: some probes take a second."""

STATUS = {
    State.READY: "restarting",
    State.UNINITIALIZED: "resting",
    State.LOADING: "starting",
    State.WARMING_UP: "starting",
    State.ERROR: "error",
}
"""What the server is while nobody is served, by the state of the model."""

LATE = "late"
"""What it is while the worker owes an answer: it may still come, and nobody restarts anything."""

UNTOLD = "the model cannot be loaded; /model-status says why"
"""Stands for a reason that may hold a path: nobody needs a token to ask for ``/health``."""


def health(standing: HostStanding, *, stopping: bool) -> tuple[int, dict[str, Any]]:
    """Return status and body of ``/health``: 200 only while the model is ready and warm."""
    ready = standing.ready and not stopping
    return 200 if ready else 503, {
        "status": "stopping" if stopping else _status(standing),
        "service": "echocli",
        "provider": standing.spec.provider,
        "model": model_name(standing.spec.model),
        "model_ready": standing.ready,
        "model_state": str(standing.state),
        "load_time_ms": plain(standing.load_ms),
        "warmup_time_ms": plain(standing.warmup_ms),
        "reason": "the server ends" if stopping else _pathless(standing.reason),
    }


def _status(standing: HostStanding) -> str:
    if standing.late:
        return LATE
    return "ok" if standing.ready else STATUS[standing.state]


def _pathless(reason: str | None) -> str | None:
    """Return a reason, or what stands for one that may name a file."""
    return UNTOLD if reason is not None and ("/" in reason or "\\" in reason) else reason


def model_status(host: Host) -> dict[str, Any]:
    """Return the body of ``/model-status``: the lifecycle, and the record of every provider."""
    standing, metrics = host.standing, host.metrics()
    spec = standing.spec
    return {
        "model_state": str(standing.state),
        "model_ready": standing.ready,
        "provider": spec.provider,
        "model": spec.model,
        "model_revision": spec.revision,
        "model_sha256": spec.sha256,
        "load_time_ms": plain(standing.load_ms),
        "warmup_time_ms": plain(standing.warmup_ms),
        "reason": standing.reason,
        "degrade_level": metrics["level"],
        "live_sessions": metrics["live_sessions"],
        "requests": metrics["requests"],
        "providers": plain(metrics["providers"]),
    }


class Capabilities:
    """Look at the machine when somebody asks, once for everybody; for one event loop."""

    def __init__(self, look: Callable[[], dict[str, Any]], clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._at = 0.0
        self._found: asyncio.Future[dict[str, Any]] | None = None

    async def get(self) -> dict[str, Any]:
        """Return what ``detect --json`` says."""
        now, found = self._clock.now(), self._found
        failed = found is not None and found.done() and found.exception() is not None
        if found is None or failed or now - self._at >= KEPT:
            self._at = now
            found = self._found = asyncio.ensure_future(asyncio.to_thread(self._look))
        return await asyncio.shield(found)


def router(host: Host, capabilities: Capabilities, stopping: Callable[[], bool]) -> APIRouter:
    """Return the routes."""
    made = APIRouter()

    @made.api_route("/health", methods=["GET", "HEAD"])
    async def get_health() -> JSONResponse:
        status, body = health(host.standing, stopping=stopping())
        headers = {} if status == 200 else {"retry-after": "5"}
        return JSONResponse(body, status, headers)

    @made.get("/model-status")
    async def get_model_status() -> JSONResponse:
        return JSONResponse(model_status(host))

    @made.get("/capabilities")
    async def get_capabilities() -> JSONResponse:
        return JSONResponse(plain(await capabilities.get()))

    return made
