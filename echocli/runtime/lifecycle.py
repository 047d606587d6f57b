"""The states a model goes through, and one start for everybody.

``UNINITIALIZED → LOADING → WARMING_UP → READY``; ``ERROR`` from any of them; ``ERROR → LOADING`` on
retry; ``READY → UNINITIALIZED`` on unload. Asking twice for a start is one start: the second caller
waits for the first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum

from echocli.errors import EchoError, ModelError

INIT_TIMEOUT = 300.0
"""Seconds loading and warming up may take."""

WAIT_TIMEOUT = 60.0
"""Seconds a second caller waits for the first one's start."""


class State(StrEnum):
    """Where a model is in its life."""

    UNINITIALIZED = "uninitialized"
    """No process, no memory."""
    LOADING = "loading"
    """The worker starts and reads the weights."""
    WARMING_UP = "warming_up"
    """The first inferences run."""
    READY = "ready"
    """Requests are served."""
    ERROR = "error"
    """Starting failed; ``cause`` says why."""


_ALLOWED: dict[State, frozenset[State]] = {
    State.UNINITIALIZED: frozenset({State.LOADING, State.ERROR}),
    State.LOADING: frozenset({State.WARMING_UP, State.ERROR}),
    State.WARMING_UP: frozenset({State.READY, State.ERROR}),
    State.READY: frozenset({State.UNINITIALIZED, State.ERROR}),
    State.ERROR: frozenset({State.LOADING, State.UNINITIALIZED}),
}


class Lifecycle:
    """Hold the state, refuse impossible changes, and make concurrent starts one."""

    def __init__(self) -> None:
        self.history: list[State] = [State.UNINITIALIZED]
        self.cause: BaseException | None = None
        self._changed = threading.Condition()

    @property
    def state(self) -> State:
        """The current state."""
        return self.history[-1]

    def move(self, state: State, cause: BaseException | None = None) -> None:
        """Change state; raise ``ValueError`` for a change that cannot happen."""
        with self._changed:
            self._move(state, cause)

    def start(self, work: Callable[[], None], *, timeout: float = WAIT_TIMEOUT) -> None:
        """Run ``work`` (which moves on from LOADING to READY), or wait for whoever runs it.

        The error of a failed start is raised to every caller. Waiting longer than ``timeout``
        seconds raises ``ModelError``; the start itself goes on.
        """
        with self._changed:
            mine = self.state in (State.UNINITIALIZED, State.ERROR)
            if mine:
                self._move(State.LOADING, None)
        if mine:
            self._run(work)
        else:
            self._wait(timeout)

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.move(State.ERROR, error)
            raise

    def _wait(self, timeout: float) -> None:
        with self._changed:
            if not self._changed.wait_for(self._settled, timeout):
                raise ModelError(f"the model was not ready within {timeout:.0f} s")
            if self.state is State.UNINITIALIZED:
                raise ModelError("the model was unloaded while it was waited for")
            if self.state is State.ERROR:
                hint = self.cause.hint if isinstance(self.cause, EchoError) else None
                raise ModelError(f"the model could not be started: {self.cause}", hint=hint)

    def _settled(self) -> bool:
        return self.state not in (State.LOADING, State.WARMING_UP)

    def _move(self, state: State, cause: BaseException | None) -> None:
        if state not in _ALLOWED[self.state]:
            raise ValueError(f"a model cannot go from {self.state} to {state}")
        self.cause = cause
        self.history.append(state)
        self._changed.notify_all()
