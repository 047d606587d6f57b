"""What a sound source is: blocks of 16 kHz mono, read once, in order."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from echocli.types import Samples


class Source(Protocol):
    """Give the sound of one input, block by block; a context manager that closes it.

    ``blocks`` yields at most about one second at a time and never the whole input; it raises
    ``InputError`` when nothing can be read. ``notices`` fills while reading with things the user
    should know (the file ended early); it is complete when ``blocks`` is exhausted.
    """

    name: str
    duration: float | None
    """Length in seconds as the container states it; ``None`` for a pipe."""
    notices: list[str]

    def blocks(self) -> Iterator[Samples]:
        """Yield mono float32 blocks at 16 kHz."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
