"""Let go of the model while nobody speaks, and load it again when somebody does."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from echocli.errors import ModelError


class Restful(Protocol):
    """Whoever can do without its model for a while."""

    def rest(self) -> bool:
        """Let go of the model if nobody needs it, and tell; the next request loads it again."""
        ...

    def begin(self) -> None:
        """Start to load without waiting."""
        ...


class Resting:
    """Follow how long it has been quiet; speech starts the load, so that it overlaps with it."""

    def __init__(self, service: Restful, after: float) -> None:
        self._service = service
        self._after = after
        self.resting = False
        """Whether the model was let go of."""

    def observe(self, quiet: float | None) -> None:
        """Take for how many seconds nobody has spoken; ``None`` while somebody does."""
        if quiet is None and self.resting:
            self.resting = False
            with suppress(ModelError):  # the next request says it
                self._service.begin()
        elif quiet is not None and quiet >= self._after:
            # Again and again: the ladder may have had another model loaded meanwhile.
            self.resting = self._service.rest() or self.resting
