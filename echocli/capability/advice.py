"""The words of a recommendation, and the rules that need no machine to be stated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from echocli.errors import UsageError
from echocli.events import Notice
from echocli.models import catalog


class Tier(StrEnum):
    """What class of machine this is."""

    ULTRA_LOW = "ultra_low"
    """Less than 4 GB of memory."""
    LOW = "low"
    """4 to 8 GB."""
    MEDIUM = "medium"
    """8 to 16 GB, or up to 32 GB without an accelerator."""
    MEDIUM_GPU = "medium_gpu"
    """8 to 16 GB with Metal or CUDA."""
    HIGH = "high"
    """16 to 32 GB with an accelerator, or more without."""
    ULTRA = "ultra"
    """32 GB or more with an accelerator."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the user wants otherwise; ``None`` leaves it to the recommendation."""

    provider: str | None = None
    model: str | None = None
    device: str | None = None
    compute_type: str | None = None
    chunk_seconds: float | None = None
    vad: bool | None = None
    threads: int | None = None
    """Cores to use."""
    language: str | None = None
    """Language code."""
    experimental: bool = False
    """Whether providers may be chosen that are experimental."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """What to run when the recommendation fails: one size down, on the processor."""

    provider: str
    model: str
    device: str
    compute_type: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What suits the machine, with the user's wishes applied."""

    tier: Tier
    provider: str
    model: str
    """The ideal model; it need not be installed."""
    device: str
    """``cpu``, ``cuda``, ``cuda:N`` or ``metal``."""
    compute_type: str
    chunk_seconds: float
    vad: bool
    slots: int
    """Windows decoded side by side."""
    threads: int
    """Threads of each slot."""
    reason: str
    fallback: Fallback
    usable_model: str | None
    """What to run now: the model, else the best installed one; ``None`` if there is none."""
    installed: bool
    """Whether :attr:`model` itself is here."""
    run_to_install: str | None
    """Command that brings :attr:`model`, if it is not here."""
    notices: tuple[Notice, ...] = ()


def tier_of(memory_gb: int, *, accelerated: bool) -> Tier:
    """Return the tier of a machine with this much memory (GB)."""
    if memory_gb < 4:
        return Tier.ULTRA_LOW
    if memory_gb < 8:
        return Tier.LOW
    if memory_gb < 16:
        return Tier.MEDIUM_GPU if accelerated else Tier.MEDIUM
    if memory_gb < 32:
        return Tier.HIGH if accelerated else Tier.MEDIUM
    return Tier.ULTRA if accelerated else Tier.HIGH


def parallelism(cores: int) -> tuple[int, int]:
    """Return ``(slots, threads)`` for this many physical cores; their product never exceeds it.

    Slots come first: two workers of one thread decode Whisper at nearly twice the speed of one
    worker of two, at identical text. Up to four cores each is a slot; then threads grow to four a
    slot, past which Whisper's small matrices gain nothing; then slots again, up to eight.
    """
    cores = max(1, cores)
    slots = min(cores, 4) if cores <= 16 else min(cores // 4, 8)
    return slots, min(cores // slots, 4)


def parse_device(text: str) -> str:
    """Return a device in our spelling; raise ``UsageError`` for one that does not exist."""
    word = text.strip().lower()
    if word == "mps":
        return "metal"
    if word in ("auto", "cpu", "metal") or re.fullmatch(r"cuda(:\d+)?", word):
        return word
    raise UsageError(
        f"unknown device '{text}'", hint="valid: auto, cpu, cuda, cuda:N, metal (mps is the same)"
    )


ALONE = ("voxtral",)
"""Providers that decode one window at a time: an instance serves one, and a second takes as much
memory again."""


def parallelism_of(provider: str, device: str, cores: int) -> tuple[int, int]:
    """Return ``(slots, threads)`` of a provider on a device; a GPU is one slot."""
    if provider in ALONE or kind_of(device) != "cpu":
        return 1, min(max(1, cores), 4)
    return parallelism(cores)


def normalised(wishes: Overrides) -> Overrides:
    """Turn the words that mean "choose for me" into ``None``, and aliases into names."""
    device = parse_device(wishes.device) if wishes.device else None
    return Overrides(
        provider=_unless_auto(wishes.provider),
        model=catalog.canonical(model) if (model := _unless_auto(wishes.model)) else None,
        device=_unless_auto(device),
        compute_type=_unless_auto(wishes.compute_type),
        chunk_seconds=wishes.chunk_seconds,
        vad=wishes.vad,
        threads=wishes.threads,
        language=_unless_auto(wishes.language),
        experimental=wishes.experimental,
    )


def kind_of(device: str) -> str:
    """Return a device without its number: ``cuda:1`` is ``cuda``."""
    return device.partition(":")[0]


def _unless_auto(word: str | None) -> str | None:
    return None if word in (None, "", "auto", "default") else word
