"""SIGTERM: what was said becomes final, the connection is closed with 1001, the status is 0."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from echocli.types import SAMPLE_RATE
from tests.server.clients import LiveClient, running
from tests.server.material import talks
from tests.server.process import ServerProcess
from tests.waiting import eventually

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.slow]


def test_sigterm_makes_what_was_said_final_and_ends_with_0(tiny_server: ServerProcess) -> None:
    (talk,) = talks(1, 12.0, spoken=True)
    children = psutil.Process(tiny_server.pid).children(recursive=True)
    client = LiveClient(lambda: tiny_server.port, {"mic": talk.pcm}, tries=1)

    def stop() -> int:
        """Stop it in the middle of the second sentence."""
        eventually(lambda: client.account.received.get("mic", 0) >= 6 * SAMPLE_RATE)
        return tiny_server.terminate()

    async def play_and_stop() -> int:
        code, _ = await asyncio.gather(asyncio.to_thread(stop), client.run())
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
    assert "Traceback" not in tiny_server.stderr
