"""Whoever leaves the line leaves nothing behind, and nobody notices."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.runtime.line import Line, Ticket
from tests.runtime.line_calls import Cancel, Model, Offer, Take, cancels, offers, traces
from tests.runtime.tickets import PARTIAL, everything, line_of, sessions, ticket

pytestmark = pytest.mark.unit


def test_cancelling_relieves_the_pressure() -> None:
    line = line_of(ticket(), bound=1)
    assert line.pressure
    line.cancel("a")
    assert not line.pressure


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


def test_what_was_cancelled_has_not_waited() -> None:
    line = line_of(ticket())
    line.cancel("a")
    assert line.waits.count == 0
