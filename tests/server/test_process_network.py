"""The way to the server breaks, or the server itself: every word is there all the same."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import psutil
import pytest

from tests.server.clients import Account, LiveClient, play, running
from tests.server.conftest import TINY, Alone, StartServer, errors
from tests.server.material import Talk, talks
from tests.server.proxy import plan, proxying

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.slow]

SECONDS = float(os.environ.get("ECHOCLI_CHAOS_SECONDS", "40"))
"""How long the network is bad; ``make soak-server`` asks for five minutes."""

SEED = int(os.environ.get("ECHOCLI_CHAOS_SEED", "11"))
LIMIT = 1.5 * SECONDS + 40.0


def test_a_network_that_cuts_stalls_delays_and_truncates_changes_no_word(
    start_server: StartServer, tiny_model: Path
) -> None:
    (talk,) = talks(1, SECONDS, spoken=True)
    server = start_server(*TINY)
    server.wait_ready()
    with proxying(server.port, plan(SEED, SECONDS)) as proxy:
        calm = LiveClient(lambda: server.port, {"mic": talk.pcm}, session="calm")
        rough = LiveClient(lambda: proxy.port, {"mic": talk.pcm}, session="rough")
        play([calm, rough], LIMIT)
        kinds = {one.kind for one in proxy.happened}

    assert len(kinds) >= 4
    assert (calm.account.connections, calm.account.faults) == (1, [])
    assert calm.account.over, facts(calm.account)
    assert_same(calm.account.text(), rough.account, talk)
    assert rough.account.resumed >= 3
    assert rough.account.anew == 0


def test_a_killed_server_that_comes_back_gives_every_word(
    start_server: StartServer, alone: Alone, tiny_model: Path
) -> None:
    (talk,) = talks(1, 18.0, spoken=True)
    expected = alone(talk)
    server = start_server(*TINY)
    server.wait_ready()
    client = LiveClient(lambda: server.port, {"mic": talk.pcm}, session="killed")

    async def kill_and_start() -> list[psutil.Process]:
        await asyncio.sleep(9.0)
        orphans = await asyncio.to_thread(server.kill)
        await asyncio.sleep(1.0)
        await asyncio.to_thread(server.start)
        return orphans

    async def both() -> list[psutil.Process]:
        async with asyncio.timeout(LIMIT):
            orphans, _ = await asyncio.gather(kill_and_start(), client.run())
        return orphans

    orphans = running(both())
    assert psutil.wait_procs(orphans, timeout=10)[1] == []
    assert client.account.anew == 1
    assert_same(expected, client.account, talk)


def assert_same(expected: str, rough: Account, talk: Talk) -> None:
    """Every word, none twice; all sound arrived, and nothing of the protocol was broken."""
    assert rough.faults == []
    assert rough.over, facts(rough)
    assert rough.received == rough.final == {"mic": len(talk.pcm)}
    assert rough.gaps == []
    counted = errors(expected, rough.text())
    assert counted.rate == 0, (counted, expected, rough.text())


def facts(account: Account) -> tuple[object, ...]:
    """Say where a session is, for one that does not end."""
    return (account.connections, account.closes, account.refusals, account.received, account.final)
