"""What both protocols of live sound share: one connection from its first message to its close."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

from echocli.events import Backfill, Event, Final, Gap, Partial
from echocli.server.desk import Action, Close, Desk, Limits, Refused, Seat, Send, refusal
from echocli.wire.codes import CLOSES, Code, Malformed
from echocli.wire.codes import Close as CloseCode
from echocli.wire.messages import Numbered, Refusal

BATCH = 500
"""Numbered messages that one pump gives at most."""

LEAVING = 100
"""Batches that are given when the server goes away: more than a session keeps."""

EVERY = 1.0
"""Seconds between two messages of figures, and between two acknowledgements of sound alone."""

PRESSED = 0.85
"""Share of the input buffer from which the client is asked to hold back …"""

RELIEVED = 0.70
"""… and below which it need not any more."""

FULL = 1.0
"""Share from which the connection is not read."""

LASTING = (Final, Backfill, Gap)
"""Events after which sound need not be kept: they are acknowledged at once."""


class State(StrEnum):
    """Where a conversation is."""

    WAITING = "waiting"
    """For the first message."""
    STREAMING = "streaming"
    """Sound comes, events go."""
    FINISHING = "finishing"
    """No more sound comes."""
    CLOSED = "closed"
    """Nothing is taken and nothing follows."""


class Talk(ABC):
    """One connection without the connection: what arrives is fed, what is to be sent is taken.

    It never waits and holds at most what one pump gives: numbered messages stay with the seat until
    they are sent. ``now`` is in seconds; only differences mean anything.
    """

    def __init__(self, desk: Desk, limits: Limits, now: float) -> None:
        self.state = State.WAITING
        self.session: str | None = None
        """Name of the session, told when the connection is over."""
        self.failure: str | None = None
        """Why it was broken off."""
        self._desk = desk
        self._limits = limits
        self._began = now
        self._seat: Seat | None = None
        self._sent = 0
        """The last numbered message that was given out."""
        self._finals: dict[str | None, int] = {}
        """Source → its last utterance that is final."""
        self._out: list[Action] = []

    @property
    def paused(self) -> bool:
        """Whether the connection should not be read: the input buffer is full."""
        seat = self._seat
        return seat is not None and self.state is State.STREAMING and seat.fill >= FULL

    def take(self) -> list[Action]:
        """Return what is to be sent now, in order; nothing follows a close."""
        out, self._out = self._out, []
        return out

    def receive(self, data: str | bytes, now: float) -> None:
        """Take a text or binary message of the client."""
        if self.state is not State.CLOSED:
            with self._breaking():
                self._take_message(data, now)

    def pump(self, now: float) -> None:
        """Give out what is new; call it every quarter of a second and when the seat has news."""
        if self.state is not State.CLOSED:
            with self._breaking():
                self._pump(now)

    def lost(self) -> None:
        """Learn that the peer is gone."""
        self._out = []
        self._let_go()

    def leave(self, now: float) -> None:
        """Tell what there is to tell and that the server goes away."""
        if self.state is not State.CLOSED:
            with self._breaking():
                self._leave(now)

    def _pump(self, now: float) -> None:
        seat = self._seat
        if seat is None:
            self._expect_start(now)
        elif seat.taken_over:
            raise Refused(Code.REPLACED, "another connection has taken the session over")
        elif not self._out and self._tell_all(seat, now):
            self._end(seat)

    def _leave(self, now: float) -> None:
        seat = self._seat
        if seat is not None and not seat.taken_over:
            over = self._tell_all(seat, now, most=LEAVING)
            if over and self.state is State.FINISHING:
                self._end(seat)
                return
        raise Refused(Code.GOING_AWAY, "the server ends; what is final was sent")

    def _tell_all(self, seat: Seat, now: float, most: int = 1) -> bool:
        """Put out what is new, ``most`` batches at most, and return whether nothing will follow."""
        over = seat.over  # before the rest is looked at: what came last is there then
        told = any(self._tell(seat, now, over=over) for _ in range(most))
        return told and over

    @abstractmethod
    def _take_message(self, data: str | bytes, now: float) -> None:
        """Take a message; raises ``Malformed`` or ``Refused``."""

    @abstractmethod
    def _tell(self, seat: Seat, now: float, *, over: bool) -> bool:
        """Put out what is new, and return whether that is all there is; ``over``: for good."""

    @abstractmethod
    def _say_error(self, found: Refusal) -> None:
        """Put out that something is wrong."""

    def _end(self, seat: Seat) -> None:
        """Close: everything of the session was put out."""
        if (failure := seat.failure) is not None:
            self._break(failure, CLOSES.get(failure.code, CloseCode.INTERNAL))
        else:
            self._close(CloseCode.DONE)

    def _news(self, seat: Seat) -> tuple[Sequence[Numbered], bool]:
        """Return what is new, numbered first, and whether that is all; raises ``Refused``."""
        # Partials first: whatever they follow is then in what is read after them.
        partials = seat.partials()
        numbered = seat.since(self._sent)
        if numbered and numbered[0].seq != self._sent + 1:
            text = f"messages after {self._sent} are gone: they were not read for too long"
            raise Refused(Code.UNKNOWN_SESSION, text)
        if len(numbered) > BATCH:
            return self._counted(numbered[:BATCH]), False
        told = self._counted(numbered)
        return [*told, *(one for one in partials if not self._is_final(one.event))], True

    def _counted(self, numbered: Sequence[Numbered]) -> Sequence[Numbered]:
        for one in numbered:
            self._sent = one.seq or self._sent
            if isinstance(one.event, Final):
                self._finals[one.event.segment.source] = one.event.segment.id
        return numbered

    def _is_final(self, event: Event) -> bool:
        if not isinstance(event, Partial):
            return False
        return event.segment.id <= self._finals.get(event.segment.source, -1)

    def _expect_start(self, now: float) -> None:
        if now - self._began >= self._limits.start_seconds:
            text = f"no session was begun within {self._limits.start_seconds:g} s"
            raise Refused(Code.IDLE, text)

    def _send(self, data: str) -> None:
        self._out.append(Send(data))

    @contextmanager
    def _breaking(self) -> Iterator[None]:
        """Close the connection where something is wrong."""
        try:
            yield
        except Malformed as error:
            self._break(refusal(error.code, str(error)), error.close)
        except Refused as error:
            self._break(refusal(error.code, str(error), error.retry_after), error.close)

    def _break(self, found: Refusal, close: CloseCode) -> None:
        self.failure = found.code
        self._say_error(found)
        self._close(close, str(found.code))

    def _close(self, close: CloseCode, reason: str = "") -> None:
        self._out.append(Close(int(close), reason))
        self._let_go()

    def _let_go(self) -> None:
        """Be over; who took the session over is not disturbed."""
        self.state = State.CLOSED
        seat, self._seat = self._seat, None
        if seat is None:
            return
        self.session = seat.session
        if not seat.taken_over:
            seat.detach()
