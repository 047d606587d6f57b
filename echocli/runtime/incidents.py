"""What happens to a model while it serves, for the record; texts are what libraries say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from echocli.providers.base import LoadSpec


class What(StrEnum):
    """A kind of incident."""

    LOADED = "loaded"
    """It is loaded and warm."""
    NOT_LOADED = "not_loaded"
    """It could not be loaded."""
    FAILED = "failed"
    """A request failed: its worker died or hung, or the library raised."""
    RESTARTED = "restarted"
    """Its worker was replaced."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened to the model of ``spec``; times in milliseconds."""

    spec: LoadSpec
    what: What
    text: str = ""
    load_ms: float = 0.0
    warmup_ms: float | None = None
    device: str = ""
    compute_type: str = ""
    rss_bytes: int = 0
    """Memory of the worker when it was warm."""
