"""Runs of the real model that tests kill at the right moment."""

from __future__ import annotations

from pathlib import Path

import psutil

from tests.cli.conftest import Start, arguments, eventually

RESTARTED = "echocli: notice: the worker was restarted: "

FIRST = "Good morning and thank you for joining this short meeting."
"""The first sentence of the sample."""


class Watched:
    """A run of the real model whose log tells when its worker begins to decode."""

    def __init__(self, start: Start, log: Path, *command: str | Path) -> None:
        self._log = log
        options = ("-m", "tiny.en", "--log-level", "debug", "--log-file", log)
        self.running = start(*command, *options)

    def at_work(self, times: int) -> psutil.Process:
        """Wait until decoding has begun so many times; the worker that does it."""
        eventually(lambda: self._begun() >= times)
        children = psutil.Process(self.running.process.pid).children(recursive=True)
        return next(it for it in children if "worker_process" in " ".join(arguments(it)))

    def _begun(self) -> int:
        return self._log.read_text().count(" inference_start ") if self._log.exists() else 0
