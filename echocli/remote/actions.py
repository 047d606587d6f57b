"""Where a connection stands, and what the core wants to have done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from echocli.events import Event


class Phase(StrEnum):
    """Where the connection stands."""

    WAITING = "waiting"
    """There is none; the next try has its time."""
    CONNECTING = "connecting"
    """One is being made."""
    HELD = "held"
    """One is there, and somebody else decodes: it waits for :meth:`Core.release`."""
    GREETING = "greeting"
    """One is there, and the session is not accepted yet."""
    LIVE = "live"
    """Sound goes out, text comes in."""
    LOST = "lost"
    """There will be none any more; what is captured is kept."""
    OVER = "over"
    """Everything was said."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a connection."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a text message."""

    data: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection; its loss is told like any other."""

    reason: str


Action: TypeAlias = Connect | Send | HangUp | Event
"""What there is to do; an event is to be handed on."""
