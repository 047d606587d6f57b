"""``echocli live --remote`` and a server that is killed and started again: every word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile

from echocli.events import SPOOLED
from echocli.types import SAMPLE_RATE
from tests.cli.conftest import Start
from tests.cli.stream import Event, Stream
from tests.server.conftest import alone, errors
from tests.server.material import talks
from tests.server.process import ServerProcess
from tests.server.proxy import Kind, Proxy, Trouble, proxying
from tests.waiting import eventually

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.slow]

CUT = 15.0
"""Percent of words that a model hears otherwise where a sentence is cut in two."""


@dataclass(frozen=True, slots=True)
class Said:
    """A recording, and what the live mode hears in it when nothing goes wrong."""

    path: Path
    text: str


def said(server: ServerProcess, folder: Path, seconds: float = 8.0) -> Said:
    (talk,) = talks(1, seconds, spoken=True)
    soundfile.write(folder / "said.wav", talk.pcm, SAMPLE_RATE, subtype="PCM_16")
    return Said(folder / "said.wav", alone(server, talk))


def recording(found: Said, port: int) -> tuple[str | Path, ...]:
    """Return the words that play it to a server at its own speed."""
    live = ("live", "--file", found.path, "--pace", "-f", "jsonl", "--language", "en")
    return (*live, "--remote", f"ws://127.0.0.1:{port}")


def test_live_gives_every_word_when_the_server_is_killed_and_started_again(
    tiny_server: ServerProcess, start_echocli: Start, tmp_path: Path
) -> None:
    found = said(tiny_server, tmp_path)
    live = Stream(start_echocli(*recording(found, tiny_server.port)))
    live.until("final")
    tiny_server.kill()
    tiny_server.start()
    code, err = live.end()
    assert code == 0, err
    assert " lost: " in err
    assert "notice: connected to " in err
    assert_same(found.text, live.events)


def test_live_gives_every_word_when_the_server_is_stopped_and_started_again(
    tiny_server: ServerProcess, start_echocli: Start, tmp_path: Path
) -> None:
    """A server that is told to end says what is final and goes; the recording does not end."""
    found = said(tiny_server, tmp_path, 12.0)
    live = Stream(start_echocli(*recording(found, tiny_server.port)))
    live.until("final")
    live.until("partial")  # in the middle of the next sentence
    tiny_server.terminate()
    tiny_server.start()
    code, err = live.end()
    assert code == 0, err
    assert "notice: connected to " in err
    assert_heard(found.text, live.events, rate=CUT)


def test_live_gives_every_word_over_a_network_that_cuts_and_stalls(
    tiny_server: ServerProcess, start_echocli: Start, tmp_path: Path
) -> None:
    found = said(tiny_server, tmp_path, 12.0)
    with proxying(tiny_server.port) as proxy:
        live = Stream(start_echocli(*recording(found, proxy.port)))
        for trouble in (
            Trouble(Kind.CUT),
            Trouble(Kind.STALL, seconds=1.0),
            Trouble(Kind.TRUNCATE, amount=700),
            Trouble(Kind.RESET),
        ):
            live.until("partial")
            strike(proxy, trouble)
        code, err = live.end()
    assert code == 0, err
    assert err.count(" lost: ") >= 3
    assert_same(found.text, live.events)


def strike(proxy: Proxy, trouble: Trouble) -> None:
    """Let something go wrong; return once it has, and there is a connection again."""
    happened, connections = len(proxy.happened), proxy.connections
    proxy.trouble(trouble)
    eventually(lambda: len(proxy.happened) > happened)
    if trouble.kind is not Kind.STALL:
        eventually(lambda: proxy.connections > connections)


def assert_same(expected: str, events: Sequence[Event]) -> None:
    """Every word, none twice, in order."""
    assert_heard(expected, events)
    gaps = [one for one in events if one["type"] == "gap"]
    assert all(one["reason"].startswith(SPOOLED) for one in gaps)


def assert_heard(expected: str, events: Sequence[Event], rate: float = 0.0) -> None:
    """The same with ``rate`` percent of other words at most, wherever the sound was cut."""
    starts = [one["start"] for one in events if one["type"] == "final"]
    assert starts == sorted(starts)
    assert sum(one["type"] == "end" for one in events) == 1
    assert events[-1]["type"] == "end"
    texts = [one for one in events if one["type"] in ("final", "backfill")]
    heard = " ".join(one["text"].strip() for one in sorted(texts, key=lambda one: one["start"]))
    found = errors(expected, heard).rate
    assert found is not None
    assert found <= rate, (expected, heard)
