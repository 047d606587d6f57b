"""What the application answers where something goes wrong in it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from fastapi import FastAPI
from starlette.types import Message

from echocli.server.app import _add_errors
from echocli.server.security import HEADERS

pytestmark = pytest.mark.unit


def test_the_answer_to_a_defect_has_the_headers_of_every_other() -> None:
    app, sent = FastAPI(), list[Message]()
    _add_errors(app)

    @app.get("/")
    async def broken() -> None:
        raise RuntimeError

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    with suppress(RuntimeError):  # it is passed on for the log
        asyncio.run(app(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert sent[0]["status"] == 500
    assert headers.items() >= HEADERS.items()
