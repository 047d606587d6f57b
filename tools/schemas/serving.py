"""What the server answers about itself."""

from __future__ import annotations

from typing import Literal, TypedDict

from echocli.runtime.lifecycle import State
from tools.schemas.running import Health, LevelName
from tools.schemas.shapes import Amount, Count


class ServerHealth(TypedDict):
    """How the server is, at the moment that was asked."""

    status: Literal["ok", "starting", "resting", "late", "restarting", "error", "stopping"]
    """`ok` with HTTP status 200, anything else with 503. `late`: its process owes an answer for
    longer than expected; that may still come, else the process is replaced."""
    service: Literal["echocli"]
    """Who answers."""
    provider: str
    """The provider that serves, or is about to."""
    model: str
    """Its model."""
    model_ready: bool
    """Whether the model is loaded and warm, and its process alive and answering."""
    model_state: State
    """Where the model is in its life."""
    load_time_ms: Amount | None
    """Milliseconds that loading took; null before."""
    warmup_time_ms: Amount | None
    """Milliseconds that warming up took; null before."""
    reason: str | None
    """Why it is not ready, in words."""


class ModelStatus(TypedDict):
    """How the model is, and how every provider did."""

    model_state: State
    """Where the model is in its life."""
    model_ready: bool
    """Whether it is loaded and warm, and its process alive and answering."""
    provider: str
    """The provider that serves, or is about to."""
    model: str
    """Its model."""
    model_revision: str | None
    """Revision of the weights; null where nobody knows."""
    model_sha256: str | None
    """SHA-256 of the file of weights, where it was recorded or computed."""
    load_time_ms: Amount | None
    """Milliseconds that loading took; null before."""
    warmup_time_ms: Amount | None
    """Milliseconds that warming up took; null before."""
    reason: str | None
    """Why it is not ready, in words."""
    degrade_level: LevelName
    """The level of the ladder."""
    live_sessions: Count
    """Live sessions that go on."""
    requests: Count
    """Files that are being transcribed."""
    providers: list[Health]
    """The record of every provider and model there was."""
