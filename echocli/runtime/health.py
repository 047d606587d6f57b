"""How each provider does, as figures that can be watched while it serves.

What happens is noted from several threads; a record is made on demand. What belongs to the session
and not to a provider (what waits, what was dropped, voice detection, alerts) is the same in every
record.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from echocli.clock import Clock
from echocli.providers.base import LoadSpec
from echocli.runtime.alerts import Alert
from echocli.runtime.health_figures import (
    WAIT_BOUNDS,
    WAIT_BUCKETS,
    ProviderFigures,
    SessionFigures,
)
from echocli.runtime.lifecycle import State

LONGEST_TEXT = 500
"""Characters of an error that are kept: libraries print whole tensors."""


class Health:
    """Keep one record per provider and model; thread-safe.

    The session begins when this is made. A note is about the model that serves; those that take a
    ``spec`` can be about another one, such as one that is started beside it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.now()
        self._lock = threading.Lock()
        self._session = SessionFigures()
        self._providers: dict[str, ProviderFigures] = {}
        self._serving = ProviderFigures()
        """Nameless, and in no table, until the first model is known."""

    def serve(self, spec: LoadSpec) -> None:
        """Note which model serves from now on; the first that is noted does without."""
        with self._lock:
            self._serving = self._find(spec)

    def load(
        self,
        spec: LoadSpec,
        load_ms: float,
        warmup_ms: float | None,
        device: str,
        compute_type: str,
    ) -> None:
        """Note that a model was loaded: what it took, and where it really runs."""
        with self._lock:
            found = self._find(spec)
            found.load_ms, found.warmup_ms = load_ms, warmup_ms
            found.device, found.compute_type = device, compute_type

    def lifecycle(self, state: State, spec: LoadSpec | None = None) -> None:
        """Note the state of a model."""
        with self._lock:
            self._find(spec).state = state

    def decode(self, infer_ms: float, final: bool) -> None:
        """Note an inference; those of finals are counted as windows."""
        with self._lock:
            self._serving.infer_ms.append(infer_ms)
            self._serving.finals += final

    def busy(self, secs: float, source: str = "", *, final: bool = True) -> None:
        """Note seconds of inference; what is not ``final`` is left out of the recent averages."""
        with self._lock:
            self._serving.busy[source] += secs
            if final:
                self._serving.meter.busy(source, secs, self._clock.now())

    def audio(self, secs: float, source: str = "") -> None:
        """Note that so much more of a source is decoded for good; tell what it took before."""
        with self._lock:
            self._serving.audio[source] += secs
            self._serving.meter.covered(source, secs, self._clock.now())

    def wait(self, ms: float) -> None:
        """Note how long an inference waited for its turn."""
        with self._lock:
            self._serving.waits[WAIT_BUCKETS[bisect_left(WAIT_BOUNDS, ms)]] += 1

    def error(self, text: str, spec: LoadSpec | None = None) -> None:
        """Note an error; ``text`` is what a library said, never what somebody did."""
        with self._lock:
            found = self._find(spec)
            found.errors.append({"time": self._elapsed(), "text": text[:LONGEST_TEXT]})
            found.error_count += 1
            found.errors_in_a_row += 1

    def completed(self) -> None:
        """Note a success: errors are no longer in a row."""
        with self._lock:
            self._serving.errors_in_a_row = 0

    def restarted(self, spec: LoadSpec | None = None) -> None:
        """Note that a worker was replaced."""
        with self._lock:
            self._find(spec).restarts += 1

    def memory(
        self,
        worker_mb: float | None,
        parent_mb: float | None,
        gpu_mb: float | None = None,
    ) -> None:
        """Note what is used now."""
        with self._lock:
            self._serving.worker_mb, self._serving.gpu_mb = worker_mb, gpu_mb
            self._session.parent_mb = parent_mb

    def backlog(self, secs: float, depth: int) -> None:
        """Note the seconds of speech that wait now, and the requests in line."""
        with self._lock:
            self._session.backlog, self._session.depth = secs, depth

    def dropped(self, secs: float, chunks: int = 1) -> None:
        """Note sound that was lost, once; it is added up."""
        with self._lock:
            self._session.dropped_seconds += secs
            self._session.dropped_chunks += chunks

    def spooled(self, secs: float) -> None:
        """Note sound that was kept for later, once; it is added up."""
        with self._lock:
            self._session.spooled_seconds += secs

    def vad(self, speech_ratio: float | None, skipped: int) -> None:
        """Note the share of speech and the silences left out, both since the start."""
        with self._lock:
            self._session.speech_ratio, self._session.vad_skipped = speech_ratio, skipped

    def level(self, name: str) -> None:
        """Note the level of the ladder."""
        with self._lock:
            self._session.level = name

    def alert(self, alert: Alert) -> None:
        """Note an alert; its time is of the same clock."""
        with self._lock:
            self._session.alerts.append(
                {
                    "code": str(alert.code),
                    "severity": str(alert.severity),
                    "time": round(alert.time - self._start, 3),
                    "message": alert.message,
                }
            )

    def record(self) -> dict[str, Any]:
        """Return the figures of the provider that serves as JSON values.

        ``None`` is what is not known. ``errors`` and ``alerts`` tell seconds of the session. A wait
        is counted in ``inference_lock_wait_ms`` once, under the least bound that holds it.
        """
        with self._lock:
            return self._describe(self._serving)

    def records(self) -> list[dict[str, Any]]:
        """Return the figures of every provider there was, in the order they were first noted."""
        with self._lock:
            return [self._describe(found) for found in self._providers.values()]

    def counters(self) -> dict[str, float]:
        """Return what only grows, over all providers of the session."""
        with self._lock:
            found = self._providers.values() or [self._serving]
            session = self._session
            return {
                "session_seconds": self._elapsed(),
                "audio_seconds": round(sum(sum(one.audio.values()) for one in found), 4),
                "windows": sum(one.finals for one in found),
                "dropped_chunks": session.dropped_chunks,
                "dropped_seconds": round(session.dropped_seconds, 4),
                "spooled_seconds": round(session.spooled_seconds, 4),
                "restarts": sum(one.restarts for one in found),
                "errors": sum(one.error_count for one in found),
            }

    def _find(self, spec: LoadSpec | None) -> ProviderFigures:
        if spec is None:
            return self._serving
        key = f"{spec.provider}:{spec.model}"
        if key not in self._providers:
            made = ProviderFigures() if self._providers else self._serving
            made.provider, made.model = spec.provider, spec.model
            made.revision, made.sha256 = spec.revision, spec.sha256
            self._providers[key] = made
        return self._providers[key]

    def _describe(self, provider: ProviderFigures) -> dict[str, Any]:
        figures = provider.figures(self._clock.now()) | self._session.figures()
        return _plain(figures | {"session_seconds": self._elapsed()})

    def _elapsed(self) -> float:
        return round(self._clock.now() - self._start, 3)


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Round floats to four digits; what is no finite number is not known."""
    return {
        name: (round(value, 4) if math.isfinite(value) else None)
        if isinstance(value, float)
        else value
        for name, value in figures.items()
    }
