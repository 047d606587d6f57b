"""Wait for the model once for everybody: any number of requests, one thread that waits."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Protocol

from echocli.errors import EchoError, ModelError
from echocli.server.problems import AGAIN, Problem, problem_of

PATIENCE = 60.0
"""Seconds a request waits for the model."""


class Warming(Protocol):
    """What there is to wait for: :class:`echocli.runtime.host.Host`."""

    def wait_ready(self, timeout: float) -> bool:
        """Wait for a model, and ask for it; raise ``ModelError`` where there is none."""
        ...


class Readiness:
    """Let requests wait until the model is warm; for one event loop."""

    def __init__(self, host: Warming, patience: float = PATIENCE) -> None:
        self._host = host
        self._patience = patience
        self._waiting: asyncio.Future[bool] | None = None

    async def wait(self) -> None:
        """Return when the model is warm; raise :class:`Problem` 503 where it does not become so."""
        try:
            async with asyncio.timeout(self._patience):
                while not await asyncio.shield(self._asked()):
                    pass
        except TimeoutError:
            text = f"the model was not ready within {self._patience:.0f} s"
            raise Problem(503, "model_not_ready", text, retry_after=AGAIN) from None
        except EchoError as error:
            raise problem_of(error) from error

    def _asked(self) -> asyncio.Future[bool]:
        """Return the answer that everybody waits for."""
        if self._waiting is None or self._waiting.done():
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            self._waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
            args = (loop, self._waiting)
            threading.Thread(target=self._ask, args=args, name="readiness", daemon=True).start()
        return self._waiting

    def _ask(self, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[bool]) -> None:
        found: bool | EchoError
        try:
            found = self._host.wait_ready(self._patience)
        except EchoError as error:
            found = error
        except Exception as error:  # a defect must not leave everybody waiting
            found = ModelError(f"unexpected {type(error).__name__}: {error}")

        def give() -> None:
            if answer.done():
                return
            if isinstance(found, EchoError):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(give)
