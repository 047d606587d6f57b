"""Sessions in line take turns: each gets the same share, and nobody starves."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.runtime.line import Line, Ticket
from tests.runtime.tickets import PARTIAL, everything, line_of, sessions, ticket

pytestmark = pytest.mark.unit

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
