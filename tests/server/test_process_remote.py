"""``echocli live --remote`` and a server that is killed and started again: every word."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile

from echocli.types import SAMPLE_RATE
from tests.cli.conftest import Start
from tests.server.clients import running
from tests.server.conftest import TINY, Alone, StartServer, errors
from tests.server.material import talks
from tests.server.process import ServerProcess
from tests.server.proxy import Kind, Trouble, proxying

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.slow]

SECONDS = 12.0

CUT = 15.0
"""Percent of words that a model hears otherwise where a sentence is cut in two."""


@pytest.fixture
def server(start_server: StartServer, tiny_model: Path) -> ServerProcess:
    """A server that is ready."""
    started = start_server(*TINY)
    started.wait_ready()
    return started


@dataclass(frozen=True, slots=True)
class Said:
    """A recording, and what the live mode hears in it when nothing goes wrong."""

    path: Path
    text: str


@pytest.fixture
def said(alone: Alone, tmp_path: Path) -> Said:
    (talk,) = talks(1, SECONDS, spoken=True)
    soundfile.write(tmp_path / "said.wav", talk.pcm, SAMPLE_RATE, subtype="PCM_16")
    return Said(tmp_path / "said.wav", alone(talk))


def recording(said: Said, port: int) -> tuple[str | Path, ...]:
    """Return the words that play it to a server at its own speed."""
    live = ("live", "--file", said.path, "--pace", "-f", "jsonl", "--language", "en")
    return (*live, "--remote", f"ws://127.0.0.1:{port}")


def test_live_gives_every_word_when_the_server_is_killed_and_started_again(
    server: ServerProcess, start_echocli: Start, said: Said
) -> None:
    live = start_echocli(*recording(said, server.port))

    async def kill_and_start() -> tuple[int, str, str]:
        await asyncio.sleep(6.0)
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(1.0)
        await asyncio.to_thread(server.start)
        return await asyncio.to_thread(live.end)

    code, out, err = running(kill_and_start())
    assert code == 0, err
    assert " lost: " in err
    assert "notice: connected to " in err
    assert_same(said.text, out)


def test_live_gives_every_word_when_the_server_is_stopped_and_started_again(
    server: ServerProcess, start_echocli: Start, said: Said
) -> None:
    """A server that is told to end says what is final and goes; the recording does not end."""
    live = start_echocli(*recording(said, server.port))

    async def stop_and_start() -> tuple[int, str, str]:
        await asyncio.sleep(6.0)
        await asyncio.to_thread(server.terminate)
        await asyncio.to_thread(server.start)
        return await asyncio.to_thread(live.end)

    code, out, err = running(stop_and_start())
    assert code == 0, err
    assert "notice: connected to " in err
    assert_heard(said.text, out, rate=CUT)


def test_live_gives_every_word_over_a_network_that_cuts_and_stalls(
    server: ServerProcess, start_echocli: Start, said: Said
) -> None:
    troubles = [
        Trouble(Kind.CUT, 4.0),
        Trouble(Kind.TRUNCATE, 7.0, amount=700),
        Trouble(Kind.STALL, 9.0, seconds=2.0),
        Trouble(Kind.RESET, 12.0),
    ]
    with proxying(server.port, troubles) as proxy:
        live = start_echocli(*recording(said, proxy.port))
        code, out, err = live.end()
    assert code == 0, err
    assert_same(said.text, out)


def assert_same(expected: str, out: str) -> None:
    """Every word, none twice, in order."""
    assert_heard(expected, out)
    assert not [line for line in out.splitlines() if json.loads(line)["type"] == "gap"]


def assert_heard(expected: str, out: str, rate: float = 0.0) -> None:
    """The same with ``rate`` percent of other words at most, wherever the sound was cut."""
    events = [json.loads(line) for line in out.splitlines()]
    finals = [one for one in events if one["type"] == "final"]
    starts = [one["start"] for one in finals]
    assert starts == sorted(starts)
    assert sum(one["type"] == "end" for one in events) == 1
    assert events[-1]["type"] == "end"
    heard = " ".join(one["text"].strip() for one in finals)
    found = errors(expected, heard).rate
    assert found is not None
    assert found <= rate, (expected, heard)
