"""Who goes before whom in line for the model, what a full line does, and its figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.runtime.line import Line
from tests.runtime.line_calls import Cancel, Model, Offer, Take, traces
from tests.runtime.tickets import (
    BACKFILL,
    EARLY,
    FINAL,
    PARTIAL,
    everything,
    line_of,
    sessions,
    ticket,
)

pytestmark = pytest.mark.unit


@given(traces, st.integers(1, 12))
def test_nothing_is_lost_or_given_twice_and_the_bound_holds(
    calls: list[Offer | Take | Cancel], bound: int
) -> None:
    model = Model(bound)
    for call in calls:
        model.step(call)
    while model.held:
        model.step(Take(1))
    figures = (model.line.refused, model.line.waits.count, model.line.depth_peak)
    assert figures == (model.refused, model.taken, model.peak)
    assert model.line.take(5, 0.0) == []


# --- Order.


def test_finals_go_before_partials_and_partials_before_backfill() -> None:
    line = line_of(*[ticket(urgency=one) for one in (BACKFILL, PARTIAL, EARLY, FINAL, PARTIAL)])
    taken = [one.urgency for one in everything(line)]
    assert taken == [FINAL, EARLY, PARTIAL, PARTIAL, BACKFILL]


def test_the_microphone_goes_before_the_system_and_otherwise_who_came_first() -> None:
    tickets = [ticket(rank=rank) for rank in (1, 0, 1, 0)]
    taken = everything(line_of(*tickets))
    assert taken == [tickets[1], tickets[3], tickets[0], tickets[2]]


def test_the_system_of_one_session_is_not_behind_the_microphone_of_another() -> None:
    line = line_of(ticket("b", rank=1), *[ticket("a", rank=0) for _ in range(5)])
    assert "b" in sessions(line.take(2, 0.0))


def test_what_is_taken_together_has_one_urgency() -> None:
    line = line_of(ticket(urgency=PARTIAL), ticket(urgency=FINAL), ticket("b", FINAL))
    assert [one.urgency for one in line.take(3, 0.0)] == [FINAL, FINAL]
    assert [one.urgency for one in line.take(3, 0.0)] == [PARTIAL]


def test_a_newer_ticket_takes_the_place_of_the_older_one() -> None:
    old, other, new = ticket(key=1), ticket(key=2), ticket(key=1)
    line = line_of(old, other, new)
    assert line.depth == 2
    assert line.take(2, 0.0) == [new, other]


def test_the_same_key_of_another_urgency_or_session_is_another_ticket() -> None:
    line = line_of(ticket(key=1), ticket(urgency=PARTIAL, key=1), ticket("b", key=1))
    assert line.depth == 3


# --- Overflow.


def test_a_full_line_refuses_counts_and_stays_as_it_was() -> None:
    first = ticket()
    line = line_of(first, bound=1)
    assert not line.offer(ticket("b"), 0.0)
    assert (line.refused, line.depth) == (1, 1)
    assert everything(line) == [first]


def test_a_full_line_still_takes_a_newer_ticket_for_the_same() -> None:
    new = ticket(key=1)
    line = line_of(ticket(key=1), bound=1)
    assert line.offer(new, 0.0)
    assert everything(line) == [new]


@pytest.mark.parametrize("bound", [0, -1])
def test_a_line_without_room_is_refused(bound: int) -> None:
    with pytest.raises(ValueError, match="room for a ticket"):
        Line(bound)


def test_pressure_begins_at_85_percent_and_ends_below_70() -> None:
    line = line_of(*[ticket() for _ in range(16)], bound=20)
    seen = [line.pressure]
    line.offer(ticket(), 0.0)
    seen.append(line.pressure)
    line.take(3, 0.0)
    seen.append(line.pressure)
    line.take(1, 0.0)
    seen.append(line.pressure)
    assert seen == [False, True, True, False]


# --- Figures.


def test_waits_are_counted_in_the_first_bucket_that_holds_them() -> None:
    line = line_of(*[ticket() for _ in range(4)])
    for now in (0.001, 0.0011, 30.0, 31.0):
        line.take(1, now)
    counts = {edge: count for edge, count in line.waits.to_dict().items() if count}
    assert counts == {"1": 1, "5": 1, "30000": 1, "inf": 1}
    assert (line.waits.count, line.waits.longest_ms) == (4, 31000.0)
    assert line.waits.total_ms == pytest.approx(61002.1)


def test_a_ticket_that_was_replaced_has_waited_since_the_first() -> None:
    line = line_of(ticket(key=1))
    line.offer(ticket(key=1), 2.0)
    line.take(1, 3.0)
    assert line.waits.longest_ms == 3000.0
