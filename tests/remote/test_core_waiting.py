"""How long an end is waited for of a server that is there, and takes its time or does nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from echocli.events import Notice
from echocli.remote.actions import Phase
from echocli.remote.core import HURRY, LAST_TRY, STUCK
from echocli.types import SAMPLE_RATE
from echocli.wire.messages import Accepted, Ack, Metrics
from tests.remote.network import Network, network
from tests.remote.test_standin_turns import REFUSED, Stage

pytestmark = pytest.mark.unit


def deaf(played: Network, secs: int = 30) -> None:
    """Have the server be there, and from now on acknowledge nothing of what is captured."""
    played.capture()
    played.step()
    played.talk = None
    played.capture(secs)
    played.step()
    assert played.core.phase is Phase.LIVE


def stop(played: Network, *, catch_up: bool) -> None:
    played.core.stop(played.now, catch_up=catch_up)
    played.core.over(0)


def wait(played: Network, secs: float) -> float:
    """Let time pass while the server tells figures each second; how long it took to the end."""
    began = played.now
    while not played.core.done and played.now - began < secs:
        if played.core.phase is Phase.LIVE:
            played.tell(Metrics({}))
        played.step(1.0)
    return played.now - began


def test_whoever_cannot_wait_hangs_up_on_one_that_does_not_get_done() -> None:
    with network() as played:
        deaf(played)
        stop(played, catch_up=False)
        assert wait(played, 60) <= HURRY + 1
        assert played.core.failure is not None
        assert played.core.failure.reason == "it was not done within 5 s"
        assert played.core.waiting == pytest.approx(30)


def test_a_server_that_comes_back_gets_no_more_time_than_there_is() -> None:
    with network() as played:
        deaf(played)
        played.up = False
        played.cut()
        played.step()
        stop(played, catch_up=False)
        played.up = True
        while played.core.phase is not Phase.LIVE:
            played.now += 0.5
            played.core.tick(played.now)
            played.act()
        played.talk = None
        assert wait(played, 60) <= HURRY
        assert played.core.failure is not None
        assert played.core.connections == 2
        assert played.core.waiting == pytest.approx(30)


def test_a_stop_waits_as_long_as_something_is_acknowledged() -> None:
    with network() as played:
        deaf(played)
        stop(played, catch_up=True)
        for got in range(2, 8):
            wait(played, STUCK - 10)
            assert played.core.phase is Phase.LIVE
            played.tell(Ack({"source0": got * SAMPLE_RATE}, {}))
        assert played.core.failure is None


def test_a_stop_does_not_wait_for_ever_where_nothing_gets_on() -> None:
    with network() as played:
        deaf(played)
        stop(played, catch_up=True)
        assert LAST_TRY < wait(played, 600) <= STUCK + 1
        assert played.core.failure is not None
        assert played.core.failure.reason == "it has not got on for 120 s"
        assert played.core.waiting == pytest.approx(30)


def test_one_that_acknowledges_nothing_is_hung_up_on_while_somebody_speaks() -> None:
    with network() as played:
        deaf(played)
        wait(played, STUCK - 2)
        assert played.core.phase is Phase.LIVE
        assert not any(isinstance(one, Notice) for one in played.events)
        wait(played, 4)
        said = [one.message for one in played.events if isinstance(one, Notice)]
        assert "the server does not answer" in said[0]


def test_a_silence_of_an_hour_leaves_nobody_stuck() -> None:
    with network() as played:
        played.capture()
        played.step()
        wait(played, 3600)
        played.capture()
        wait(played, 10)
        assert played.core.connections == 1
        assert played.texts() == [0, 1]


def test_where_all_has_its_text_it_is_no_failure_that_the_end_does_not_come() -> None:
    with network() as played:
        played.capture(3)
        played.step()
        played.talk = None
        stop(played, catch_up=False)
        assert wait(played, 60) <= HURRY + 1
        assert played.core.failure is None
        assert played.core.phase is Phase.OVER


@pytest.mark.parametrize("retries", [0, 15])
def test_whoever_stands_in_gets_no_more_time_either(retries: int) -> None:
    """Of a server that was given up, or of one that may come back."""
    with network(retries=retries) as played:
        deaf(played)
        played.up = False
        played.cut()
        played.core.held = True
        played.step()
        stop(played, catch_up=False)
        assert wait(played, 60) <= HURRY + 1
        assert played.core.failure is not None
        assert played.core.waiting == pytest.approx(30)


def test_whoever_cannot_wait_has_nobody_begin_to_stand_in(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.core.stop(0.0, catch_up=False)
    stage.lose(REFUSED, 0.0)
    assert stage.core.done
    assert stage.opened == 0


def test_what_one_says_that_was_given_up_comes_too_late() -> None:
    with network() as played:
        deaf(played)
        stop(played, catch_up=False)
        wait(played, 60)
        played.tell(Accepted("s", "t", False, {}, {}, {}))
        assert played.core.phase is Phase.LOST
