"""How a model is that many share, in a word and in words."""

from __future__ import annotations

from dataclasses import dataclass

from echocli.providers.base import LoadSpec
from echocli.runtime.lifecycle import State
from echocli.runtime.supervisor import Supervisor

SILENT = "the worker does not answer"
"""Why it is late where it has nothing to do: nobody is let in before it is replaced."""

BUSY = "a request takes far longer than expected"
"""Why it is late at work: others wait for their turn in any case."""


@dataclass(frozen=True, slots=True)
class HostStanding:
    """How the model is, at the moment that was asked."""

    state: State
    serves: bool
    """Whether it is loaded and warm, and its process alive: whoever comes gets an answer."""
    late: bool
    """Whether its process owes an answer for longer than expected."""
    spec: LoadSpec
    load_ms: float | None
    warmup_ms: float | None
    reason: str | None
    """Why it is not ready, in words."""
    worker_pid: int | None

    @property
    def ready(self) -> bool:
        """Whether it serves, and answers in time."""
        return self.serves and not self.late


def standing_of(
    current: Supervisor, failure: BaseException | None, *, warm: bool, coming: bool
) -> HostStanding:
    """Return how who serves is.

    ``warm`` once it was, ``coming`` where it is about to be loaded, ``failure`` is why none could.
    """
    state, alive = current.lifecycle.state, current.alive
    up = state is State.READY and alive
    late = _late(current) if up else None
    serves = up and warm and late != SILENT
    warmed = [run.ms for run in current.warm_runs]
    return HostStanding(
        state,
        serves,
        late is not None,
        current.spec,
        current.load_ms or None,
        sum(warmed) if warmed else None,
        late or (None if serves else _reason(state, failure, coming=coming)),
        current.worker_pid if alive else None,
    )


def _late(current: Supervisor) -> str | None:
    if not current.answers:
        return SILENT
    return BUSY if current.late else None


def _reason(state: State, failure: BaseException | None, *, coming: bool) -> str:
    if failure is not None:
        return str(failure)
    if state is State.UNINITIALIZED and coming:
        return "the model is about to be loaded"
    if state is State.UNINITIALIZED:
        return "no model is loaded; the next request loads it"
    if state is State.READY:
        return "the worker has died and is being replaced"
    if state is State.ERROR:
        return "the model has failed and is being replaced"
    return f"the model is {str(state).replace('_', ' ')}"
