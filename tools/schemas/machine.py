"""What ``detect`` prints with ``--json``."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from echocli.capability.advice import Tier
from echocli.decoding.presets import Preset
from tools.schemas.shapes import Amount, Count, Seconds


class NoticeNote(TypedDict):
    """Something the user should know."""

    code: str
    """What it is, for programs; stable."""
    message: str
    """The same for people."""


class Fallback(TypedDict):
    """What to run when the recommendation fails: one size down, on the processor."""

    provider: str
    """The provider."""
    model: str
    """The model."""
    device: str
    """Where it runs."""
    compute_type: str
    """What it calculates with."""


class Recommendation(TypedDict):
    """What suits the machine, with the wishes of the user applied."""

    provider: str
    """The provider."""
    model: str
    """The ideal model; it need not be installed."""
    device: str
    """`cpu`, `cuda`, `cuda:N` or `metal`."""
    compute_type: str
    """What it calculates with."""
    chunk_seconds: Seconds
    """Interval at which open speech is decoded, at most."""
    vad: bool
    """Whether only speech is decoded."""
    slots: Count
    """Windows decoded side by side."""
    threads: Count
    """Threads of each slot."""
    reason: str
    """Why, in words."""
    fallback: Fallback
    """What to run when this fails."""
    usable_model: str | None
    """What to run now: the model, else the best installed one; null if there is none."""
    installed: bool
    """Whether `model` itself is here."""
    run_to_install: str | None
    """Command that brings `model`; null if it is here."""


class CudaDevice(TypedDict):
    """A GPU that CUDA can use."""

    index: Count
    """Its number, as in `cuda:N`."""
    name: str
    """What its maker calls it."""
    memory: Count | None
    """Its memory in bytes."""
    compute_types: list[str]
    """What it calculates with."""


class Profile(TypedDict):
    """What the machine is; sizes are bytes unless the name says otherwise."""

    system: str
    """The operating system, such as `Linux`."""
    machine: str
    """The architecture, such as `x86_64`."""
    cpu: str
    """Name of the processor, or an empty string."""
    physical_cores: Count
    """Cores of the processors."""
    logical_cores: Count
    """Threads of the processors."""
    allowed_cores: Count
    """Physical cores that affinity and the CPU quota of the container leave."""
    memory_total: Count
    """What the machine has."""
    memory_available: Count | None
    """What is free, or can be made free."""
    memory_allowed: Count
    """The limit of the container, or all there is."""
    cuda: list[CudaDevice]
    """GPUs that CUDA can use."""
    metal: bool
    """Whether there is Metal on Apple silicon."""
    instruction_sets: list[str]
    """Of `avx`, `avx2`, `avx512f`, `fma` and `neon`."""
    memory_gb: Count
    """Allowed memory to the nearest GB: the tier goes by it."""


class FoundModel(TypedDict):
    """A model that is here."""

    name: str
    """Its name, such as `tiny.en`."""
    path: str
    """The directory or file."""
    origin: Literal["path", "model-dir", "store", "package", "cache", "folder"]
    """Where it was found."""
    bytes: Count
    """Size of the weights."""
    format: str
    """`ct2` or `ggml`."""
    quantisation: str
    """What the file holds where that is known, such as `q5_0`; else empty."""


class ProviderState(TypedDict):
    """Whether a provider could run here."""

    name: str
    """Its name."""
    available: bool
    """Whether it could run."""
    devices: list[str]
    """Devices it can use."""
    reason: str
    """Why it could not run; else empty."""
    hint: str
    """What to do about it; else empty."""


class Override(TypedDict):
    """A setting that somebody chose."""

    value: Any
    """Its value."""
    source: str
    """Where it comes from: `flag`, `env NAME`, `config PATH` or the like."""


class Prediction(TypedDict):
    """What a model does here with a preset."""

    model: str
    """The model."""
    preset: Preset
    """The preset."""
    memory_gb: Count
    """Main memory it needs."""
    fits: bool
    """Whether that is there."""
    speed: Amount
    """Seconds of continuous speech decoded in a second, of a long recording."""
    speed_short: Amount
    """The same of a recording that is one window, and so keeps one slot busy."""
    live_load: Amount
    """Time to decode an utterance of 10 s ÷ chunk seconds."""
    live: bool
    """Whether it fits, and that load is below 0.8."""
    installed: bool
    """Whether the model is here."""
    measured: bool
    """Whether a model of this size was run, not only computed from another."""


class Measurement(TypedDict):
    """What this machine was measured to do, and how the models were run."""

    cached: bool
    """Whether it was made by an earlier run."""
    provider: str
    """The provider that was measured."""
    device: str
    """Where it ran."""
    compute_type: str
    """What it calculated with."""
    slots: Count
    """Windows decoded side by side."""
    threads: Count
    """Threads of each slot."""
    chunk_seconds: Seconds
    """Interval at which open speech is decoded."""
    predictions: list[Prediction]
    """What each model does with each preset."""


class Detect(TypedDict):
    """What `detect` says: the machine, and what suits it."""

    tier: Tier
    """Class of the machine."""
    recommendation: Recommendation
    """What suits it."""
    profile: Profile
    """What it is."""
    models: list[FoundModel]
    """The models that are here."""
    providers: list[ProviderState]
    """The providers there are."""
    overrides: dict[str, Override]
    """Setting → what somebody chose."""
    notices: list[NoticeNote]
    """What the user should know."""
    measurement: Measurement | None
    """What was measured; null without `--measure`, now or earlier."""
