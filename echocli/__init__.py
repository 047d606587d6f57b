"""EchoCLI: speech to text on this machine, that keeps its word under load.

``from echocli import transcribe, Transcriber, live``: see ``docs/guides/python.md``.
"""

from __future__ import annotations

TYPE_CHECKING = False  # that of `typing`, which takes longer to load than all that is here

if TYPE_CHECKING:
    from typing import Any

    from echocli.api.listener import Listener
    from echocli.api.live import LiveSession, live
    from echocli.api.saving import render, save
    from echocli.api.transcriber import Result, Transcriber, transcribe
    from echocli.errors import EchoError
    from echocli.events import (
        Backfill,
        End,
        Event,
        Failover,
        Final,
        Gap,
        Level,
        Meter,
        Notice,
        Partial,
        Progress,
        Ready,
        SpeechEnded,
        SpeechStarted,
        StatsEvent,
    )
    from echocli.remote.session import RemoteSession
    from echocli.types import Segment, Transcript, Word

__version__ = "0.1.0"

__all__ = [
    "Backfill",
    "EchoError",
    "End",
    "Event",
    "Failover",
    "Final",
    "Gap",
    "Level",
    "Listener",
    "LiveSession",
    "Meter",
    "Notice",
    "Partial",
    "Progress",
    "Ready",
    "RemoteSession",
    "Result",
    "Segment",
    "SpeechEnded",
    "SpeechStarted",
    "StatsEvent",
    "Transcriber",
    "Transcript",
    "Word",
    "__version__",
    "live",
    "render",
    "save",
    "transcribe",
]

_HOMES = {
    "Backfill": "echocli.events",
    "EchoError": "echocli.errors",
    "End": "echocli.events",
    "Event": "echocli.events",
    "Failover": "echocli.events",
    "Final": "echocli.events",
    "Gap": "echocli.events",
    "Level": "echocli.events",
    "Listener": "echocli.api.listener",
    "LiveSession": "echocli.api.live",
    "Meter": "echocli.events",
    "Notice": "echocli.events",
    "Partial": "echocli.events",
    "Progress": "echocli.events",
    "Ready": "echocli.events",
    "RemoteSession": "echocli.remote.session",
    "Result": "echocli.api.transcriber",
    "Segment": "echocli.types",
    "SpeechEnded": "echocli.events",
    "SpeechStarted": "echocli.events",
    "StatsEvent": "echocli.events",
    "Transcriber": "echocli.api.transcriber",
    "Transcript": "echocli.types",
    "Word": "echocli.types",
    "live": "echocli.api.live",
    "render": "echocli.api.saving",
    "save": "echocli.api.saving",
    "transcribe": "echocli.api.transcriber",
}
"""Public name → the module it is imported from when it is first asked for."""


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'echocli' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
