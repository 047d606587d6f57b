"""A model that is brought up beside the one that serves, to take over once it is warm."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from echocli.errors import EchoError
from echocli.providers.base import DecodeOptions, Hypothesis, LoadSpec, Window
from echocli.runtime.incidents import Incident
from echocli.runtime.supervisor import Supervisor
from echocli.runtime.warmup import Level, warm_windows


@dataclass(frozen=True, slots=True)
class Past:
    """Windows that were decoded before: a model that can do that again can be trusted."""

    windows: Sequence[Window]
    options: DecodeOptions


class Relief:
    """Start one model at a time in a thread; a new one takes the place of what was coming."""

    def __init__(self, make: Callable[[LoadSpec], Supervisor]) -> None:
        self._make = make
        self._attempt: _Attempt | None = None
        self._threads: list[threading.Thread] = []

    @property
    def spec(self) -> LoadSpec | None:
        """What is being brought up, as it was asked for."""
        attempt = self._attempt
        return attempt.spec if attempt is not None else None

    def start(self, spec: LoadSpec, past: Past | None = None) -> None:
        """Bring a model up; with ``past`` it must decode that too before it counts as warm."""
        self.drop()
        self._attempt = attempt = _Attempt(spec, self._make(spec), past)
        self._threads = [*(one for one in self._threads if one.is_alive()), attempt.thread]
        attempt.thread.start()

    def drop(self) -> None:
        """End what is being brought up."""
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.supervisor.abandon()

    def wait(self, limit: float | None = None) -> None:
        """Wait until what is being brought up is warm, has failed, or was dropped."""
        attempt = self._attempt
        if attempt is not None:
            attempt.thread.join(limit)

    def take(self) -> tuple[LoadSpec | None, Supervisor | EchoError | None]:
        """Return what was brought up: the model once it is warm, or why it never will be.

        ``None`` before. What is returned is not brought up any more.
        """
        attempt = self._attempt
        if attempt is None or attempt.thread.is_alive():
            return None, None
        if attempt.error is not None:
            self.drop()
            return attempt.spec, attempt.error
        self._attempt = None
        return attempt.spec, attempt.supervisor

    @property
    def incidents(self) -> deque[Incident]:
        """What happened to it so far, for the record."""
        attempt = self._attempt
        return attempt.supervisor.incidents if attempt is not None else deque()

    def close(self) -> None:
        """End what is being brought up, and leave no thread."""
        self.drop()
        for thread in self._threads:
            thread.join()


class _Attempt:
    """One model on its way; ``error`` says why it failed, once its thread has ended."""

    def __init__(self, spec: LoadSpec, supervisor: Supervisor, past: Past | None) -> None:
        self.spec = spec
        self.supervisor = supervisor
        self.error: EchoError | None = None
        self.thread = threading.Thread(target=self._run, args=(past,), name="relief", daemon=True)

    def _run(self, past: Past | None) -> None:
        try:
            self.supervisor.ready(warm_windows(Level.FIRST))
            if past is not None:
                _prove(self.supervisor, past)
        except EchoError as error:
            self.error = error
        except Exception as error:  # no process could be started, say: it must not count as warm
            self.error = EchoError(f"{type(error).__name__}: {error}")


def _prove(supervisor: Supervisor, past: Past) -> None:
    """Decode what was decoded before; raise ``EchoError`` if that fails."""
    for outcome in supervisor.decode(past.windows, past.options):
        if not isinstance(outcome, Hypothesis):
            raise EchoError(outcome.reason)
