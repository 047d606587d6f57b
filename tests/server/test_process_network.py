"""The way to the server breaks, or the server itself: every word is there all the same."""

from __future__ import annotations

import asyncio
import os

import psutil
import pytest

from echocli.types import SAMPLE_RATE
from tests.server.clients import Account, LiveClient, play, running
from tests.server.conftest import alone, errors
from tests.server.material import Talk, talks
from tests.server.process import ServerProcess
from tests.server.proxy import Kind, plan, proxying
from tests.waiting import eventually

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.slow]

SECONDS = float(os.environ.get("ECHOCLI_CHAOS_SECONDS", "30"))
"""How long the network is bad; ``make soak-server`` asks for five minutes."""

SEED = int(os.environ.get("ECHOCLI_CHAOS_SEED", "11"))
EVERY = (1.5, 3.5)
"""Seconds between two troubles: so close that each kind happens."""

LIMIT = 1.5 * SECONDS + 40.0


def test_a_network_that_cuts_stalls_delays_and_truncates_changes_no_word(
    tiny_server: ServerProcess,
) -> None:
    (talk,) = talks(1, SECONDS, spoken=True)
    with proxying(tiny_server.port, plan(SEED, SECONDS, EVERY)) as proxy:
        calm = LiveClient(lambda: tiny_server.port, {"mic": talk.pcm}, session="calm")
        rough = LiveClient(lambda: proxy.port, {"mic": talk.pcm}, session="rough")
        play([calm, rough], LIMIT)

    assert {one.kind for one in proxy.happened} == set(Kind)
    assert (calm.account.connections, calm.account.faults) == (1, [])
    assert calm.account.over, facts(calm.account)
    assert_same(calm.account.text(), rough.account, talk)
    assert rough.account.resumed >= 3
    assert rough.account.anew == 0


def test_a_killed_server_that_comes_back_gives_every_word(tiny_server: ServerProcess) -> None:
    (talk,) = talks(1, 12.0, spoken=True)
    expected = alone(tiny_server, talk)
    client = LiveClient(lambda: tiny_server.port, {"mic": talk.pcm}, session="killed")
    account = client.account

    def in_the_second_sentence() -> bool:
        return bool(account.said) and account.received["mic"] >= 6 * SAMPLE_RATE

    def kill_and_start() -> list[psutil.Process]:
        eventually(in_the_second_sentence)
        orphans = tiny_server.kill()
        tiny_server.start()
        return orphans

    async def both() -> list[psutil.Process]:
        async with asyncio.timeout(LIMIT):
            orphans, _ = await asyncio.gather(asyncio.to_thread(kill_and_start), client.run())
        return orphans

    orphans = running(both())
    assert psutil.wait_procs(orphans, timeout=10)[1] == []
    assert account.anew == 1
    assert_same(expected, account, talk)


def assert_same(expected: str, rough: Account, talk: Talk) -> None:
    """Every word, none twice; all sound arrived, and nothing of the protocol was broken."""
    assert rough.faults == []
    assert rough.over, facts(rough)
    assert rough.received == rough.final == {"mic": len(talk.pcm)}
    assert rough.lost() == []
    counted = errors(expected, rough.text())
    assert counted.rate == 0, (counted, expected, rough.text())


def facts(account: Account) -> tuple[object, ...]:
    """Say where a session is, for one that does not end."""
    return (account.connections, account.closes, account.refusals, account.received, account.final)
