"""SIGTERM: what was said becomes final, the connection is closed with 1001, the status is 0."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from tests.server.clients import LiveClient, running
from tests.server.conftest import TINY, StartServer
from tests.server.material import talks

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.slow]


def test_sigterm_makes_what_was_said_final_and_ends_with_0(
    start_server: StartServer, tiny_model: Path
) -> None:
    (talk,) = talks(1, 12.0, spoken=True)
    server = start_server(*TINY)
    server.wait_ready()
    children = psutil.Process(server.pid).children(recursive=True)
    client = LiveClient(lambda: server.port, {"mic": talk.pcm}, tries=1)

    async def play_and_stop() -> int:
        playing = asyncio.create_task(client.run())
        await asyncio.sleep(6.0)  # in the middle of the second sentence
        code = await asyncio.to_thread(server.terminate)
        await playing
        return code

    assert running(play_and_stop()) == 0
    account = client.account
    assert account.closes == [1001]
    assert account.faults == []
    assert [one.code for one in account.refusals] == ["going_away"]
    assert account.refusals[0].retryable
    heard = account.text().casefold()
    assert "silver spoons" in heard
    assert account.said[-1].segment.end > 5.0, heard
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert "Traceback" not in server.stderr
