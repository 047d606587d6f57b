"""A server that is silent, speaks nonsense, refuses or stays away, and one that comes back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.events import Notice
from echocli.remote.actions import Phase
from echocli.remote.core import HURRY, LAST_TRY, SILENT
from echocli.remote.policy import Loss
from echocli.remote.spool import Spool
from echocli.remote.telling import BACK
from tests.remote.network import Network, network

pytestmark = pytest.mark.unit


def test_a_silent_server_is_hung_up_on() -> None:
    with network() as played:
        played.capture()
        played.step()
        played.talk = None
        played.step(SILENT)
        assert played.core.phase is Phase.WAITING


@pytest.mark.parametrize("data", ['{"type": "novelty", "x": 1}', b"\0\1"])
def test_what_a_newer_server_says_besides_is_passed_over(data: str | bytes) -> None:
    with network() as played:
        played.capture()
        played.step()
        played.core.received(data, played.now)
        played.step()
        assert played.core.phase is Phase.LIVE


def test_who_refuses_for_good_is_not_asked_again() -> None:
    with network() as played:
        played.up = False
        played.core.tick(0.0)
        played.core.take()
        played.core.lost(Loss("HTTP 401", status=401), 0.0)
        assert played.core.phase is Phase.LOST
        assert played.core.failure is not None
        assert played.core.failure.fatal


def test_a_stop_while_the_server_is_away_gives_it_one_last_chance() -> None:
    with network() as played:
        played.capture(3)
        played.step()
        played.up = False
        played.cut()
        played.capture(2)
        for _ in range(40):
            played.step()
        played.core.stop(played.now)
        played.core.over(0)
        stopped = played.now
        while not played.core.done:
            played.step()
        assert LAST_TRY <= played.now - stopped <= LAST_TRY + 1
        assert played.core.waiting == pytest.approx(2.0)


@pytest.mark.parametrize("hung", [False, True])
def test_whoever_cannot_wait_gives_a_server_that_is_away_a_few_seconds(hung: bool) -> None:
    """One that was there says nothing any more, or nobody answers."""
    with network() as played:
        played.capture(3)
        played.step()
        played.up = False
        if hung:
            played.talk = None
        else:
            played.cut()
        played.capture(2)
        played.step(3)
        played.core.stop(played.now, catch_up=False)
        played.core.stop(played.now)  # by itself, because the sources end
        played.core.over(0)
        stopped = played.now
        while not played.core.done:
            played.step()
        assert played.now - stopped <= HURRY + 1
        assert played.core.failure is not None
        assert "5 s" in played.core.failure.reason
        assert played.core.waiting == pytest.approx(2.0)


def test_what_was_dropped_is_not_said_to_be_caught_up(tmp_path: Path) -> None:
    played = Network(Spool(0, tmp_path))
    played.up = False
    for _ in range(77):
        played.capture()
        played.step(1)
    played.up = True
    played.finish()
    (back,) = [one for one in played.events if isinstance(one, Notice) and one.code == BACK]
    assert "47 s of sound to catch up" in back.message


def test_a_server_that_comes_back_within_the_last_chance_gets_the_rest() -> None:
    with network() as played:
        played.capture(3)
        played.step()
        played.up = False
        played.cut()
        played.capture(2)
        played.step(5)
        played.core.stop(played.now)
        played.core.over(0)
        played.step(5)
        played.up = True
        played.finish()
        assert played.texts() == list(range(5))
        assert played.core.failure is None


def test_after_the_last_try_sound_is_still_kept() -> None:
    with network(retries=1) as played:
        played.up = False
        for _ in range(100):
            played.capture()
            played.step(5)
        assert played.core.phase is Phase.LOST
        assert not played.core.done
        assert played.core.waiting == 100
        values = [
            int(np.frombuffer(pcm, "<i2")[0]) for _, pcm in played.core.courses[0].outbox.rest()
        ]
        assert values[0] == 0


@given(st.lists(st.text() | st.binary(), max_size=20))
def test_no_message_of_a_server_brings_it_down(messages: list[str | bytes]) -> None:
    with network() as played:
        played.capture()
        played.step()
        for message in messages:
            played.core.received(message, played.now)
            played.step()


def test_an_outage_of_half_an_hour_loses_nothing() -> None:
    with network(retries=100) as played:
        played.capture(5)
        played.step()
        played.up = False
        played.cut()
        for _ in range(360):
            played.capture(5)
            played.step(5)
        played.up = True
        played.finish()
        assert played.texts() == list(range(1805))
