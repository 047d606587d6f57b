"""Where a conversation meets the sessions: what one needs of the other, and what it wants sent.

A conversation is the protocol of one connection without the connection: it is fed what arrived and
says what is to be sent. A seat is one session as one connection sees it. Neither waits, reads a
clock or knows of sockets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from echocli.errors import EchoError
from echocli.wire.codes import CLOSES, FRAME_SECONDS, MAX_FRAME, RETRYABLE, Code
from echocli.wire.codes import Close as CloseCode
from echocli.wire.messages import Metrics, Numbered, Ready, Refusal, Start

LONGEST = 300
"""Characters of the message of an error: some repeat what a client has sent."""

PUMP_SECONDS = 0.25
"""How often a conversation wants to be pumped at least."""


class Refused(EchoError):
    """A session cannot be opened or resumed.

    ``retry_after`` is in seconds; ``close`` is the close code, that of the ``code`` unless given.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        retry_after: float | None = None,
        close: CloseCode | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
        self.close = CLOSES[code] if close is None else close


def refusal(code: Code, message: str, retry_after: float | None = None) -> Refusal:
    """Return the ``error`` message of a code."""
    return Refusal(code, message[:LONGEST], code in RETRYABLE, retry_after)


class Seat(Protocol):
    """One session as one connection sees it; every method is quick.

    Positions are samples at the session's rate.
    """

    @property
    def session(self) -> str:
        """Name of the session."""
        ...

    @property
    def token(self) -> str:
        """What a resume has to show."""
        ...

    @property
    def start(self) -> Start:
        """How the session was begun; a resumed one does not say it again."""
        ...

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, as ``start`` has them."""
        ...

    @property
    def received(self) -> Mapping[str, int]:
        """Up to where the sound of each source is here, or a gap."""
        ...

    @property
    def final(self) -> Mapping[str, int]:
        """Before where everything is final; what says so is in :meth:`since` already."""
        ...

    @property
    def ready(self) -> Ready | None:
        """The message, once the model is warm."""
        ...

    @property
    def fill(self) -> float:
        """Share of the input buffer that is in use; above 1 where more came than it should hold."""
        ...

    @property
    def over(self) -> bool:
        """Whether nothing more will come: ``end`` is in :meth:`since`, or there is a failure."""
        ...

    @property
    def failure(self) -> Refusal | None:
        """Why the session broke off."""
        ...

    @property
    def taken_over(self) -> bool:
        """Whether another connection has the session now."""
        ...

    def feed(self, source: int, index: int, payload: bytes) -> None:
        """Take sound, as on the wire; ``source`` is its index in :attr:`sources`.

        What is there already is passed over, and a position beyond what is expected is a gap. After
        :meth:`finish` everything is passed over.
        """
        ...

    def finish(self, *, catch_up: bool) -> None:
        """Take no more sound and decode what is left; saying it twice is the same."""
        ...

    def since(self, seq: int) -> list[Numbered]:
        """Return the numbered messages after ``seq``, in order."""
        ...

    def partials(self) -> list[Numbered]:
        """Return the newest partial of each source that was not asked for yet."""
        ...

    def seen(self, seq: int) -> None:
        """Forget the numbered messages up to ``seq``."""
        ...

    def metrics(self) -> Metrics:
        """Return how the session is doing."""
        ...

    def detach(self) -> None:
        """Say that the connection is gone; the session is kept for a while."""
        ...


class Desk(Protocol):
    """Where seats are given."""

    def open(self, start: Start) -> Seat:
        """Begin a session; raises :class:`Refused`."""
        ...

    def resume(self, session: str, token: str, seq: int) -> Seat:
        """Take a session away from an older connection; raises :class:`Refused`.

        ``seq`` is the last numbered message that the client has; the ones after it are still there.
        """
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What a conversation allows; times in seconds."""

    start_seconds: float = 10.0
    """Until the first message."""
    frame_bytes: int = MAX_FRAME
    """Bytes of sound in a frame."""
    frame_seconds: float = FRAME_SECONDS
    """Sound in a frame."""
    gap_seconds: float = 86_400.0
    """Sound that may be missing between two frames."""
    keep_seconds: float = 60.0
    """How long a session without a connection is kept; told to the client, kept by the sessions."""
    idle_seconds: float = 60.0
    """How long a session may be without sound; likewise."""
    session_seconds: float = 14_400.0
    """How long a session may last; likewise."""

    def told(self) -> dict[str, float]:
        """Return what ``accepted`` says of them."""
        names = ("frame_bytes", "frame_seconds", "keep_seconds", "idle_seconds", "session_seconds")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Send:
    """Send a text or binary message."""

    data: str | bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection; nothing follows."""

    code: int
    reason: str = ""
    """At most 123 bytes of UTF-8 (RFC 6455, section 5.5)."""


Action: TypeAlias = Send | Close
