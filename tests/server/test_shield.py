"""What is added to every answer, whatever gives it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from echocli.server.security import HEADERS
from echocli.server.shield import Plain

pytestmark = pytest.mark.unit

MOST = 1000


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 401, "headers": []})


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive())["more_body"]:
        pass
    await refusing(scope, receive, send)


def headers_after(app: ASGIApp, **said: str) -> dict[bytes, bytes]:
    """Return the headers of an answer to a body of two parts with these headers."""
    found: list[Message] = []
    parts: Iterator[bool] = iter([True, False])

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x", "more_body": next(parts)}

    async def send(message: Message) -> None:
        found.append(message)

    headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in said.items()]
    asyncio.run(Plain(app, MOST)({"type": "http", "headers": headers}, receive, send))
    return dict(found[0]["headers"])


def test_every_answer_has_the_headers_that_browsers_want() -> None:
    headers = headers_after(refusing)
    assert {name.encode(): value.encode() for name, value in HEADERS.items()}.items() <= (
        headers.items()
    )
    assert b"connection" not in headers


@pytest.mark.parametrize("said", [{"content_length": "1001"}, {"transfer_encoding": "chunked"}])
def test_an_answer_before_the_end_of_a_body_that_may_be_too_long_closes_the_connection(
    said: dict[str, str],
) -> None:
    assert headers_after(refusing, **said)[b"connection"] == b"close"
    assert b"connection" not in headers_after(reading, **said)


def test_one_before_the_end_of_a_body_that_is_passed_over_does_not() -> None:
    assert b"connection" not in headers_after(refusing, content_length="1000")
