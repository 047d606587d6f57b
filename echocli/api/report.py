"""What ``detect`` finds, as values and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from echocli.capability.measure_predict import Prediction
from echocli.capability.profile import Profile
from echocli.capability.tiers import Recommendation
from echocli.config import Setting
from echocli.models.store import Found


@dataclass(frozen=True, slots=True)
class ProviderState:
    """Whether a provider could run here."""

    name: str
    available: bool
    devices: tuple[str, ...]
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """What this machine was measured to do, and how it was run."""

    cached: bool
    """Whether it was made by an earlier run."""
    provider: str
    device: str
    compute_type: str
    slots: int
    threads: int
    chunk_seconds: float
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything ``detect`` says."""

    profile: Profile
    recommendation: Recommendation
    models: list[Found]
    providers: list[ProviderState]
    overrides: Mapping[str, Setting]
    measurement_key: str
    """What a measurement is kept under for this machine and way of running."""
    measurement: Measurement | None = None


def as_object(report: Report) -> dict[str, Any]:
    """Return the report as JSON-ready values; see ``docs/reference/json.md``."""
    recommendation = asdict(report.recommendation)
    notices = recommendation.pop("notices")
    profile = asdict(report.profile)
    profile.pop("notices")
    return {
        "tier": recommendation.pop("tier"),
        "recommendation": recommendation,
        "profile": {**profile, "memory_gb": report.profile.memory_gb},
        "models": [{**asdict(found), "path": str(found.path)} for found in report.models],
        "providers": [asdict(state) for state in report.providers],
        "overrides": {key: asdict(setting) for key, setting in report.overrides.items()},
        "notices": notices,
        "measurement": asdict(report.measurement) if report.measurement else None,
    }
