"""What a batch needs of whoever transcribes for it: a model here, or a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from echocli.events import Event, Notice

if TYPE_CHECKING:
    from echocli.audio.clip import Clip
    from echocli.providers.base import LoadSpec


class Input(Protocol):
    """One input on its way, here or on a server."""

    def begin(self) -> None:
        """Have it read beside others before its turn."""
        ...

    def events(self) -> Iterator[Event]:
        """Yield what happens; once."""
        ...

    def close(self) -> None:
        """Let it go."""
        ...


class Opening(Protocol):
    """What a batch needs of a :class:`~echocli.api.transcriber.Transcriber`."""

    @property
    def spec(self) -> LoadSpec:
        """What serves now."""
        ...

    def open(self, sound: str, *, clip: Clip | tuple[()]) -> Input:
        """Return one input on its way."""
        ...

    def announce(self) -> None:
        """Tell once what everybody should know of the choice of the model."""
        ...

    def finish(self) -> list[Notice]:
        """Have the last figures written; what there is to say about that."""
        ...
