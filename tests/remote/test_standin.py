"""This machine stands in while the server is away, and gives back between two utterances."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import pytest

from echocli import RemoteSession
from echocli.events import Event, Failover, Final, SpeechEnded, SpeechStarted
from tests.remote.fake import Fake, Hangup, running

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.usefixtures("tiny_model")]


def assert_is_in_order(events: list[Event]) -> None:
    """Fail where text comes twice, numbers repeat or an utterance stays open."""
    finals = [one.segment for one in events if isinstance(one, Final)]
    assert all(a.end <= b.start + 0.01 for a, b in itertools.pairwise(finals))
    assert len({one.id for one in finals}) == len(finals)
    begun = [one.id for one in events if isinstance(one, SpeechStarted)]
    ended = {one.id for one in events if isinstance(one, SpeechEnded)} | {one.id for one in finals}
    assert len(set(begun)) == len(begun)
    assert set(begun) <= ended


def test_a_server_that_stays_away_is_replaced_to_the_end(samples: Path) -> None:
    fake = Fake()

    def mishap(connection: int, frames: int) -> None:
        if connection > 1 or frames == 8:
            raise Hangup

    fake.mishap = mishap
    with running(fake) as port:
        session = RemoteSession.connect(
            f"ws://127.0.0.1:{port}",
            samples / "meeting.flac",
            fallback="local",
            model="tiny.en",
            retries=1,
        )
        with session:
            events = list(session)
            assert session.errors == []
    assert_is_in_order(events)
    (failover,) = [one for one in events if isinstance(one, Failover)]
    assert failover.to.endswith(":tiny.en")
    text = " ".join(one.segment.text for one in events if isinstance(one, Final)).lower()
    assert "turned into text on this very machine" in text
    assert "where we should go for lunch afterwards" in text


def test_a_server_that_comes_back_goes_on_where_the_text_here_ends(samples: Path) -> None:
    fake, stood_in = Fake(), threading.Event()

    def mishap(connection: int, frames: int) -> None:
        if (connection == 1 and frames == 60) or (connection > 1 and not stood_in.is_set()):
            raise Hangup

    fake.mishap = mishap
    events: list[Event] = []
    with running(fake) as port:
        session = RemoteSession.connect(
            f"ws://127.0.0.1:{port}",
            samples / "meeting.flac",
            pace=True,
            fallback="local",
            model="tiny.en",
        )
        with session:
            for event in session:
                events.append(event)
                if (
                    isinstance(event, Final)
                    and not event.segment.text.strip().lstrip("-").isdigit()
                ):
                    stood_in.set()
            assert session.errors == []
    assert_is_in_order(events)
    there, back = [one for one in events if isinstance(one, Failover)]
    assert (there.from_, there.to) == (back.to, back.from_)
    local = [i for i, one in enumerate(events) if one is there or one is back]
    settled = [one.segment.end for one in events[: local[1]] if isinstance(one, Final)][-1]
    after = [one.segment for one in events[local[1] :] if isinstance(one, Final)]
    assert after
    assert after[0].start >= settled
