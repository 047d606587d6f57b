"""What a worker takes of a GPU's memory, asked for in the background: asking takes a while."""

from __future__ import annotations

import threading
from collections.abc import Callable

from echocli.capability.host import Runner, State, SubprocessRunner
from echocli.clock import Clock

EVERY = 10.0
"""Seconds between two questions."""

COMMAND = ("nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits")
"""``nvidia-smi --help-query-compute-apps``; memory is in MiB, ``[N/A]`` where nobody knows."""


class GpuMemory:
    """Ask from time to time for the memory of a process; :meth:`megabytes` never waits."""

    def __init__(
        self, pid: Callable[[], int | None], clock: Clock, runner: Runner | None = None
    ) -> None:
        self._pid = pid
        self._clock = clock
        self._runner = runner or SubprocessRunner()
        self._found: float | None = None
        self._asked = float("-inf")
        self._thread: threading.Thread | None = None

    def megabytes(self) -> float | None:
        """Return the newest answer, ``None`` without one; ask again if that was long ago."""
        now = self._clock.now()
        idle = self._thread is None or not self._thread.is_alive()
        if idle and now - self._asked >= EVERY:
            self._asked = now
            self._thread = threading.Thread(target=self._ask, name="nvidia-smi", daemon=True)
            self._thread.start()
        return self._found

    def close(self) -> None:
        """Wait for the answer that is under way."""
        if self._thread is not None:
            self._thread.join()

    def _ask(self) -> None:
        output = self._runner.run(COMMAND)
        self._found = used(output.text, self._pid()) if output.state is State.OK else None


def used(text: str, pid: int | None) -> float | None:
    """Return the MiB that a process takes on all GPUs, as nvidia-smi lists them."""
    rows = (line.split(",") for line in text.splitlines())
    own = [row[1].strip() for row in rows if len(row) == 2 and row[0].strip() == str(pid)]
    known = [float(value) for value in own if value.replace(".", "", 1).isdigit()]
    return sum(known) if known else None
