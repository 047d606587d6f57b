"""One error tree and the exit codes it leads to.

::

    EchoError (1)
    ├── UsageError (2)              the command line or a setting makes no sense
    ├── InputError (3)              this audio cannot be read
    ├── ModelError (4)              model or provider unknown, missing or broken
    │   └── ProviderError (4)       a provider is missing, refused or failed to load
    ├── OutputError (1)             the result could not be written
    └── TranscriptionError (1)      decoding failed for good
        └── OutOfMemory (1)         there is no room for what is decoded at once

Every error knows what happened (``str``) and, where there is one, the next step (``hint``).
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit status of ``echocli`` means."""

    OK = 0
    """Done; also when the reader of stdout went away, a readable file ended early, or a signal
    ended ``serve`` in order."""
    FAILED = 1
    """Transcription failed, has a gap, or the output could not be written; the connection to a
    server was lost; ``serve`` cannot listen there."""
    USAGE = 2
    """The command line or a setting makes no sense."""
    INPUT = 3
    """The audio cannot be read: missing, empty, broken, a directory, no audio stream, no device."""
    UNAVAILABLE = 4
    """The model or the provider is unknown or cannot be used."""
    PARTIAL = 5
    """Some files failed, others are done."""
    ASSERTION = 6
    """A ``bench --assert`` did not hold, or ``bench --compare`` found something worse."""
    INTERRUPTED = 130
    """Ctrl-C, SIGTERM or SIGHUP; what was final is already written. For ``serve`` the second one,
    which ends it at once."""


class EchoError(Exception):
    """Root of everything this program raises on purpose.

    ``hint`` is the next step for the user, one short sentence or a command, or ``None``; it is a
    note of the exception as well, so that a traceback shows it.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(hint)


class UsageError(EchoError):
    """The command line or a setting makes no sense.

    ``setting`` is the name of a setting, where it is about one.
    """

    exit_code = ExitCode.USAGE

    def __init__(
        self, message: str, *, hint: str | None = None, setting: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.setting = setting


class InputError(EchoError):
    """This audio cannot be read; the message names the file."""

    exit_code = ExitCode.INPUT


class ModelError(EchoError):
    """A model is unknown, not installed or broken."""

    exit_code = ExitCode.UNAVAILABLE


class ProviderError(ModelError):
    """A provider is missing, refuses its settings or failed to load."""


class OutputError(EchoError):
    """The result could not be written."""


class TranscriptionError(EchoError):
    """Decoding failed for good."""


class OutOfMemory(TranscriptionError):
    """There is no room, on the device or in memory, for what is decoded at once."""
