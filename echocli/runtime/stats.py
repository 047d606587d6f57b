"""The figures of one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from echocli.events import Event, Failover, Level, Notice
from echocli.providers.base import Hypothesis

if TYPE_CHECKING:
    from echocli.runtime.serving import Serving

MOST = 20_000
"""Figures of one kind that are kept: what a day of live speech leaves must not fill memory."""

SPOKEN = 5.0
"""Seconds of speech from which on it is strange that there is no text."""

LISTENED = 1.0
"""Seconds of sound from which on it is strange that there is no speech."""


def wordless(stats: RunStats, name: str) -> Iterator[Notice]:
    """Yield what is to be said of an input called ``name`` of which no text came."""
    if stats.speech_seconds >= SPOKEN:
        what = f"{stats.speech_seconds:.1f} s sound like speech, but no text came of it"
        yield Notice("no_text", f"{name}: {what}")
    listened = stats.vad_enabled and not stats.vad_failures
    if listened and not stats.speech_seconds and stats.audio_seconds >= LISTENED:
        how = "--vad-threshold 0.3 finds quieter speech, --no-vad decodes everything"
        yield Notice("no_speech", f"{name}: no speech was found; {how}")


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile; ``share`` is 0…1; ``None`` without values."""
    if not values:
        return None
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * round(share * 1000) // 1000))
    return ordered[rank - 1]


@dataclass(slots=True)
class RunStats:
    """What decoding one input took; seconds and milliseconds as the names say.

    ``realtime_factor`` is busy seconds (at least one inference running) ÷ seconds of audio;
    ``speed`` is its inverse. ``first_text_ms`` counts from the moment the run was asked for.
    """

    provider: str = ""
    model: str = ""
    device: str = ""
    compute_type: str = ""
    audio_seconds: float = 0.0
    speech_seconds: float = 0.0
    wall_seconds: float = 0.0
    busy_seconds: float = 0.0
    model_load_time_ms: float = 0.0
    first_text_ms: float | None = None
    windows: int = 0
    vad_enabled: bool = True
    vad_skipped_chunks: int = 0
    """Stretches of silence that were not decoded."""
    vad_failures: int = 0
    worker_restarts: int = 0
    lost_seconds: float = 0.0
    worker_memory_mb: float = 0.0
    guards: Counter[str] = field(default_factory=Counter)
    infer_ms: list[float] = field(default_factory=list)
    """Milliseconds of each inference, the newest :data:`MOST`."""
    level_at_start: str = "NORMAL"
    """Level of the ladder at which it began: that of the input before."""
    levels: list[dict[str, Any]] = field(default_factory=list)
    """Changes of the level since, the newest :data:`MOST`, as :meth:`note_level` says."""
    failovers: list[dict[str, Any]] = field(default_factory=list)
    """Changes of the provider, the newest :data:`MOST`, as :meth:`note_failover` says."""
    health: dict[str, Any] | None = None
    """The record of the provider that served at the end; see :class:`.health.Health`."""
    live: dict[str, Any] | None = None
    """Latencies of a live run."""

    def note_decode(self, milliseconds: float) -> None:
        """Count an inference."""
        self.infer_ms.append(milliseconds)
        del self.infer_ms[:-MOST]

    def count(self, outcomes: Iterable[Hypothesis | object]) -> None:
        """Count the inferences of a request."""
        for outcome in outcomes:
            if isinstance(outcome, Hypothesis):
                self.windows += 1
                self.note_decode(outcome.decode_ms)

    def note(self, event: Event) -> None:
        """Count what is told about the level and about who serves."""
        if isinstance(event, Level):
            self.note_level(event)
        elif isinstance(event, Failover):
            self.note_failover(event)

    def note_level(self, level: Level) -> None:
        """Keep from which second on (``position``) what was done otherwise, and why."""
        names = {"from": level.from_, "to": level.to, "reason": level.reason}
        self.levels.append({"position": level.position, **names, "effects": list(level.effects)})
        del self.levels[:-MOST]

    def note_failover(self, failover: Failover) -> None:
        """Keep who took over from whom and why, and how much was decoded again."""
        names = {"from": failover.from_, "to": failover.to, "reason": failover.reason}
        self.failovers.append({**names, "replayed_seconds": failover.replayed_seconds})
        del self.failovers[:-MOST]

    def describe(self, supervisor: Serving, restarts_before: int) -> None:
        """Take over what the supervisor knows: the model, the device, the worker."""
        spec, report = supervisor.spec, supervisor.report
        self.provider, self.model = spec.provider, spec.model
        self.device = report.device if report else spec.device
        self.compute_type = report.compute_type if report else spec.compute_type
        self.model_load_time_ms = supervisor.load_ms
        self.worker_restarts = supervisor.restarts - restarts_before
        self.worker_memory_mb = supervisor.peak_rss_bytes / 2**20

    @property
    def realtime_factor(self) -> float | None:
        """Busy seconds ÷ audio seconds."""
        return self.busy_seconds / self.audio_seconds if self.audio_seconds else None

    @property
    def saved_seconds(self) -> float:
        """Estimate what leaving silence out saved: it would have cost what speech did cost."""
        if not self.speech_seconds or not self.vad_enabled:
            return 0.0
        silence = max(0.0, self.audio_seconds - self.speech_seconds)
        return self.busy_seconds * silence / self.speech_seconds

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values, derived ones included."""
        values = asdict(self)
        del values["infer_ms"]
        for name in ("live", "health"):
            if values[name] is None:
                del values[name]
        rtf = self.realtime_factor
        values |= {
            "guards": dict(self.guards),
            "realtime_factor": rtf,
            "speed": 1 / rtf if rtf else None,
            "vad_speech_ratio": self.speech_seconds / self.audio_seconds
            if self.audio_seconds
            else None,
            "vad_saved_seconds": self.saved_seconds,
            "avg_infer_ms": sum(self.infer_ms) / len(self.infer_ms) if self.infer_ms else None,
            "p50_infer_ms": percentile(self.infer_ms, 0.5),
            "p95_infer_ms": percentile(self.infer_ms, 0.95),
            "p99_infer_ms": percentile(self.infer_ms, 0.99),
        }
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
