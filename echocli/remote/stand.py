"""Where a remote session is: what came of it, and what the server tells of itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from echocli.api.listening import Listening
from echocli.environment import Environment
from echocli.errors import EchoError
from echocli.events import Backfill, Event, Final, Partial
from echocli.remote.address import Address
from echocli.remote.wishes import refuse_theirs
from echocli.types import SAMPLE_RATE, seconds, to_samples

if TYPE_CHECKING:
    from typing import Self

    from echocli.api.decoding import WordTiming
    from echocli.api.listener import Listener
    from echocli.api.live_sources import Wanted
    from echocli.config import Chosen
    from echocli.providers.base import LoadSpec
    from echocli.remote.core import Core


class RemoteStand(Listening):
    """What there is to know of a session; its figures are there once it is opened."""

    KIND = "a remote session"

    def __init__(
        self,
        wanted: Wanted,
        chosen: Chosen,
        *,
        listener: Listener | None,
        environment: Environment | None,
        timing: WordTiming | None,
        token: str | None,
    ) -> None:
        self._address = Address.chosen(chosen, environment or Environment(), token)
        refuse_theirs(chosen)
        super().__init__(wanted, chosen, listener=listener, environment=environment, timing=timing)
        self._core: Core | None = None
        self._failed: list[EchoError] = []
        self._discards = False

    def discard(self) -> None:
        """Have nothing kept for later just because this is broken off.

        What has no text because the server was given up is kept all the same.
        """
        self._discards = True

    @property
    def running(self) -> Self:
        """The run itself: its position, level and load."""
        if self._core is None:
            raise self._outside
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
    def errors(self) -> list[EchoError]:
        """What went wrong beside the transcript: a recording, or the connection for good."""
        return [*super().errors, *self._failed]

    def _take(self, event: Event, *, timed: bool) -> None:
        """Keep an event; ``timed`` where sound comes as fast as it is spoken."""
        self.collected.take(event)
        if timed and isinstance(event, Final):
            late = self._followed.position - to_samples(event.segment.end)
            self.latency_ms = max(0.0, late * 1000 / SAMPLE_RATE)

    @property
    def _is_unwanted(self) -> bool:
        """Whether nobody wants what has no text, and it is not for want of a server either."""
        return self._discards and self._followed.failure is None

    @property
    def _followed(self) -> Core:
        if self._core is None:
            raise self._outside
        return self._core


def without_words(event: Event) -> Event:
    """Return an event without the words that were only asked for to time subtitles."""
    if not isinstance(event, Final | Partial | Backfill):
        return event
    return replace(event, segment=replace(event.segment, words=None))
