"""What is known of one source of a session: how much was sent, arrived and has its text."""

from __future__ import annotations

from dataclasses import dataclass, field

from echocli.events import Gap
from echocli.remote.outbox import Outbox
from echocli.remote.pending import Pending
from echocli.remote.spool import WIDTH
from echocli.types import SAMPLE_RATE, Span, to_samples
from echocli.wire.frames import Frame, encode

PIECE = SAMPLE_RATE // 2
"""Samples in a frame at most."""

WINDOW = 10 * SAMPLE_RATE
"""Samples sent ahead of what the server says it has."""

ROUNDING = SAMPLE_RATE // 1000
"""Times in messages have three digits."""


@dataclass(slots=True)
class Course:
    """One source; positions are samples."""

    name: str
    """As the program calls it."""
    wire_name: str
    """As messages call it."""
    outbox: Outbox
    cursor: int = 0
    """What is sent next."""
    stated: int = 0
    """Up to where the server was told of sound, or that there is none."""
    received: int = 0
    """Up to where the server has it."""
    decoded: int = 0
    """Up to where this machine is done with it, while it stands in."""
    final: int = 0
    """Up to where all is text, silence or a stated gap."""
    last_end: int = 0
    """Where the last text ends."""
    pending: Pending = field(default_factory=Pending)
    """What was put aside before it."""
    begun: int | None = None
    """Where its first sample lies, once there is one."""
    over: bool = False
    """Whether no more will be captured."""
    told: bool = False
    """Whether it was said to be ready."""
    sequence: int = 0
    """Number of the next frame."""

    @property
    def settled(self) -> int:
        """Where to begin anew: nothing before it is needed any more.

        While speech is put aside, finals behind it say nothing of what is needed.
        """
        return self.final if self.pending else max(self.final, self.last_end)

    @property
    def waiting(self) -> int:
        """Samples without a text, silence among them."""
        return self.outbox.waiting(self.settled)

    @property
    def sent(self) -> bool:
        """Whether everything there is was sent; a hole is told of with the sound behind it."""
        return self.cursor >= self.outbox.end and not self._ends_in_hole

    @property
    def may_send(self) -> bool:
        """Whether there is something to send, and the server is not too far behind."""
        return not self.sent and self.stated < self.received + WINDOW

    @property
    def awaits(self) -> bool:
        """Whether the server has not got everything there is, or has not said so yet."""
        return not self.sent or self.received < self.stated

    @property
    def _ends_in_hole(self) -> bool:
        """Whether sound is lost at the end, and none will come that would tell."""
        return self.over and self.begun is not None and self.stated < self.outbox.end

    def frame(self, index: int) -> bytes | None:
        """Return the next frame; ``index`` is the place of this source in `start`."""
        at, pcm = self.outbox.read(self.cursor, PIECE)
        self.cursor = at + len(pcm) // WIDTH
        if not pcm and not self._ends_in_hole:
            return None
        self.stated = self.cursor
        self.sequence += 1
        return encode(Frame(index, self.sequence - 1, at, pcm))

    def accept(self, received: int, final: int) -> None:
        """Go on where the server says."""
        self.cursor = self.received = self.stated = received
        self.settle(final)

    def settle(self, position: int) -> None:
        """Let go of the sound before a position."""
        self.final = max(self.final, position)
        self.pending.take(Span(0, self.final))
        self.outbox.forget(self.final)

    def has_text_to(self, position: int) -> None:
        """Take note of a text that ends there; no text is about what was not captured yet."""
        self.last_end = max(self.last_end, min(position, self.outbox.end))

    def anew(self) -> None:
        """Go back to what is settled."""
        self.cursor = self.received = self.stated = self.settled
        self.sequence = 0

    def repeats(self, span: Span) -> bool:
        """Tell whether this stretch was told before: text is there, and was not put aside."""
        return span.end <= self.last_end + ROUNDING and not self.pending.covers(span)

    def precedes(self, gap: Gap) -> bool:
        """Tell whether a gap lies before the first sample there is."""
        return self.begun is not None and to_samples(gap.end) <= self.begun + ROUNDING
