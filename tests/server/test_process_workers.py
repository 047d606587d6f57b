"""The worker dies under load: every word, and ``/health`` never says what is not so."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.clients import LiveClient, running
from tests.server.conftest import alone, errors
from tests.server.material import talks
from tests.server.process import ServerProcess

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.slow]

SESSIONS = 3


def test_a_worker_killed_under_three_sessions_loses_no_word(tiny_server: ServerProcess) -> None:
    said = talks(SESSIONS, 8.0, spoken=True)
    expected = [alone(tiny_server, talk) for talk in said]
    clients = [LiveClient(lambda: tiny_server.port, {"mic": talk.pcm}) for talk in said]
    statuses = running(_killed_twice(tiny_server, clients))

    assert 503 in statuses
    assert statuses[-1] == 200
    for client, talk, text in zip(clients, said, expected, strict=True):
        account = client.account
        assert account.faults == []
        assert account.over
        assert account.lost() == []
        assert account.received == account.final == {"mic": len(talk.pcm)}
        assert errors(text, account.text()).deletions == 0, (text, account.text())


async def _killed_twice(server: ServerProcess, clients: list[LiveClient]) -> list[int]:
    """Run all; kill the worker twice meanwhile; return what ``/health`` said over time."""
    async with asyncio.timeout(120):
        watching = asyncio.create_task(_watch(server))
        running_ = [asyncio.create_task(client.run()) for client in clients]
        for _ in range(2):
            await asyncio.sleep(4.0)
            for worker in server.workers():
                worker.kill()
        await asyncio.gather(*running_)
        await asyncio.sleep(0.5)
        watching.cancel()
        return await watching


async def _watch(server: ServerProcess) -> list[int]:
    """Ask again and again, until it is cancelled."""
    found: list[int] = []
    try:
        while True:
            answer = await asyncio.to_thread(server.health)
            assert answer is not None, "nobody answers"
            assert (answer.status == 200) is answer.json["model_ready"]
            found.append(answer.status)
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        return found


def test_health_is_true_while_the_worker_dies_and_returns(tiny_server: ServerProcess) -> None:
    server = tiny_server
    whole = server.get("/health").json
    assert (whole["model_ready"], whole["model"]) == (True, "tiny.en")
    for worker in server.workers():
        worker.kill()
        worker.wait(10)
    assert (down := server.get("/health")).status == 503
    assert down.json["model_ready"] is False
    assert down.json["reason"]
    server.wait_ready()
    assert server.workers()
