"""How a model is that many share, in a word and in words."""

from __future__ import annotations

from dataclasses import dataclass

from echocli.providers.base import LoadSpec
from echocli.runtime.lifecycle import State
from echocli.runtime.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class HostStanding:
    """How the model is, at the moment that was asked."""

    state: State
    ready: bool
    """Whether it is loaded and warm, and its process alive and answering."""
    spec: LoadSpec
    load_ms: float | None
    warmup_ms: float | None
    reason: str | None
    """Why it is not ready, in words."""
    worker_pid: int | None


def standing_of(
    current: Supervisor, failure: BaseException | None, *, warm: bool, coming: bool
) -> HostStanding:
    """Return how who serves is.

    ``warm`` once it was, ``coming`` where it is about to be loaded, ``failure`` is why none could.
    """
    state, alive = current.lifecycle.state, current.alive
    answers = not alive or current.answers
    ready = state is State.READY and alive and answers and warm
    warmed = [run.ms for run in current.warm_runs]
    return HostStanding(
        state,
        ready,
        current.spec,
        current.load_ms or None,
        sum(warmed) if warmed else None,
        None if ready else _reason(state, failure, coming=coming, answers=answers),
        current.worker_pid if alive else None,
    )


def _reason(state: State, failure: BaseException | None, *, coming: bool, answers: bool) -> str:
    if failure is not None:
        return str(failure)
    if state is State.UNINITIALIZED and coming:
        return "the model is about to be loaded"
    if state is State.UNINITIALIZED:
        return "no model is loaded; the next request loads it"
    if state is State.READY and not answers:
        return "the worker does not answer"
    if state is State.READY:
        return "the worker has died and is being replaced"
    if state is State.ERROR:
        return "the model has failed and is being replaced"
    return f"the model is {str(state).replace('_', ' ')}"
