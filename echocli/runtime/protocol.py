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
    slowdown: float = 1.0
    """How many times as long everything takes, to simulate load."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Give a sign of life between requests; answered by one :class:`Pong` of the same id."""

    id: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which conditions the worker decoded a request, as the worker knows them."""

    provider: str
    model: str
    beam_size: int
    """Of the first window; foreign languages may have their own."""
    chunk_seconds: float | None


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
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class Pong:
    """The worker is there, and has nothing else to do."""

    id: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Loading (``id`` is ``None``) or a request failed, and the worker lives on."""

    id: int | None
    error: Exception


Request: TypeAlias = Load | Decode | Ping
Reply: TypeAlias = Loaded | Decoded | Pong | Failed
