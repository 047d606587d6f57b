"""The process seen as one value: streams, variables, directories and the clock.

Commands get it from the Typer context instead of reaching for ``sys`` and ``os``, so that tests can
give them another one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, TextIO

from echocli.clock import Clock, SystemClock
from echocli.interrupts import Interrupts

APP = "echocli"

NO_TELEMETRY = {"ORT_DISABLE_TELEMETRY": "1"}
"""Variables that keep libraries from reporting home: onnxruntime 1.31 looks its vendor up and
writes a device id under the user's cache unless this is set before it is imported."""


@dataclass(slots=True)
class Environment:
    """Everything of the process a command may touch."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Clock = field(default_factory=SystemClock)
    debug: bool = False
    interrupts: Interrupts = field(default_factory=Interrupts)
    remarks: tuple[str, ...] = ()
    """What to tell people of the words of the command line."""

    @property
    def stdout(self) -> TextIO:
        """Where the transcript goes, looked up late so that redirection is seen."""
        return sys.stdout

    @property
    def stderr(self) -> TextIO:
        """Where everything else goes."""
        return sys.stderr

    @property
    def stdin(self) -> BinaryIO:
        """Raw bytes of standard input."""
        return sys.stdin.buffer

    @property
    def config_dir(self) -> Path:
        """Directory of ``config.toml``; ``ECHOCLI_CONFIG_DIR`` moves it."""
        return self._directory("ECHOCLI_CONFIG_DIR", "user_config_path")

    @property
    def data_dir(self) -> Path:
        """Directory of the model store; ``ECHOCLI_DATA_DIR`` moves it."""
        return self._directory("ECHOCLI_DATA_DIR", "user_data_path")

    def with_variable(self, name: str, value: str) -> Environment:
        """Return the same process with one variable set."""
        return replace(self, environ={**self.environ, name: value})

    def _directory(self, variable: str, function: str) -> Path:
        if value := self.environ.get(variable):
            return Path(value)
        import platformdirs

        path: Path = getattr(platformdirs, function)(APP, appauthor=False)
        return path
