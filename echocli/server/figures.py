"""The figures of a live session, gathered from its events."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from echocli.audio.pipe import RawFormat
from echocli.events import SPOOLED, Event, Gap, SpeechEnded
from echocli.server.intake import LEFT_OUT, NetworkCapture
from echocli.wire.messages import SourceMetrics

if TYPE_CHECKING:
    from echocli.providers.base import LoadSpec
    from echocli.runtime.live_run import Live

NEWEST = 20
"""Inferences whose mean is told."""

MOST = 1000
"""Utterances without a text that are counted; the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is true of all sources of a session."""

    spec: LoadSpec
    """What serves."""
    level: str
    """Name of the level of the ladder; the host's, also before anything is heard."""
    fill: float
    """Share of the input buffer that is in use."""


class Figures:
    """Follow the events of a session; written by its thread, read by that of the event loop."""

    def __init__(self, raw: RawFormat) -> None:
        self._raw = raw
        self._lost: dict[str | None, int] = {}
        """Source → gaps that the client was not the reason of."""
        self._spoken: dict[str | None, deque[SpeechEnded]] = {}
        """Source → utterances that are over and not final."""

    def take(self, event: Event, final: Mapping[str, int]) -> None:
        """Take an event; ``final`` is how far each source is, at the session's rate."""
        if isinstance(event, SpeechEnded):
            self._spoken.setdefault(event.source, deque(maxlen=MOST)).append(event)
        elif isinstance(event, Gap) and not event.reason.startswith((SPOOLED, LEFT_OUT)):
            self._lost[event.source] = self._lost.get(event.source, 0) + 1
        for source, spoken in self._spoken.items():
            while spoken and self._is_final(spoken[0], final[source or ""]):
                spoken.popleft()

    def of(
        self, capture: NetworkCapture, final: int, live: Live | None, standing: Standing
    ) -> SourceMetrics:
        """Return how a source is doing that is final up to there."""
        newest = live.stats.infer_ms[-NEWEST:] if live else []
        return SourceMetrics(
            queue_bytes=capture.queued,
            queue_fill_ratio=round(standing.fill, 3),
            backlog_seconds=round(self._backlog(capture, final), 3),
            dropped_total=self._lost.get(capture.name, 0),
            avg_infer_ms=round(sum(newest) / len(newest), 1) if newest else None,
            realtime_factor=live.rtf if live else None,
            provider=standing.spec.provider,
            model_id=standing.spec.model,
            vad_enabled=live.stats.vad_enabled if live else True,
            degrade_level=standing.level,
            rtf_avg_10s=live.load if live else None,
        )

    def _backlog(self, capture: NetworkCapture, final: int) -> float:
        """Return the seconds that wait: sound nobody heard, and speech without its text."""
        queued = capture.queued / (self._raw.frame_bytes * self._raw.rate)
        spoken = list(self._spoken.get(capture.name, ()))
        return queued + sum(one.end - one.start for one in spoken if not self._is_final(one, final))

    def _is_final(self, spoken: SpeechEnded, final: int) -> bool:
        return spoken.end <= final / self._raw.rate
