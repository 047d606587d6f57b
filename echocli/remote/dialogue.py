"""What is said to the server and what it answers, on one connection after the other.

No part of it decides when to connect, or whether: that is :class:`~echocli.remote.core.Core`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from echocli.events import End, Ready, SpeechEnded, StatsEvent
from echocli.remote import telling
from echocli.remote.actions import Action, HangUp, Phase, Send
from echocli.remote.course import Course
from echocli.remote.outbox import Outbox
from echocli.remote.policy import GiveUp, Loss, Policy
from echocli.remote.spool import Spool
from echocli.remote.story import Story
from echocli.types import SAMPLE_RATE
from echocli.vad.turns import Reason
from echocli.wire import messages
from echocli.wire.codes import FRESH_START, Close, Code, Malformed
from echocli.wire.messages import (
    Accepted,
    Ack,
    Backpressure,
    Metrics,
    Numbered,
    Refusal,
    parse_server,
    to_text,
)

GREETING = 15.0
"""Seconds within which a session must be accepted."""

IDLE = 2.0
"""Seconds that a connection lasts at least before it can be closed for want of sound."""

TOGETHER = 1.0
"""Seconds to wait until all sources have begun, so that none begins with a gap."""


@dataclass(slots=True)
class Line:
    """What has come to pass on one connection; times are of the clock."""

    opened: float
    heard: float = field(init=False)
    """When the last message came."""
    progress: float = field(init=False)
    """When the server last got further, or had nothing to do."""
    told: float = field(init=False)
    """When it was last told what was seen."""
    greeted: bool = False
    """Whether the first message is out."""
    finished: bool = False
    """Whether the last one is."""
    pressed: bool = False
    """Whether the server wants no more for now."""
    warm: bool = False
    """Whether its model is."""
    refusal: Refusal | None = None
    """What the server said was wrong before the end."""
    breach: str | None = None
    """How the server broke the protocol."""

    def __post_init__(self) -> None:
        self.heard = self.progress = self.told = self.opened


class Dialogue:
    """Follow what is said about one session; ``names`` are its sources."""

    def __init__(
        self,
        names: Sequence[str],
        host: str,
        policy: Policy,
        spool: Spool,
        *,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.phase = Phase.WAITING
        self.courses = [
            Course(name, f"source{place}", Outbox(name, spool)) for place, name in enumerate(names)
        ]
        self.story = Story(self.courses)
        self.served: messages.Ready | None = None
        """Who serves there, once that is known."""
        self.metrics: Metrics | None = None
        self.failure: GiveUp | None = None
        """Why there is no connection any more."""
        self.connections = 0
        """How often a session was accepted."""
        self.away_since: float | None = None
        """Since when there is no session, after the first failure."""
        self.held = False
        """Whether somebody else decodes, so that a connection has to wait."""
        self._host = host
        self._policy = policy
        self._spool = spool
        self._options = options or {}
        self._actions: list[Action] = []
        self._session: Accepted | None = None
        self._line = Line(0.0)
        self._anew = False
        """Whether the session is to begin anew instead of being resumed."""
        self._due = 0.0
        """When to connect, or by when an answer must have come."""
        self._seen_told = 0
        self._ending = False
        """Whether the server was told on this session that no more sound comes."""
        self._slept_at: int | None = None
        """How much was captured when the server closed because no sound came."""
        self._stopping, self._catch_up = False, True
        self._deadline: float | None = None
        """When to wait no longer: for a connection that is needed only to end, or for that end."""

    @property
    def waiting(self) -> float:
        """Seconds of sound without a text, silence among them."""
        return sum(course.waiting for course in self.courses) / SAMPLE_RATE

    def received(self, data: str | bytes, now: float) -> None:
        """Take a message; a server of this version sends no binary ones."""
        self._line.heard = now
        if isinstance(data, bytes) or self._line.breach is not None or self.phase is Phase.LOST:
            return
        try:
            self._take(parse_server(data), now)
        except Malformed as error:
            self._line.breach = f"the server is not understood: {error}"
            self._hang_up(self._line.breach)

    def _take(self, message: messages.ServerMessage | None, now: float) -> None:
        match message:
            case Accepted():
                self._accept(message, now)
            case messages.Ready():
                self.served = message
                self._line.warm, self._line.progress = True, now
                self._introduce()
            case Ack():
                self._acknowledge(message, now)
            case Backpressure():
                self._line.pressed = message.active
            case Metrics():
                self.metrics = message
                self.story.measure(message)
            case Refusal():
                self._line.refusal = message
            case Numbered():
                self._tell(message, now)

    def _turn(self, phase: Phase, due: float) -> None:
        self.phase, self._due = phase, due

    def _say(self, message: messages.ClientMessage) -> None:
        self._actions.append(Send(to_text(message)))

    def _hang_up(self, reason: str) -> None:
        self._actions.append(HangUp(reason))

    def _greet(self, now: float) -> None:
        """Resume the session; begin one once all sources are there, so that none has a gap."""
        if self._line.greeted:
            return
        known = None if self._anew else self._session
        together = all(course.begun is not None or course.over for course in self.courses)
        if known is not None:
            self._say(messages.Resume(known.session, known.token, self.story.seen))
        elif together or now - self._line.opened >= TOGETHER:
            self._begin()
        else:
            return
        self._line.greeted = True

    def _begin(self) -> None:
        self._actions += self.story.begin_anew()
        self._session, self._seen_told, self._ending = None, 0, False
        for course in self.courses:
            course.anew()
        self._anew = False
        starts = [messages.SourceStart(one.wire_name, one.settled) for one in self.courses]
        self._say(
            messages.Start(
                SAMPLE_RATE,
                messages.Format.PCM_S16LE,
                1,
                tuple(starts),
                options=self._options,
                first_id=self.story.next_id,
            )
        )

    def _accept(self, accepted: Accepted, now: float) -> None:
        self._check("accepted", accepted)
        self._session = accepted
        for course in self.courses:
            name, settled = course.wire_name, course.settled
            course.accept(accepted.received.get(name, settled), accepted.final.get(name, settled))
        self._turn(Phase.LIVE, now)
        self._line.progress = self._line.told = now
        self.connections += 1
        if self._catch_up:
            self._deadline = None
        if self.away_since is not None:
            self._actions.append(telling.back(self._host, now - self.away_since, self.waiting))
            self.away_since = None

    def _introduce(self) -> None:
        """Say that a source is ready, once there is sound and somebody to decode it."""
        served = self.served
        if served is None:
            return
        who = (served.provider, served.model, served.model_revision, served.model_sha256)
        for course in self.courses:
            if course.begun is not None and not course.told:
                course.told = True
                self._actions.append(Ready(course.name, *who))

    def _check(self, name: str, message: Accepted | Ack) -> None:
        """Refuse to believe that the server has what nobody has sent."""
        for course in self.courses:
            for told in (message.received, message.final):
                if told.get(course.wire_name, 0) > course.outbox.end:
                    raise Malformed(f"{name} tells of sound that was never sent")

    def _acknowledge(self, ack: Ack, now: float) -> None:
        self._check("ack", ack)
        for course in self.courses:
            received = ack.received.get(course.wire_name, 0)
            final = ack.final.get(course.wire_name, 0)
            if received > course.received:
                self._policy.acknowledged()
            if received > course.received or final > course.final:
                self._line.progress = now
            course.received = max(course.received, received)
            course.settle(final)

    def _tell(self, message: Numbered, now: float) -> None:
        self._line.progress = now
        if isinstance(message.event, StatsEvent | End) and not self._ending:
            self._anew = True  # it ends by itself: nothing can be resumed
            return
        event = self.story.take(message)
        if event is not None:
            self._actions.append(event)
        if isinstance(event, SpeechEnded) and event.reason == Reason.END and not self._ending:
            self._actions.append(telling.cut(event.source, event.end))
        if self.story.over:
            self._say(messages.Seen(self.story.seen))
            self._turn(Phase.OVER, now)

    def _explained(self, loss: Loss) -> Loss:
        """Return a loss with what is known of it from before."""
        if self._line.breach is not None:
            return Loss(self._line.breach, foreign=True)
        said = self._line.refusal
        if said is None:
            return loss
        after = loss.retry_after if said.retry_after is None else said.retry_after
        return replace(loss, reason=said.message, retry_after=after, code=said.code)

    def _is_forgotten(self, loss: Loss) -> bool:
        code = self._line.refusal.code if self._line.refusal is not None else None
        return loss.close in FRESH_START or code == Code.UNKNOWN_SESSION

    def _fell_asleep(self, loss: Loss, now: float) -> bool:
        """Tell whether a connection was closed because there was nothing to send.

        One that had hardly begun failed like any other, or a server that closes at once would be
        asked again and again.
        """
        too_long = self._line.refusal is not None and self._line.refusal.code == Code.TOO_LONG
        idle = loss.close == Close.IDLE and not too_long
        quiet = self.phase is Phase.LIVE and all(course.sent for course in self.courses)
        return idle and quiet and now - self._line.opened >= IDLE

    @property
    def _asleep(self) -> bool:
        """Whether there is nothing to connect for until something is captured, or all is over."""
        over = self._stopping or all(course.over for course in self.courses)
        return self._slept_at == self._captured and not over

    @property
    def _captured(self) -> int:
        return sum(course.outbox.end for course in self.courses)
