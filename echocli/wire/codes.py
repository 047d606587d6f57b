"""The numbers and words of the protocol: its version, close codes, error codes, bounds."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType

from echocli.errors import EchoError

VERSION = 1
"""Of the protocol; fields and types of messages are only ever added under the same number."""

PATH = "/v1/live"
"""Where the server speaks it."""

MAX_TEXT = 64 * 1024
"""Characters of a message of the client at most."""

MAX_FRAME = 1024 * 1024
"""Bytes of sound in one binary frame at most, its header not counted."""

FRAME_SECONDS = 10
"""Seconds of sound in one binary frame at most."""

MAX_POSITION = 2**53 - 1
"""The highest position, id or number: every reader of JSON has it exactly (RFC 8259, section 6)."""

MAX_SECONDS = 2e12
"""The latest time and the longest wait: more than the highest position at the lowest rate."""

MAX_SOURCES = 4
"""Sources of a session at most."""


class Close(IntEnum):
    """Why a connection was closed: RFC 6455, section 7.4.1, and our own from 4000 on."""

    DONE = 1000
    """Everything was sent."""
    GOING_AWAY = 1001
    """The server ends; resume with the next."""
    PROTOCOL = 1002
    """A message that does not belong here."""
    UNSUPPORTED = 1003
    """A kind of data that is not understood."""
    INVALID = 1007
    """Text that is not UTF-8 or no JSON."""
    POLICY = 1008
    """The token or the origin was refused, or there were too many small messages."""
    TOO_LARGE = 1009
    """A message or frame beyond its bound."""
    INTERNAL = 1011
    """Something failed in the server; resume."""
    TRY_LATER = 1013
    """No room now; ``retry_after`` of the error says when there may be."""
    UNKNOWN_SESSION = 4404
    """The session is not known, or its messages are gone: start anew at what is final."""
    IDLE = 4408
    """No sound for too long, or the session was too long."""
    REPLACED = 4409
    """Another connection took the session over."""


class Code(StrEnum):
    """What an ``error`` message is about; stable."""

    BAD_MESSAGE = "bad_message"
    """A message or frame that cannot be read, or does not belong here."""
    BAD_FORMAT = "bad_format"
    """Sound of a kind that is not taken."""
    UNAUTHORIZED = "unauthorized"
    """The token or the origin was refused."""
    TOO_MANY_SESSIONS = "too_many_sessions"
    """There is no room for another session."""
    UNKNOWN_SESSION = "unknown_session"
    """No such session, the wrong token, or messages that are gone."""
    NOT_READY = "not_ready"
    """The model could not be loaded in time."""
    TOO_LARGE = "too_large"
    """A message or frame beyond its bound."""
    RATE_LIMITED = "rate_limited"
    """Too many connections from this address."""
    IDLE = "idle"
    """No sound, or no first message, for too long."""
    TOO_LONG = "too_long"
    """The session has lasted as long as one may."""
    REPLACED = "replaced"
    """Another connection took the session over."""
    OVERLOADED = "overloaded"
    """More sound came than can be kept."""
    PROVIDER_FAILED = "provider_failed"
    """Every provider has failed."""
    GOING_AWAY = "going_away"
    """The server ends."""
    INTERNAL = "internal"
    """Something failed in the server."""


CLOSES: Mapping[str, Close] = MappingProxyType(
    {
        Code.BAD_MESSAGE: Close.PROTOCOL,
        Code.BAD_FORMAT: Close.UNSUPPORTED,
        Code.UNAUTHORIZED: Close.POLICY,
        Code.TOO_MANY_SESSIONS: Close.TRY_LATER,
        Code.UNKNOWN_SESSION: Close.UNKNOWN_SESSION,
        Code.NOT_READY: Close.TRY_LATER,
        Code.TOO_LARGE: Close.TOO_LARGE,
        Code.RATE_LIMITED: Close.TRY_LATER,
        Code.IDLE: Close.IDLE,
        Code.TOO_LONG: Close.IDLE,
        Code.REPLACED: Close.REPLACED,
        Code.OVERLOADED: Close.TRY_LATER,
        Code.PROVIDER_FAILED: Close.INTERNAL,
        Code.GOING_AWAY: Close.GOING_AWAY,
        Code.INTERNAL: Close.INTERNAL,
    }
)
"""Error code → the close code that follows it, unless another fits better."""

RETRYABLE = frozenset(
    {
        Code.TOO_MANY_SESSIONS,
        Code.UNKNOWN_SESSION,
        Code.NOT_READY,
        Code.RATE_LIMITED,
        Code.IDLE,
        Code.TOO_LONG,
        Code.OVERLOADED,
        Code.PROVIDER_FAILED,
        Code.GOING_AWAY,
        Code.INTERNAL,
    }
)
"""Codes after which connecting again can help."""

FRESH_START = frozenset({Close.UNKNOWN_SESSION, Close.IDLE})
"""Close codes after which there is nothing to resume: start anew at what is final."""


class Malformed(EchoError):
    """A message or frame that the protocol does not know.

    ``code`` is that of the error message, ``close`` the close code that follows it.
    """

    def __init__(
        self, message: str, code: Code = Code.BAD_MESSAGE, close: Close | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.close = CLOSES[code] if close is None else close
