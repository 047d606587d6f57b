"""How signals end a live run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from echocli.environment import Environment
from echocli.interrupts import AGAIN, handling


class Stoppable(Protocol):
    """A live run, wherever it is decoded."""

    @property
    def listening(self) -> bool:
        """Whether the sources are started; before that a stop has nothing to wait for."""
        ...

    def stop(self, *, catch_up: bool = True) -> None:
        """Ask for the end; safe in a signal handler."""
        ...


@contextmanager
def stopping(live: Stoppable, environment: Environment) -> Iterator[list[float]]:
    """Let a signal end the run in order, and a second one at once; when signals came.

    One that comes while the model loads ends it at once too: nothing was heard.
    """
    came: list[float] = []

    def handle(number: int, _frame: object) -> None:
        came.append(environment.clock.now())
        if came[-1] - came[0] >= AGAIN or not live.listening:
            environment.interrupts.interrupt(came[-1])
            return  # to what another one has set going
        # Whoever ends a service waits ten seconds; what was put aside is kept on disk for that.
        live.stop(catch_up=number == signal.SIGINT)

    with handling(handle):
        yield came
