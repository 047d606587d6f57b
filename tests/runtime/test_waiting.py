from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from echocli.decoding.guards import Thresholds
from echocli.runtime.finishing import Finishing, Sound
from echocli.runtime.utterance import Utterance
from echocli.runtime.waiting import Waiting
from echocli.types import Span

pytestmark = pytest.mark.unit


def over(number: int, length: int = 1000) -> Utterance:
    """Return an utterance with a hundred samples around its speech."""
    speech = Span(number * 5000, number * 5000 + length)
    sound = Sound(speech.start, np.zeros(length + 100, np.float32), speech)
    one = Utterance(number, speech.start, speech.start, end=speech.end)
    one.finishing = Finishing(sound, Thresholds(), None, Counter())
    return one


def waiting(*utterances: Utterance, limit: int = 10_000) -> Waiting:
    line = Waiting(limit)
    for one in utterances:
        line.add(one)
    return line


def ids(utterances: list[Utterance]) -> list[int]:
    return [one.id for one in utterances]


def test_it_knows_how_much_speech_waits_and_how_much_is_in_memory() -> None:
    line = waiting(over(0), over(1, 500))
    assert line.backlog == 1500
    assert line.held == 1700


def test_those_that_nobody_decodes_are_told_in_order() -> None:
    first, second, third = over(0), over(1), over(2)
    line = waiting(first, second, third)
    assert second.finishing is not None
    second.finishing.flying = True
    assert ids(line.undone()) == [0, 2]


def test_those_that_are_done_come_in_order_and_wait_for_the_ones_before() -> None:
    first, second, third = over(0), over(1), over(2)
    line = waiting(first, second, third)
    assert first.finishing is not None
    assert second.finishing is not None
    second.finishing.lose("because")
    assert list(line.ready()) == []
    first.finishing.lose("because")
    assert ids(list(line.ready())) == [0, 1]
    assert line.backlog == 1000


def test_the_oldest_are_dropped_while_there_are_too_many() -> None:
    line = waiting(*(over(number) for number in range(5)), limit=2500)
    assert ids(list(line.dropped())) == [0, 1, 2]
    assert line.backlog == 2000
    assert list(line.dropped()) == []


def test_the_newest_stays_however_long_it_is() -> None:
    line = waiting(over(0), over(1, 9000), limit=10)
    assert ids(list(line.dropped())) == [0]
    assert line.backlog == 9000


def test_what_is_being_decoded_is_dropped_only_where_nothing_else_can_go() -> None:
    first, second, third = over(0), over(1), over(2)
    line = waiting(first, second, third, limit=1500)
    assert first.finishing is not None
    first.finishing.flying = True
    assert ids(list(line.dropped())) == [1, 0]
