"""Streams whose client goes away, without a socket."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from starlette.types import Message, Scope

from echocli.events import Event, Ready
from echocli.providers.base import LoadSpec
from echocli.server.openai import _streamed
from echocli.server.work import Job

pytestmark = pytest.mark.unit

SCOPE: Scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
"""As uvicorn has it, which tells by a message that a client is gone."""


class Endless:
    """A job that is never over by itself."""

    cancelled = False

    async def next(self) -> Event:
        return Ready("talk.wav", "scripted", "m")

    def cancel(self) -> None:
        self.cancelled = True


def test_a_client_that_is_gone_before_the_first_event_gives_its_job_up() -> None:
    job = Endless()

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def stuck(message: Message) -> None:
        await asyncio.Future()

    async def scene() -> None:
        response = await _streamed(cast(Job, job), LoadSpec("scripted", "m", ""))
        await response(SCOPE, gone, stuck)

    asyncio.run(scene())
    assert job.cancelled
