"""What parent and worker say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from echocli.providers.base import DecodeOptions, Hypothesis, LoadReport, LoadSpec, Window


@dataclass(frozen=True, slots=True)
class Load:
    """Load a model; the first message of every worker."""

    spec: LoadSpec


@dataclass(frozen=True, slots=True)
class Decode:
    """Decode these windows; answered by one :class:`Decoded` or :class:`Failed` of the same id."""

    id: int
    windows: tuple[Window, ...]
    options: DecodeOptions


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model is loaded."""

    report: LoadReport
    rss_bytes: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """The hypotheses of a request in the order of its windows."""

    id: int
    hypotheses: tuple[Hypothesis, ...]
    busy_ms: float
    rss_bytes: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Loading (``id`` is ``None``) or a request failed, and the worker lives on."""

    id: int | None
    error: Exception


Request: TypeAlias = Load | Decode
Reply: TypeAlias = Loaded | Decoded | Failed
