"""How signals end a live run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from echocli.environment import Environment

AGAIN = 0.1
"""Seconds after which a second Ctrl-C means that somebody does not want to wait."""


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
        # A shell and the kernel may both send one; only a person who presses again is impatient.
        if came[-1] - came[0] >= AGAIN or not live.listening:
            environment.interrupts.interrupt(came[-1])
            return  # to what another one has set going
        # Whoever ends a service waits ten seconds; what was put aside is kept on disk for that.
        live.stop(catch_up=number == signal.SIGINT)

    before = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # SIGHUP is not on Windows
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, handle)
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
