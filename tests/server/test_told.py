"""What a session has told is there until the client has seen it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.events import Final, Notice, Partial, SpeechEnded
from echocli.server.told import Told
from echocli.types import Segment

pytestmark = pytest.mark.unit


def told_of(count: int, **bounds: int) -> Told:
    told = Told(**bounds)
    for number in range(count):
        told.add(Notice("test", str(number)))
    return told


def partial(number: int, text: str, source: str = "mic") -> Partial:
    return Partial(Segment(number, 0.0, 1.0, text, source=source), "")


@given(count=st.integers(0, 30), seen=st.integers(0, 40), after=st.integers(0, 40))
def test_what_was_not_seen_is_there_in_order(count: int, seen: int, after: int) -> None:
    told = told_of(count)
    told.seen(seen)
    first = max(min(seen, count), after) + 1
    assert [one.seq for one in told.since(after)] == list(range(first, count + 1))


@given(count=st.integers(0, 30), seen=st.integers(0, 40), seq=st.integers(0, 40))
def test_a_client_can_go_on_only_where_nothing_is_missing(count: int, seen: int, seq: int) -> None:
    told = told_of(count)
    told.seen(seen)
    assert told.has(seq) is (min(seen, count) <= seq <= count)


def test_when_full_the_oldest_go_and_it_is_known() -> None:
    told = told_of(10, most_events=4)
    assert [one.seq for one in told.since(0)] == [7, 8, 9, 10]
    assert not told.has(5)
    assert told.has(6)


def test_long_texts_fill_it_too() -> None:
    told = Told(most_bytes=100_000)
    for _ in range(20):
        told.add(Notice("test", "x" * 20_000))
    assert len(told.since(0)) == 4


def test_the_newest_partial_of_each_source_is_given_once() -> None:
    told = Told()
    for event in (partial(0, "a"), partial(0, "a b"), partial(1, "c", "system")):
        told.add(event)
    assert [(one.seq, one.event) for one in told.partials()] == [
        (None, partial(0, "a b")),
        (None, partial(1, "c", "system")),
    ]
    assert told.partials() == []
    assert told.last == 0


@pytest.mark.parametrize(
    "event",
    [
        Final(Segment(3, 0.0, 1.0, "a b c", source="mic")),
        SpeechEnded(3, 0.0, 1.0, "silence", "mic"),
    ],
)
def test_no_partial_comes_after_its_utterance_is_over(event: Final | SpeechEnded) -> None:
    told = Told()
    told.add(partial(3, "a"))
    told.add(partial(3, "b", "system"))
    told.add(event)
    assert [one.event for one in told.partials()] == [partial(3, "b", "system")]


def test_a_partial_of_the_next_utterance_survives_the_final_before() -> None:
    told = Told()
    told.add(partial(4, "a"))
    told.add(Final(Segment(3, 0.0, 1.0, "before", source="mic")))
    assert len(told.partials()) == 1
