"""Live sessions of a server without its sockets: a model, a desk, and a client that is patient."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from echocli.api.hosting import Hosting, hosting
from echocli.api.listener import Logging
from echocli.api.wishes import choose
from echocli.clock import Clock, SystemClock
from echocli.environment import Environment
from echocli.events import Event, Final
from echocli.server.desk import Seat
from echocli.server.sessions import SessionLimits, Sessions
from echocli.wire.messages import Format, SourceStart, Start

RATE = 16_000

CHUNK = 1600
"""Samples of a frame: 0.1 s."""


@contextmanager
def scripted(folder: Path, **script: Any) -> Iterator[Hosting]:
    """Host the provider that plays a script."""
    path = folder / "script.json"
    path.write_text(json.dumps({"texts": ["one", "two", "three"], **script}), encoding="utf-8")
    with hosted(folder, provider="scripted", model=str(path), fallback="none") as found:
        yield found


@contextmanager
def hosted(folder: Path, **wishes: Any) -> Iterator[Hosting]:
    """Host a model, with nobody's settings."""
    environment = Environment(
        environ={
            "ECHOCLI_CONFIG_DIR": str(folder / "config"),
            "ECHOCLI_DATA_DIR": str(folder / "data"),
            "TMPDIR": str(folder),
        }
    )
    chosen = choose({"offline": True, **wishes}, environment, config=False, profile=None)
    with hosting(chosen, environment, Logging()) as found:
        yield found


@contextmanager
def desk(
    host: Hosting, limits: SessionLimits | None = None, clock: Clock | None = None
) -> Iterator[Sessions]:
    """Give seats, and let go of them at the end."""
    sessions = Sessions(host, limits or SessionLimits(), clock or SystemClock())
    try:
        yield sessions
    finally:
        sessions.close()


def start(*names: str, **changed: Any) -> Start:
    """Return how a session is begun; ``mic`` is the source unless there are others."""
    sources = tuple(SourceStart(name) for name in names or ("mic",))
    values: dict[str, Any] = {
        "sample_rate": RATE,
        "format": Format.PCM_S16LE,
        "channels": 1,
        "sources": sources,
    }
    return Start(**{**values, **changed})


def speech(samples: Path, name: str = "pauses", secs: float | None = None) -> np.ndarray[Any, Any]:
    """Return 16 bit samples of a clip at 16 kHz."""
    found, rate = soundfile.read(samples / f"{name}.flac", dtype="int16")
    assert rate == RATE
    return np.asarray(found if secs is None else found[: round(secs * rate)])


def feed(seat: Seat, sound: np.ndarray[Any, Any], source: int = 0, begin: int = 0) -> None:
    """Send sound in frames, from where it begins."""
    for at in range(0, len(sound), CHUNK):
        seat.feed(source, begin + at, sound[at : at + CHUNK].tobytes())


def events(seat: Seat, seq: int = 0) -> list[Event]:
    """Return what was told."""
    return [one.event for one in seat.since(seq)]


def texts(seat: Seat, seq: int = 0) -> list[str]:
    """Return the texts of the finals."""
    return [one.segment.text.strip() for one in events(seat, seq) if isinstance(one, Final)]
