"""Ten sessions at the same time on one machine: nothing is lost, and each hears what is said."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from echocli.bench.accuracy import Errors
from echocli.types import SAMPLE_RATE
from tests.server.clients import Account, LiveClient, running
from tests.server.conftest import TINY, Alone, StartServer, errors
from tests.server.material import Talk, talks

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.slow]

SESSIONS = 10
SECONDS = 20.0
DIFFERENT = 5
"""Each of so many talks is played by two sessions."""

LIMIT = 120.0


def test_ten_sessions_lose_nothing_and_the_eleventh_is_told_when_to_come_back(
    start_server: StartServer, alone: Alone, tiny_model: Path
) -> None:
    said = talks(DIFFERENT, SECONDS)
    expected = {talk.name: alone(talk) for talk in said}
    server = start_server(*TINY)
    server.wait_ready()
    played = [said[number % DIFFERENT] for number in range(SESSIONS)]
    clients = [
        LiveClient(lambda: server.port, {"mic": talk.pcm}, session=f"s{number}")
        for number, talk in enumerate(played)
    ]
    eleventh = LiveClient(lambda: server.port, {"mic": said[0].pcm}, tries=1)
    running(all_and_one_more(clients, eleventh))

    assert_refused(eleventh.account)
    for client, talk in zip(clients, played, strict=True):
        assert_whole(client.account, talk)
    apart = total(errors(talk.text, expected[talk.name]) for talk in played)
    together = total(
        errors(talk.text, one.account.text()) for one, talk in zip(clients, played, strict=True)
    )
    assert rate(together) <= rate(apart) + 1.0, (together, apart)
    # What is committed depends on when it is decoded, so a word may differ; none may be missing.
    differences = total(
        errors(expected[talk.name], one.account.text())
        for one, talk in zip(clients, played, strict=True)
    )
    assert differences.deletions + differences.insertions <= 0.01 * differences.length, differences
    assert server.terminate() == 0


async def all_and_one_more(clients: Sequence[LiveClient], late: LiveClient) -> None:
    """Run all; one more tries to come in when all others are."""
    async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.run())
        while not all(client.account.acks for client in clients):
            await asyncio.sleep(0.05)
        await late.run()


def total(found: Iterable[Errors]) -> Errors:
    return sum(found, Errors())


def rate(found: Errors) -> float:
    assert found.rate is not None
    return found.rate


def assert_refused(account: Account) -> None:
    assert account.closes == [1013]
    (refusal,) = account.refusals
    assert (refusal.code, refusal.retryable) == ("too_many_sessions", True)
    assert refusal.retry_after is not None
    assert refusal.retry_after > 0


def assert_whole(account: Account, talk: Talk) -> None:
    """Every sample arrived, none without text or silence, finals in order, one connection."""
    assert account.faults == []
    assert account.over
    assert account.received == account.final == {"mic": len(talk.pcm)}
    assert account.gaps == []
    assert (account.connections, account.closes) == (1, [1000])
    assert account.events[-1].type == "end"
    starts = [one.segment.start for one in account.said]
    assert starts == sorted(starts)
    assert account.said[-1].segment.end <= len(talk.pcm) / SAMPLE_RATE
