"""Where a remote session is: what came of it, and what the server tells of itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from echocli.api.collected import Collected
from echocli.errors import EchoError, UsageError
from echocli.events import Backfill, Event, Final, Partial
from echocli.remote.address import Address
from echocli.types import SAMPLE_RATE, Transcript, seconds, to_samples

if TYPE_CHECKING:
    from typing import Self

    from echocli.audio.capture import Capture
    from echocli.providers.base import LoadSpec
    from echocli.remote.core import Core

INSIDE = "a remote session listens inside `with` only"


class RemoteStand:
    """What there is to know of a session; its figures are there once it is opened."""

    def __init__(self, address: Address) -> None:
        self.collected = Collected()
        self.sources: list[Capture] = []
        """What is listened to."""
        self.latency_ms: float | None = None
        """From the end of speech to the newest final."""
        self._address = address
        self._core: Core | None = None
        self._failed: list[EchoError] = []

    @property
    def running(self) -> Self:
        """The run itself: its position, level and load."""
        if self._core is None:
            raise UsageError(INSIDE)
        return self

    @property
    def position(self) -> float:
        """Seconds of sound so far."""
        return seconds(self._followed.position)

    @property
    def level(self) -> str:
        """Name of the level of the server's ladder that is in force."""
        return self._followed.story.level

    @property
    def load(self) -> float | None:
        """The RTF of the last seconds at the server."""
        metrics = self._followed.metrics
        found = [one.rtf_avg_10s for one in metrics.sources.values()] if metrics else []
        return max((one for one in found if one is not None), default=None)

    @property
    def spec(self) -> LoadSpec:
        """What serves, as far as it is known."""
        from echocli.providers.base import LoadSpec

        served = self._followed.served
        if served is None:
            return LoadSpec("remote", self._address.host, "")
        return LoadSpec(
            served.provider,
            served.model,
            "",
            revision=served.model_revision,
            sha256=served.model_sha256,
        )

    @property
    def transcript(self) -> Transcript:
        """What was said so far."""
        return self.collected.transcript(self.spec)

    @property
    def errors(self) -> list[EchoError]:
        """What went wrong beside the transcript: a recording, or the connection for good."""
        found = (getattr(one, "error", None) for one in self.sources)
        return [*(error for error in found if error is not None), *self._failed]

    def _take(self, event: Event, *, timed: bool) -> None:
        """Keep an event; ``timed`` where sound comes as fast as it is spoken."""
        self.collected.take(event)
        if timed and isinstance(event, Final):
            late = self._followed.position - to_samples(event.segment.end)
            self.latency_ms = max(0.0, late * 1000 / SAMPLE_RATE)

    @property
    def _followed(self) -> Core:
        if self._core is None:
            raise UsageError(INSIDE)
        return self._core


def without_words(event: Event) -> Event:
    """Return an event without the words that were only asked for to time subtitles."""
    if not isinstance(event, Final | Partial | Backfill):
        return event
    return replace(event, segment=replace(event.segment, words=None))
