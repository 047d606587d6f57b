"""Who is told what happens on the way: a console, a program's log, or nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from echocli.models.pull import Progress

_log = logging.getLogger("echocli")


class Listener(Protocol):
    """Take what a person should know."""

    def notice(self, message: str, code: str = "") -> None:
        """Take something the user should know; ``code`` is stable."""
        ...

    def detail(self, message: str, level: int = 1) -> None:
        """Take something only those want to know who ask for more."""
        ...

    def downloading(self, name: str) -> AbstractContextManager[Callable[[Progress], None]]:
        """Give what the download of a model reports to, for the block."""
        ...


class Logging:
    """Hand notices to the standard library's logger ``echocli``, where programs expect them."""

    def notice(self, message: str, code: str = "") -> None:
        """Log a warning."""
        _log.warning("notice code=%s %s", code or "none", message)

    def detail(self, message: str, level: int = 1) -> None:
        """Log it for those who look for a fault."""
        _log.debug("detail level=%d %s", level, message)

    def downloading(self, name: str) -> AbstractContextManager[Callable[[Progress], None]]:
        """Log that a model comes, and leave it at that."""
        _log.info("downloading model=%s", name)
        return nullcontext(_ignore)


def _ignore(progress: Progress) -> None:
    del progress
