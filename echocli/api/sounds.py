"""What may be given as sound: a path, a stream, arrays; and the source that reads it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast

from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import UsageError
from echocli.types import SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from echocli.audio.source import Source

Sound: TypeAlias = "str | Path | BinaryIO | NDArray[Any] | Iterable[NDArray[Any]] | Source"
"""A file by its path, ``"-"`` for standard input, an open binary stream, samples as an array or as
arrays that come one after the other, or any :class:`~echocli.audio.source.Source`."""


def is_path(sound: Sound) -> bool:
    """Tell whether sound is named by a path, standard input included."""
    return isinstance(sound, str | Path)


def refuse_text(stream: object) -> None:
    """Raise ``UsageError`` for a stream that gives text."""
    if isinstance(stream, io.TextIOBase):
        name = getattr(stream, "name", "the stream")
        raise UsageError(f"{name} gives text, not bytes", hint='open it with mode "rb"')


def _whole(rate: float) -> int:
    """Return a rate in Hz, also one that was computed; raise ``UsageError`` for no whole one."""
    if not isinstance(rate, Real) or isinstance(rate, bool) or rate != rate // 1:
        raise UsageError(f"rate={rate!r} is no rate", hint="a whole number of Hz, as 16000")
    return int(rate)


def open_sound(
    sound: Sound, chosen: Chosen, environment: Environment, *, rate: int = SAMPLE_RATE
) -> Source:
    """Return the source for ``sound``; nothing is read yet.

    ``rate`` (Hz) is that of arrays. Raises ``UsageError`` for what cannot be sound.
    """
    from echocli.audio.array import ArraySource
    from echocli.audio.open import open_source
    from echocli.audio.pipe import PipeSource, RawFormat

    channel = chosen["channel"]
    with chosen.naming("raw"):
        raw = RawFormat.parse(chosen["raw"]) if chosen["raw"] is not None else None
    rate = _whole(rate)
    if isinstance(sound, str | Path):
        return open_source(str(sound), stdin=environment.stdin, raw=raw, channel=channel)
    if hasattr(sound, "blocks"):
        return cast("Source", sound)
    if hasattr(sound, "read"):
        refuse_text(sound)
        name = str(getattr(sound, "name", "stream"))
        return PipeSource(cast("BinaryIO", sound), raw=raw, channel=channel, name=name)
    if hasattr(sound, "dtype"):
        array = cast("NDArray[Any]", sound)
        seconds = len(array) / rate if array.ndim and rate > 0 else None
        return ArraySource([array], rate=rate, channel=channel, duration=seconds)
    if isinstance(sound, bytes | bytearray):
        raise UsageError("bytes are no sound", hint="io.BytesIO(data) for the bytes of a file")
    if isinstance(sound, Iterable):
        return ArraySource(sound, rate=rate, channel=channel)
    raise UsageError(f"{type(sound).__name__} is no sound", hint="a path, a stream or an array")
