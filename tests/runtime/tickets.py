"""Tickets and lines for the tests of who gets the model next."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from echocli.runtime.line import Line, Ticket

FINAL, EARLY, PARTIAL, BACKFILL = range(4)

SERIAL = itertools.count()
"""Work that no two tickets share."""


def ticket(
    session: str = "a",
    urgency: int = FINAL,
    key: int | None = None,
    *,
    rank: int = 0,
    cost: int = 1,
) -> Ticket[int]:
    serial = next(SERIAL)
    return Ticket(session, urgency, serial if key is None else key, serial, rank, cost)


def line_of(*tickets: Ticket[int], bound: int = 1000) -> Line[int]:
    line: Line[int] = Line(bound)
    for one in tickets:
        assert line.offer(one, 0.0)
    return line


def everything(line: Line[int]) -> list[Ticket[int]]:
    """Take all that is in line, one by one."""
    return [line.take(1, 0.0)[0] for _ in range(line.depth)]


def sessions(tickets: Sequence[Ticket[int]]) -> str:
    return "".join(one.session for one in tickets)
