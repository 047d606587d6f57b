"""What is counted about a provider and about a session, and how it is told."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from echocli.runtime.lifecycle import State
from echocli.runtime.rtf import LoadMeter
from echocli.runtime.stats import percentile

INFERENCES = 1000
"""Inferences the averages and percentiles are over, the newest."""

ERRORS = 10
"""Errors of a provider that are kept, the newest; all are counted."""

ALERTS = 20
"""Alerts that are kept, the newest."""

WAIT_BOUNDS = (1, 5, 10, 50, 100, 500, 1000, 5000, 30_000)
"""Upper bounds of the histogram of waits, in milliseconds; ``inf`` is above."""

WAIT_BUCKETS = (*map(str, WAIT_BOUNDS), "inf")
"""Names of the histogram's counts."""

_RESIDENT = (State.WARMING_UP, State.READY)


@dataclass(slots=True)
class ProviderFigures:
    """What is known about one model of one provider."""

    provider: str | None = None
    model: str | None = None
    revision: str | None = None
    sha256: str | None = None
    device: str | None = None
    compute_type: str | None = None
    state: State = State.UNINITIALIZED
    load_ms: float | None = None
    warmup_ms: float | None = None
    busy: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds by source, like ``audio``."""
    audio: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    meter: LoadMeter = field(default_factory=LoadMeter)
    infer_ms: deque[float] = field(default_factory=lambda: deque(maxlen=INFERENCES))
    finals: int = 0
    waits: Counter[str] = field(default_factory=Counter)
    errors: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=ERRORS))
    error_count: int = 0
    errors_in_a_row: int = 0
    restarts: int = 0
    worker_mb: float | None = None
    gpu_mb: float | None = None

    @property
    def realtime_factor(self) -> float | None:
        """Busy ÷ audio of each source, summed up as :class:`LoadMeter` does."""
        shares = [self.busy[name] / audio for name, audio in self.audio.items() if audio > 0]
        return sum(shares) if shares else None

    def figures(self, now: float) -> dict[str, Any]:
        """Return what belongs to the provider."""
        times, ordered = self.infer_ms, sorted(self.infer_ms)
        return {
            "provider": self.provider,
            "model": self.model,
            "model_revision": self.revision,
            "model_sha256": self.sha256,
            "device": self.device,
            "compute_type": self.compute_type,
            "state": str(self.state),
            "realtime_factor": self.realtime_factor,
            "rtf_avg_10s": self.meter.average(now, 10.0),
            "rtf_avg_60s": self.meter.average(now, 60.0),
            "avg_infer_ms": sum(times) / len(times) if times else None,
            "p50_infer_ms": percentile(ordered, 0.5),
            "p95_infer_ms": percentile(ordered, 0.95),
            "p99_infer_ms": percentile(ordered, 0.99),
            "restarts": self.restarts,
            "consecutive_errors": self.errors_in_a_row,
            "errors": list(self.errors),
            "model_resident": self.state in _RESIDENT,
            "memory_usage_mb": self.worker_mb,
            "gpu_memory_mb": self.gpu_mb,
            "inference_lock_wait_ms": {name: self.waits[name] for name in WAIT_BUCKETS},
            "model_load_time_ms": self.load_ms,
            "model_warmup_time_ms": self.warmup_ms,
        }


@dataclass(slots=True)
class SessionFigures:
    """What is known about the session, whoever serves."""

    level: str | None = None
    backlog: float | None = None
    depth: int | None = None
    dropped_chunks: int = 0
    dropped_seconds: float = 0.0
    spooled_seconds: float = 0.0
    parent_mb: float | None = None
    speech_ratio: float | None = None
    vad_skipped: int | None = None
    alerts: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=ALERTS))

    def figures(self) -> dict[str, Any]:
        """Return what belongs to the session."""
        return {
            "degrade_level": self.level,
            "backlog_estimate": self.backlog,
            "queue_depth": self.depth,
            "dropped_chunks": self.dropped_chunks,
            "dropped_seconds": self.dropped_seconds,
            "spooled_seconds": self.spooled_seconds,
            "parent_memory_mb": self.parent_mb,
            "vad_speech_ratio": self.speech_ratio,
            "vad_skipped_chunks": self.vad_skipped,
            "alerts": list(self.alerts),
        }
