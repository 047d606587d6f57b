"""What happens inside, for whoever looks for a fault: constant event names and fields.

Events go to the standard library's logger ``echocli``. It has no output until the program, or
whoever uses the package, gives it one. What somebody said is never among the fields.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TextIO, TypeAlias

from echocli.errors import OutputError, UsageError

Field: TypeAlias = str | int | float | bool | None
"""What a field may hold."""

EVENTS: Mapping[str, int] = MappingProxyType(
    {
        "model_load_start": logging.INFO,
        "model_load_complete": logging.INFO,
        "model_warmup_start": logging.INFO,
        "model_warmup_complete": logging.INFO,
        "model_ready": logging.INFO,
        "model_init_error": logging.ERROR,
        "provider_init": logging.INFO,
        "inference_start": logging.DEBUG,
        "inference_complete": logging.DEBUG,
        "degrade_level_change": logging.WARNING,
        "failover_switch": logging.WARNING,
        "vad_model_loaded": logging.DEBUG,
        "server_start": logging.INFO,
        "server_stop": logging.INFO,
        "server_warning": logging.WARNING,
        "server_error": logging.ERROR,
        "request_complete": logging.INFO,
        "poll_complete": logging.DEBUG,
        "session_start": logging.INFO,
        "session_end": logging.INFO,
        "voxtral_session_start": logging.INFO,
        "voxtral_session_error": logging.ERROR,
    }
)
"""Every event there is, and its level."""

LEVELS: Mapping[str, int] = MappingProxyType(
    {
        "debug": logging.DEBUG,
        "info": logging.INFO,
        "warning": logging.WARNING,
        "error": logging.ERROR,
    }
)
"""What a user may ask for: events of this level and above."""

SPOKEN = frozenset({"text", "transcript", "segment", "words", "prompt", "hotwords", "hypothesis"})
"""Names of fields that would hold what somebody said."""

_logger = logging.getLogger("echocli")
# Without any handler the standard library would print warnings to stderr by itself.
_logger.addHandler(logging.NullHandler())

_configured: list[logging.Handler] = []
"""The handler that :func:`configure` made, if it did."""


def event(name: str, /, **fields: Field) -> None:
    """Log an event of :data:`EVENTS` at its level.

    Raises ``ValueError`` for a name that is not among them, and for a field of :data:`SPOKEN`.
    """
    level = EVENTS.get(name)
    if level is None:
        raise ValueError(f"no event is called {name!r}: add it to EVENTS")
    if spoken := SPOKEN & fields.keys():
        raise ValueError(f"{', '.join(sorted(spoken))}: what is said is not logged")
    if _logger.isEnabledFor(level):
        _logger.log(level, "%s", " ".join([name, *(f"{k}={show(v)}" for k, v in fields.items())]))


def show(value: Field) -> str:
    r"""Return a field's value on one line, in quotes where it would not be one word.

    Quotes, backslashes and what cannot be printed are escaped as in JSON: ``"a\nb"``. Floats have
    three digits at most.
    """
    if isinstance(value, str):
        plain = value and all(char.isprintable() and char not in ' "=\\' for char in value)
        return value if plain else f'"{"".join(map(_escaped, value))}"'
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return json.dumps(value)


def configure(target: TextIO | Path, level: str) -> None:
    """Send events of ``level`` and above to a stream, or append them to a file.

    Lines look like ``2026-11-21T22:03:34.123Z INFO model_ready model=tiny.en ms=512``; time is UTC.
    What was configured before ends. A target that takes no more is given up in silence. Raises
    ``UsageError`` for an unknown level and ``OutputError`` for a file that cannot be opened.
    """
    number = LEVELS.get(level.lower())
    if number is None:
        raise UsageError(f"unknown log level '{level}'", hint=f"one of {', '.join(LEVELS)}")
    handler = _open(target) if isinstance(target, Path) else _Stream(target)
    handler.setFormatter(_formatter())
    silence()
    _configured.append(handler)
    _logger.addHandler(handler)
    _logger.setLevel(number)


def silence() -> None:
    """Undo :func:`configure`; calling it twice is harmless."""
    while _configured:
        handler = _configured.pop()
        _logger.removeHandler(handler)
        handler.close()
    _logger.setLevel(logging.NOTSET)


class _Stream(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Say nothing: the default prints a traceback for every line that a full disk refuses."""


class _File(_Stream):
    """The same with a stream of its own; ``logging.FileHandler`` could fail in closing it.

    A file that was moved away, as logs are from day to day, is made anew under its name.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(_appending(path))
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; where no other file can be opened, to the one there was."""
        with suppress(OSError):
            if self._moved():
                before, self.stream = self.stream, _appending(self._path)
                before.close()
        super().emit(record)

    def _moved(self) -> bool:
        """Tell whether the file is another one by now, or none."""
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return True
        opened = os.fstat(self.stream.fileno())
        return stat.S_ISREG(opened.st_mode) and not os.path.samestat(named, opened)

    def close(self) -> None:
        """Close the file; what it does not take any more is lost."""
        try:
            self.stream.close()
        except OSError:
            pass
        finally:
            super().close()


def _open(path: Path) -> _File:
    try:
        return _File(path)
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        reason = getattr(error, "strerror", None) or error
        raise OutputError(
            f"cannot log to {path}: {reason}", hint="choose a file in a directory that exists"
        ) from error


def _appending(path: Path) -> TextIO:
    return path.open("a", encoding="utf-8", errors="backslashreplace")


def _formatter() -> logging.Formatter:
    made = logging.Formatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    made.converter = time.gmtime
    return made


def _escaped(char: str) -> str:
    return char if char.isprintable() and char not in '"\\' else json.dumps(char)[1:-1]
