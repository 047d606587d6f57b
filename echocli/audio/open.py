"""Choose the source for an argument of the command line."""

from __future__ import annotations

from typing import BinaryIO

from echocli.audio.file import FileSource
from echocli.audio.pipe import PipeSource, RawFormat
from echocli.audio.raw import RawFileSource
from echocli.audio.source import Source
from echocli.errors import UsageError


def open_source(
    argument: str,
    *,
    stdin: BinaryIO,
    raw: RawFormat | None = None,
    channel: int | None = None,
) -> Source:
    """Return the source for a path, or for ``-`` standard input; nothing is opened yet."""
    if channel is not None and channel < 1:
        raise UsageError(f"--channel {channel}: channels are counted from 1")
    if argument == "-":
        return PipeSource(stdin, raw=raw, channel=channel)
    if raw is not None:
        return RawFileSource(argument, raw=raw, channel=channel)
    return FileSource(argument, channel=channel)
