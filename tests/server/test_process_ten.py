"""Ten sessions at the same time on one machine: nothing is lost, and each hears what is said."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from echocli.bench.accuracy import Errors
from echocli.types import SAMPLE_RATE
from tests.server.clients import Account, LiveClient, running
from tests.server.conftest import alone, errors
from tests.server.material import Talk, talks
from tests.server.process import ServerProcess

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.slow]

SESSIONS = 10
SECONDS = 12.0
DIFFERENT = 5
"""Each of so many talks is played by two sessions."""

LEAD = 3 * SAMPLE_RATE
"""Samples of silence at the beginning: all of them come before any is work for the model, and so
before the server knows how many it can keep up with."""

LIMIT = 100.0
"""Seconds, far more than a machine takes that is three times slower than most."""


def test_ten_sessions_lose_nothing_and_the_eleventh_is_told_when_to_come_back(
    tiny_server: ServerProcess,
) -> None:
    said = [led_in(talk) for talk in talks(DIFFERENT, SECONDS)]
    expected = {talk.name: alone(tiny_server, talk) for talk in said}
    played = [said[number % DIFFERENT] for number in range(SESSIONS)]
    clients = [
        LiveClient(lambda: tiny_server.port, {"mic": talk.pcm}, session=f"s{number}")
        for number, talk in enumerate(played)
    ]
    eleventh = LiveClient(lambda: tiny_server.port, {"mic": said[0].pcm}, tries=1)
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
    assert tiny_server.terminate() == 0


def led_in(talk: Talk) -> Talk:
    return replace(talk, pcm=np.concatenate([np.zeros(LEAD, np.int16), talk.pcm]))


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
    """Every sample arrived, none without text or silence, finals in order, one session."""
    assert account.faults == []
    assert account.over
    assert account.received == account.final == {"mic": len(talk.pcm)}
    assert account.lost() == []
    assert account.closes[-1] == 1000
    assert set(account.closes[:-1]) <= {1013}  # it came again where there was no room at first
    assert account.events[-1].type == "end"
    starts = [one.segment.start for one in account.said]
    assert starts == sorted(starts)
    assert account.said[-1].segment.end <= len(talk.pcm) / SAMPLE_RATE
