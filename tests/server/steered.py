"""An event loop whose time the test moves on: long waits end at once, and a stall ends none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

PATIENCE = 30.0
"""Seconds of the machine that a scene may take."""


class SteeredLoop(asyncio.SelectorEventLoop):
    """A real event loop, with real sockets, that can be told that time has passed."""

    _ahead = 0.0

    def time(self) -> float:
        """Return the time of the machine and what was added to it."""
        return super().time() + self._ahead

    def advance(self, secs: float) -> None:
        """Move forward by ``secs`` seconds; what is due then has its turn next."""
        self._ahead += secs


def advance(secs: float) -> None:
    """Move the loop forward that runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteeredLoop)
    loop.advance(secs)


def steered(scene: Coroutine[Any, Any, None]) -> None:
    """Run a scene in such a loop; raise ``TimeoutError`` where it really takes too long."""

    async def watched() -> None:
        task = asyncio.ensure_future(scene)
        loop = asyncio.get_running_loop()
        alarm = threading.Timer(PATIENCE, loop.call_soon_threadsafe, [task.cancel])
        alarm.start()
        try:
            await task
        except asyncio.CancelledError:
            raise TimeoutError(f"the scene is not over after {PATIENCE:g} s") from None
        finally:
            alarm.cancel()

    with asyncio.Runner(loop_factory=SteeredLoop) as runner:
        runner.run(watched())
