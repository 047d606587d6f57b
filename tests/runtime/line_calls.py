"""Any sequence of calls of a line, and a dictionary that does the same without turns."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from hypothesis import strategies as st

from echocli.runtime.line import Line, Ticket
from tests.runtime.tickets import BACKFILL, FINAL, ticket


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
