"""What a session is that listens, whoever decodes: opened once, iterated once, then closed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, ClassVar

from echocli.api.collected import Collected
from echocli.api.decoding import WordTiming
from echocli.api.listener import Listener, Logging
from echocli.api.live_sources import Wanted, stop_rule
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import EchoError, UsageError
from echocli.events import Event
from echocli.types import Transcript

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from echocli.audio.capture import Capture
    from echocli.providers.base import LoadSpec


class Listening(ABC):
    """Yield events inside a ``with`` statement; ``KIND`` is what messages call it."""

    KIND: ClassVar[str]

    def __init__(
        self,
        wanted: Wanted,
        chosen: Chosen,
        *,
        listener: Listener | None,
        environment: Environment | None,
        timing: WordTiming | None,
    ) -> None:
        self.collected = Collected()
        self.chosen = chosen
        """Every setting."""
        self.sources: list[Capture] = []
        """What is listened to."""
        self.latency_ms: float | None = None
        """From the end of speech to the newest final."""
        self._wanted = wanted
        self._environment = environment or Environment()
        self._listener = listener or Logging()
        self._timing = timing or WordTiming.of(chosen)
        self._rule = stop_rule(chosen)
        self._stack = ExitStack()
        self._entered = self._used = self._over = False

    def __enter__(self) -> Self:
        """Get everything ready, and open the sources; once."""
        if self._entered:
            raise UsageError(f"{self.KIND} is used once", hint="make another")
        self._entered = True
        try:
            self._open()
        except BaseException as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the sources and of whatever decodes."""
        self._over = True
        self._stack.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[Event]:
        """Return what happens as it happens; ends with stats and end."""
        if not self._entered:
            raise self._outside
        if self._used:
            raise UsageError(f"{self.KIND} is iterated once", hint="make another")
        self._used = True
        return self._events()

    @property
    @abstractmethod
    def spec(self) -> LoadSpec:
        """What serves now."""

    @property
    def transcript(self) -> Transcript:
        """What was said so far."""
        return self.collected.transcript(self.spec)

    @property
    def errors(self) -> list[EchoError]:
        """What went wrong beside the transcript: a recording that could not be kept."""
        found = (getattr(one, "error", None) for one in self.sources)
        return [error for error in found if error is not None]

    @property
    def _outside(self) -> UsageError:
        return UsageError(f"{self.KIND} listens inside `with` only")

    @abstractmethod
    def _open(self) -> None:
        """Open what is needed, and have ``_stack`` close it."""

    @abstractmethod
    def _events(self) -> Iterator[Event]:
        """Yield what happens."""
