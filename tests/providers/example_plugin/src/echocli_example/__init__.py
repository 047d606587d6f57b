"""The smallest useful provider: it says how long each window is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from echocli.providers.base import (
    Availability,
    DecodeOptions,
    Hypothesis,
    LoadReport,
    Piece,
    Provider,
    ProviderInfo,
    Window,
)
from echocli.types import seconds


class Echo(Provider):
    """Answer with the length of the sound instead of listening to it."""

    info: ClassVar[ProviderInfo] = ProviderInfo(
        name="example-echo",
        summary="says how long each stretch of speech is",
        module="echocli_example",
        install="pip install echocli-example",
        model_format="none",
    )

    @classmethod
    def is_available(cls) -> Availability:
        """Return that it is here: it needs no library."""
        return Availability(True)

    def _load(self) -> LoadReport:
        return LoadReport(multilingual=True, device=self.spec.device)

    def _decode(self, batch: Sequence[Window], options: DecodeOptions) -> list[Hypothesis]:
        return [_answer(window, options) for window in batch]

    def _unload(self) -> None:
        """There is nothing to let go of."""


def _answer(window: Window, options: DecodeOptions) -> Hypothesis:
    length = len(window.samples)
    text = f" {seconds(length):.1f} seconds."
    return Hypothesis(
        window.id, (Piece(0, length, text),), length, language=options.language or "en"
    )
