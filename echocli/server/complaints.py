"""What uvicorn and asyncio complain of: a line for a defect, an event for the rest.

Both would write whole tracebacks, also of what somebody else has caused.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from echocli import log
from echocli.environment import Environment

DENIED = "ASGI callable returned without completing handshake."
"""What uvicorn says of every WebSocket that is refused: ``request_complete`` has said so."""

SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors of a machine, or of its settings, that has no more to give."""

QUIET = 1.0
"""Seconds in which that is said once: asyncio says it some thousand times a second."""


class Complaints(logging.Handler):
    """Hand over what is complained of without what somebody sent."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(logging.WARNING)
        self._environment = environment
        self._scarce_until = -math.inf

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take what uvicorn logs."""
        logger = logging.getLogger("uvicorn")
        before = logger.propagate
        logger.addHandler(self)
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        try:
            yield
        finally:
            logger.removeHandler(self)
            logger.propagate = before
            logger.setLevel(logging.NOTSET)

    def take(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take what went wrong in an event loop, outside of every task."""
        error = context.get("exception")
        # Where there were no files for who came, asyncio listens again later: of a server that has
        # ended too, whose socket is then no file any more.
        retried = isinstance(error, ValueError) and "_start_serving" in context.get("message", "")
        if is_scarce(error):
            self._say_scarce(error)
        elif not retried:
            loop.default_exception_handler(context)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record of a log."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, asyncio.CancelledError):  # at the end, of who does not read
            log.event("server_warning", what="a request was broken off")
        elif is_scarce(error):
            self._say_scarce(error)
        elif error is not None:
            self._say_defect(error, record)
        elif record.msg != DENIED:
            log.event("server_warning", what=record.getMessage().splitlines()[0])

    def _say_scarce(self, error: BaseException | None) -> None:
        now = self._environment.clock.now()
        if now >= self._scarce_until:
            self._scarce_until = now + QUIET
            log.event("server_warning", what=_line(error))

    def _say_defect(self, error: BaseException, record: logging.LogRecord) -> None:
        what = _line(error)
        log.event("server_error", what=what)
        text = f"echocli: error: unexpected {what}\n  this is a defect; --debug shows where it is\n"
        if self._environment.debug:
            text += logging.Formatter().formatException(record.exc_info)  # type: ignore[arg-type]
        self._environment.stderr.write(text)


def is_scarce(error: BaseException | None) -> bool:
    """Tell whether there were no more files, or no memory for them."""
    return isinstance(error, OSError) and error.errno in SCARCE


def _line(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
