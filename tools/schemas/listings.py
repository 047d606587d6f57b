"""What ``models``, ``providers`` and ``devices`` print with ``--json``."""

from __future__ import annotations

from typing import Literal, TypedDict

from echocli.models.verify import Outcome
from tools.schemas.shapes import Count


class ModelCopy(TypedDict):
    """One copy of a model on this machine."""

    name: str
    """Its name, such as `tiny.en`."""
    format: str
    """`ct2` or `ggml`."""
    quantisation: str
    """What the file holds where that is known, such as `q5_0`; else empty."""
    bytes: Count
    """Size of the weights."""
    origin: Literal["path", "model-dir", "store", "package", "cache", "folder"]
    """Where it was found."""
    path: str
    """The directory or file."""
    verified: Literal["yes", "no", "stale", "recorded", "unknown"]
    """Whether the bytes are those that were published. `stale`: made from weights that have changed
    since; `recorded`: as it came from an address without a digest; `unknown`: nobody recorded what
    they must be."""
    revision: str | None
    """Revision of the weights; null where nobody knows."""
    sha256: str | None
    """SHA-256 of the file of weights, where it was recorded or computed."""
    providers: list[str]
    """Providers that are available and can run it."""
    recommended: bool
    """Whether it is the model that suits this machine."""


class CatalogueModel(TypedDict):
    """A model that is not here."""

    name: str
    """Its name."""
    languages: str
    """What it understands, in words."""
    parameters_millions: Count
    """How big it is."""
    ct2_mb: Count | None
    """Download for CTranslate2, in MB of 10⁶ bytes."""
    ggml_mb: Count | None
    """Download for whisper.cpp, in MB of 10⁶ bytes."""
    memory_gb: Count
    """Memory it needs."""
    install: str
    """Command that brings it."""


class Unfinished(TypedDict):
    """What has come, or was written, of a model."""

    name: str
    """Its name."""
    format: str
    """`ct2` or `ggml`."""
    bytes: Count
    """What is there so far."""
    path: str
    """Where it lies."""


class Models(TypedDict):
    """What `models list` says."""

    models: list[ModelCopy]
    """The copies that are here; of several of a model the first is used."""
    available: list[CatalogueModel]
    """With `--all`, the others there are."""
    unfinished: list[Unfinished]
    """What has come of others."""
    recommended: str
    """The model that suits this machine."""
    used: str | None
    """The one that is used instead while it is not here; null if there is none."""


class VerifiedFile(TypedDict):
    """A file of a model and what a check says about it."""

    file: str
    """Where it lies."""
    outcome: Outcome
    """Whether it is what was published. `recorded`: it is as it came from an address; `unknown`:
    nobody recorded what it must be."""
    expected: str | None
    """The digest or size it must have; null where nobody recorded it."""
    found: str | None
    """What it has, where that was looked at."""


class VerifiedModel(TypedDict):
    """A copy of a model and what a check says about it."""

    name: str
    """Its name."""
    format: str
    """`ct2` or `ggml`."""
    path: str
    """The directory or file."""
    outcome: Outcome
    """The worst of its files."""
    files: list[VerifiedFile]
    """Its files."""


class Verification(TypedDict):
    """What `models verify` says; a damaged model is exit code 4 besides."""

    models: list[VerifiedModel]
    """The copies that were checked."""


class ModelPlace(TypedDict):
    """What `models path` says."""

    model: str
    """The model as it was named."""
    path: str
    """The directory or file."""


class UpdatedModel(TypedDict):
    """A model that came from the hub."""

    name: str
    """Its name."""
    format: str
    """`ct2` or `ggml`."""
    current: str | None
    """The revision that was here; null where it is the newest."""
    newest: str | None
    """The newest revision; null where that is here."""
    updated: bool
    """Whether it was replaced."""


class Updates(TypedDict):
    """What `models update` says."""

    models: list[UpdatedModel]
    """The models that were looked up; one that could not be is an error besides."""


class ProviderRow(TypedDict):
    """A provider, as far as it can be known without its library."""

    name: str
    """Its name."""
    summary: str
    """What it is."""
    built_in: bool
    """Whether it comes with EchoCLI."""
    available: bool
    """Whether it could run here."""
    reason: str
    """Why it could not; else empty."""
    hint: str
    """What to do about it; else empty."""
    install: str
    """Command that installs its library; else empty."""
    devices: list[str]
    """Devices it can use."""
    live_devices: list[str] | None
    """Devices on which it keeps up with speech; null where it could not be loaded."""
    model_formats: list[str]
    """Formats of weights it takes."""
    models: list[str]
    """Installed models it can run."""
    word_timestamps: bool | None
    """Whether it times words."""
    native_streaming: bool | None
    """Whether it streams by itself."""
    experimental: bool | None
    """Whether it is only used when asked for."""


class Providers(TypedDict):
    """What `providers` says."""

    providers: list[ProviderRow]
    """Every provider, those that come with EchoCLI first."""


class Device(TypedDict):
    """An audio input."""

    index: int
    """Its number, for `--input-device`."""
    name: str
    """Its name, for `--input-device`."""
    channels: Count
    """Channels it has."""
    rate: Count
    """Its own samples per second."""
    kind: str
    """`mic`, or `system` where it carries what the computer plays."""
    default: bool
    """Whether it is used where none is named."""
    interface: str
    """What it is reached through, such as `ALSA`."""


class Devices(TypedDict):
    """What `devices` says."""

    devices: list[Device]
    """The audio inputs."""
