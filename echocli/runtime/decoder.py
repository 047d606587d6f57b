"""A thread that decodes, so that nobody else waits for the model."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from echocli.clock import Clock
from echocli.providers.base import Hypothesis
from echocli.runtime.live_session import Request
from echocli.runtime.serving import Serving, served_by
from echocli.runtime.supervisor import Outcome


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a request: outcomes in the order of its windows, or the error that ended it.

    ``secs`` is how long it took, 0 where a worker was replaced meanwhile; ``waited`` of them were
    for its turn.
    """

    request: Request
    outcomes: Sequence[Outcome]
    secs: float
    error: BaseException | None = None
    waited: float = 0.0

    @property
    def busy(self) -> float:
        """Seconds of inference."""
        return max(0.0, self.secs - self.waited)

    @property
    def answers(self) -> list[Hypothesis | str]:
        """What was found in each window, or why there is nothing."""
        return [one if isinstance(one, Hypothesis) else one.reason for one in self.outcomes]


def decode(request: Request, supervisor: Serving, clock: Clock) -> Answered:
    """Decode a request here and now; an error comes back as a value."""
    start = clock.now()
    try:
        supervisor.ready()  # loading is no inference
        served, start = served_by(supervisor), clock.now()
        outcomes = supervisor.decode(request.windows, request.options, urgency=request.urgency)
    except BaseException as error:
        return Answered(request, (), clock.now() - start, error)
    # What replacing somebody took says nothing about how fast decoding is.
    secs = clock.now() - start if served_by(supervisor) == served else 0.0
    return Answered(request, outcomes, secs, waited=supervisor.waited)


class Decoder:
    """Decode one request at a time; ``done`` gets each answer in the decoder's thread."""

    def __init__(self, supervisor: Serving, clock: Clock, done: Callable[[Answered], None]) -> None:
        self.request: Request | None = None
        """What is being decoded; for the thread that asks."""
        self._supervisor = supervisor
        self._clock = clock
        self._done = done
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="decoder", daemon=True).start()

    @property
    def busy(self) -> bool:
        """Whether a request is being decoded."""
        return self.request is not None

    def ask(self, request: Request) -> None:
        """Hand a request over; not before the last one was answered."""
        self.request = request
        self._requests.put(request)

    def answered(self) -> None:
        """Take note that the answer has arrived where it was asked for."""
        self.request = None

    def stop(self) -> None:
        """End the thread once it has nothing to do."""
        self._requests.put(None)

    def _work(self) -> None:
        while (request := self._requests.get()) is not None:
            self._done(decode(request, self._supervisor, self._clock))
