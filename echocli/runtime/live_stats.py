"""The latencies of a live source, counted where they arise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from echocli.runtime.stats import MOST, RunStats, percentile
from echocli.types import SAMPLE_RATE

if TYPE_CHECKING:
    from echocli.runtime.ear import Ear
    from echocli.runtime.live_session import LiveSession


def spread(milliseconds: Sequence[float]) -> dict[str, Any]:
    """Return count, mean and percentiles of some times."""
    mean = sum(milliseconds) / len(milliseconds) if milliseconds else None
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    found = {name: percentile(milliseconds, share) for name, share in shares.items()}
    rounded = {k: None if v is None else round(v, 1) for k, v in {"mean": mean, **found}.items()}
    return {"count": len(milliseconds), **rounded}


@dataclass(slots=True)
class Latencies:
    """What a listener waited for, each in milliseconds.

    Time is that of the source: how far it had come when something was shown, less where the words
    are. Bounded: the newest :data:`MOST` of each are kept.
    """

    hangover: list[float] = field(default_factory=list)
    """From the end of speech until that was known."""
    finalising: list[float] = field(default_factory=list)
    """From then until the final."""
    first_partial: list[float] = field(default_factory=list)
    """From the start of speech until the first text."""
    commit: list[float] = field(default_factory=list)
    """From the end of a word until it was committed, or final where it never was."""
    words: int = 0
    """Words of finals."""
    committed: int = 0
    """Words among them that were committed before."""

    def note(self, kind: list[float], samples: float) -> None:
        """Add a time that is known in samples."""
        kind.append(max(0.0, samples) * 1000 / SAMPLE_RATE)
        del kind[:-MOST]

    @property
    def last(self) -> float | None:
        """From the end of speech to the newest final."""
        return self.hangover[-1] + self.finalising[-1] if self.finalising else None

    def add(self, other: Latencies) -> None:
        """Take over those of another source."""
        for name in ("hangover", "finalising", "first_partial", "commit"):
            getattr(self, name).extend(getattr(other, name))
        self.words += other.words
        self.committed += other.committed

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        pairs = zip(self.hangover, self.finalising, strict=True)
        return {
            "ttfs_ms": spread([waited + worked for waited, worked in pairs]),
            "hangover_ms": spread(self.hangover),
            "finalising_ms": spread(self.finalising),
            "first_partial_ms": spread(self.first_partial),
            "commit_ms": spread(self.commit),
            "committed_share": round(self.committed / self.words, 4) if self.words else None,
        }


def live_stats(
    stats: RunStats, ears: Sequence[Ear], session: LiveSession, *, in_real_time: bool
) -> None:
    """Fill in the figures of a live run; latencies mean something ``in_real_time`` only."""
    backfilling = session.backfilling
    sources = [ear.source for ear in ears]
    latencies = Latencies()
    for source in sources:
        latencies.add(source.latencies)
    stats.audio_seconds = max(source.position for source in sources) / SAMPLE_RATE
    stats.speech_seconds = sum(source.speech_samples for source in sources) / SAMPLE_RATE
    lost = sum(source.lost_samples for source in sources) + backfilling.discarded_samples
    stats.lost_seconds = (lost + backfilling.waiting_samples) / SAMPLE_RATE
    stats.guards += session.actions
    stats.vad_failures = sum(ear.failures for ear in ears)
    stats.live = {
        "finals": sum(source.finals for source in sources),
        "partials": sum(source.partials for source in sources),
        **backfilling.stats(),
        "partials_skipped": sum(source.pace.skipped for source in sources),
        **(latencies.to_dict() if in_real_time else {}),
    }
