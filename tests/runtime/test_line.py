from __future__ import annotations

import itertools
import pickle
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.runtime.line import Line, Ticket
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

# --- Any sequence of calls, against a dictionary that does the same without turns.


@dataclass(frozen=True)
class Offer:
    session: str
    urgency: int
    key: int
    rank: int
    cost: int

    def ticket(self) -> Ticket[int]:
        return ticket(self.session, self.urgency, self.key, rank=self.rank, cost=self.cost)


@dataclass(frozen=True)
class Take:
    most: int


@dataclass(frozen=True)
class Cancel:
    session: str
    key: int | None


offers = st.builds(
    Offer,
    session=st.sampled_from("abcd"),
    urgency=st.integers(FINAL, BACKFILL),
    key=st.integers(0, 3),
    rank=st.integers(0, 1),
    cost=st.integers(-1, 9),
)
takes = st.builds(Take, most=st.integers(-1, 4))
cancels = st.builds(Cancel, session=st.sampled_from("abcd"), key=st.none() | st.integers(0, 3))
traces = st.lists(offers | offers | takes | cancels, max_size=60)


class Model:
    """What is in line, in the order it came."""

    def __init__(self, bound: int) -> None:
        self.line: Line[int] = Line(bound)
        self.held: dict[tuple[str, int, Hashable], Ticket[int]] = {}
        self.refused = self.taken = self.peak = 0

    def step(self, call: Offer | Take | Cancel) -> None:
        match call:
            case Offer():
                self.offer(call.ticket())
            case Take():
                self.take(call.most)
            case Cancel():
                self.cancel(call)
        self.peak = max(self.peak, len(self.held))
        assert self.line.depth == len(self.held) <= self.line.bound

    def offer(self, one: Ticket[int]) -> None:
        name = (one.session, one.urgency, one.key)
        fits = name in self.held or len(self.held) < self.line.bound
        assert self.line.offer(one, 0.0) is fits
        if fits:
            self.held[name] = one
        else:
            self.refused += 1

    def take(self, most: int) -> None:
        urgent = min((one.urgency for one in self.held.values()), default=None)
        alike = [one for one in self.held.values() if one.urgency == urgent]
        taken = self.line.take(most, 0.0)
        assert len(taken) == min(max(0, most), len(alike))
        self.taken += len(taken)
        for one in taken:
            own = [other for other in alike if other.session == one.session]
            assert one is min(own, key=lambda other: other.rank)
            alike.remove(one)
            self.remove(one)

    def cancel(self, call: Cancel) -> None:
        of_session = [one for one in self.held.values() if one.session == call.session]
        expected = [one for one in of_session if call.key in (None, one.key)]
        gone = self.line.cancel(call.session, call.key)
        assert sorted(one.work for one in gone) == sorted(one.work for one in expected)
        for one in expected:
            self.remove(one)

    def remove(self, one: Ticket[int]) -> None:
        self.held = {name: other for name, other in self.held.items() if other is not one}


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


def test_cancelling_relieves_the_pressure() -> None:
    line = line_of(ticket(), bound=1)
    assert line.pressure
    line.cancel("a")
    assert not line.pressure


# --- Fairness and no starvation.

costs = st.integers(1, 50)


def assert_even(got: Sequence[dict[str, int]], allowed: Callable[[str, str], int]) -> None:
    """Check what any two sessions got between any two moments."""
    for before, after in itertools.combinations(got, 2):
        share = {session: after[session] - before[session] for session in after}
        for one, other in itertools.combinations(share, 2):
            assert abs(share[one] - share[other]) <= allowed(one, other)


def served(line: Line[int], steps: int, refill: Callable[[str], Ticket[int]]) -> list[Counter[str]]:
    """Take one by one, keep every session in line, return what each had got at each moment."""
    got = [Counter[str]()]
    for _ in range(steps):
        (one,) = line.take(1, 0.0)
        got.append(got[-1] + Counter({one.session: max(1, one.cost)}))
        assert line.offer(refill(one.session), 0.0)
    return got


@given(st.integers(2, 6), st.integers(1, 30), st.data())
def test_at_equal_costs_sessions_in_line_take_strict_turns(
    count: int, steps: int, data: st.DataObject
) -> None:
    names = "abcdef"[:count]
    depths = [data.draw(st.integers(1, 4)) for _ in names]
    line = line_of(
        *[ticket(one) for one, deep in zip(names, depths, strict=True) for _ in range(deep)]
    )
    ranks = st.integers(0, 1)
    got = served(line, steps, lambda one: ticket(one, rank=data.draw(ranks)))
    assert_even([{name: one[name] for name in names} for one in got], lambda _, __: 1)


@given(st.lists(st.lists(costs, min_size=1, max_size=4), min_size=2, max_size=4), st.data())
def test_shares_of_sessions_in_line_differ_by_two_tickets_at_most(
    first: list[list[int]], data: st.DataObject
) -> None:
    names = "abcd"[: len(first)]
    most = {name: max(their) for name, their in zip(names, first, strict=True)}

    def refill(session: str) -> Ticket[int]:
        cost = data.draw(costs)
        most[session] = max(most[session], cost)
        return ticket(session, rank=data.draw(st.integers(0, 1)), cost=cost)

    line = line_of(
        *[ticket(one, cost=cost) for one, their in zip(names, first, strict=True) for cost in their]
    )
    got = served(line, 20, refill)
    even = [{name: one[name] for name in names} for one in got]
    assert_even(even, lambda one, other: most[one] + most[other])


def test_a_flood_of_one_session_delays_the_final_of_another_by_one_ticket() -> None:
    line = line_of(*[ticket("a", cost=10) for _ in range(100)])
    line.take(50, 0.0)
    line.offer(ticket("b", cost=10), 0.0)
    assert "b" in sessions(line.take(2, 0.0))


def test_a_session_of_short_tickets_gets_as_much_as_one_of_long_tickets() -> None:
    tickets = [ticket("a", cost=100) for _ in range(4)] + [ticket("b") for _ in range(300)]
    taken = sessions(line_of(*tickets).take(202, 0.0))
    assert Counter(taken) == {"a": 2, "b": 200}


def test_tickets_that_claim_to_cost_nothing_cannot_hold_the_model() -> None:
    line = line_of(ticket("b"), *[ticket("a", cost=0) for _ in range(10)])
    assert "b" in sessions(line.take(2, 0.0))


def test_having_been_away_gives_no_credit() -> None:
    line = line_of(*[ticket("a") for _ in range(100)])
    line.take(50, 0.0)
    for _ in range(10):
        line.offer(ticket("b"), 0.0)
    assert Counter(sessions(line.take(10, 0.0))) == {"a": 5, "b": 5}


def test_a_cheap_ticket_of_a_session_that_is_behind_does_not_turn_time_back() -> None:
    line = line_of(ticket("a", rank=1, cost=100), *[ticket("b") for _ in range(99)])
    line.take(50, 0.0)
    line.offer(ticket("a", rank=0), 0.0)
    assert sessions(line.take(1, 0.0)) == "a"
    for _ in range(10):
        line.offer(ticket("c"), 0.0)
    assert Counter(sessions(line.take(10, 0.0))) == {"b": 5, "c": 5}


def test_leaving_after_each_ticket_gives_no_advantage() -> None:
    line = line_of(*[ticket("a") for _ in range(20)], ticket("b"))
    taken = []
    for _ in range(20):
        taken += line.take(1, 0.0)
        if taken[-1].session == "b":
            line.offer(ticket("b"), 0.0)
    assert Counter(sessions(taken)) == {"a": 10, "b": 10}


def test_sessions_that_come_and_go_for_ever_starve_nobody() -> None:
    line = line_of(ticket("victim"), *[ticket(f"early {one}") for one in range(3)])
    taken = []
    for number in range(5):
        line.offer(ticket(f"late {number}"), 0.0)
        taken += line.take(1, 0.0)
    assert "victim" in [one.session for one in taken[:4]]


others = st.lists(st.tuples(st.sampled_from("abcdef"), costs, st.integers(0, 1)), max_size=8)
"""What sessions other than the victim's offer between two takes."""


@given(others, st.integers(0, 10), others, costs, st.lists(others, min_size=1, max_size=12))
def test_a_final_waits_for_a_bounded_share_of_every_other_session(
    before: list[tuple[str, int, int]],
    taken_before: int,
    more: list[tuple[str, int, int]],
    cost: int,
    meanwhile: list[list[tuple[str, int, int]]],
) -> None:
    line: Line[int] = Line(1000)
    largest: Counter[str] = Counter()

    def offer(batch: list[tuple[str, int, int]]) -> None:
        for session, each, rank in batch:
            largest[session] = max(largest[session], each)
            line.offer(ticket(session, cost=each, rank=rank), 0.0)

    offer(before)
    line.take(taken_before, 0.0)
    offer(more)
    present = {one.session for one in everything(deepcopy(line))}
    victim = ticket("victim", rank=1, cost=cost)
    line.offer(victim, 0.0)
    got: Counter[str] = Counter()
    for batch in itertools.chain(meanwhile, itertools.repeat([])):
        offer(batch)
        line.offer(ticket("victim", rank=1), 0.0)  # asking for more must not put it off
        (one,) = line.take(1, 0.0)
        if one is victim:
            break
        got[one.session] += one.cost
    for session, share in got.items():
        assert share <= cost + (largest[session] if session in present else 0)


def test_partials_wait_for_all_finals_and_then_come() -> None:
    partial = ticket("b", PARTIAL)
    line = line_of(partial)
    for _ in range(20):
        line.offer(ticket("a"), 0.0)
        assert line.take(4, 0.0) != [partial]
    assert line.take(4, 0.0) == [partial]


def test_finals_taken_are_not_held_against_the_partials_of_a_session() -> None:
    line = line_of(*[ticket("a", cost=100) for _ in range(9)], ticket("b", PARTIAL))
    line.take(9, 0.0)
    line.offer(ticket("a", PARTIAL), 0.0)
    line.offer(ticket("b", PARTIAL), 0.0)
    assert sessions(everything(line)) == "bab"


# --- Cancelling.


@given(traces)
def test_cancelling_every_session_leaves_a_line_like_a_new_one(
    calls: list[Offer | Take | Cancel],
) -> None:
    model = Model(8)
    for call in calls:
        model.step(call)
    for session in "abcd":
        model.line.cancel(session)
    again = [ticket(session, rank=rank) for rank in (1, 0) for session in "dbac"]
    assert model.line.depth == 0
    for one in again:
        assert model.line.offer(one, 0.0)
    assert everything(model.line) == everything(line_of(*again))


def play(line: Line[int], calls: Sequence[Offer | Take | Cancel]) -> list[Ticket[int]]:
    """Make the calls; return all that was taken and cancelled."""
    came: list[Ticket[int]] = []
    for call in calls:
        match call:
            case Offer():
                # The work is the call, so that two lines can be compared.
                line.offer(replace(call.ticket(), work=hash(call)), 0.0)
            case Take():
                came += line.take(call.most, 0.0)
            case Cancel():
                came += line.cancel(call.session, call.key)
    return came


@given(traces, st.lists(offers | cancels, max_size=10), traces)
def test_a_session_that_is_cancelled_unserved_might_never_have_been(
    before: list[Offer | Take | Cancel],
    meanwhile: list[Offer | Cancel],
    after: list[Offer | Take | Cancel],
) -> None:
    line, without = line_of(), line_of()
    came = play(line, before)
    ghosts = [ticket("ghost", one % 4, cost=one) for one in range(8)]
    for one in ghosts:
        line.offer(one, 0.0)
    came += play(line, meanwhile)
    assert line.cancel("ghost") == sorted(ghosts, key=lambda one: one.urgency)
    came += play(line, after) + everything(line)
    assert came == play(without, [*before, *meanwhile, *after]) + everything(without)


@pytest.mark.parametrize("leave", [lambda line: line.cancel("ghost"), everything])
def test_a_session_that_is_over_is_in_no_table(leave: Callable[[Line[int]], object]) -> None:
    line = line_of(ticket("ghost"), ticket("ghost", PARTIAL, cost=5), ticket("ghost"))
    line.take(1, 0.0)
    assert b"ghost" in pickle.dumps(line)
    leave(line)
    line.offer(ticket("other"), 0.0)
    assert b"ghost" not in pickle.dumps(line)


def test_cancelling_a_key_leaves_the_other_tickets_of_the_session() -> None:
    gone = [ticket(key=1), ticket(urgency=PARTIAL, key=1)]
    stay = ticket(key=2)
    line = line_of(gone[1], stay, gone[0], ticket("b", key=1))
    assert line.cancel("a", 1) == gone
    assert sorted(sessions(everything(line))) == ["a", "b"]


def test_cancelling_who_is_not_there_is_harmless() -> None:
    assert line_of(ticket()).cancel("nobody") == []


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


def test_what_was_cancelled_has_not_waited() -> None:
    line = line_of(ticket())
    line.cancel("a")
    assert line.waits.count == 0
