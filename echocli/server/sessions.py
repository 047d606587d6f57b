"""The live sessions of a server: who may begin one, who may come back, and when they end."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from echocli import log
from echocli.clock import Clock
from echocli.server.capacity import Measured, allowed
from echocli.server.chair import Chair
from echocli.server.desk import Refused, refusal
from echocli.server.patience import Due, SessionLimits, due, kept
from echocli.server.session import Session, Wake, nobody
from echocli.wire.codes import Code
from echocli.wire.messages import Start

if TYPE_CHECKING:
    from echocli.api.hosting import Hosting

__all__ = ["SessionLimits", "Sessions"]

TICK = 0.5
"""Seconds between two looks at the times of the sessions."""

LONGEST_NAME = 64
"""Characters of the name of a session."""

RETRY_AFTER = 10.0
"""Seconds after which there may be room again, as far as nobody knows better."""

FAREWELL = 1.0
"""Seconds connections get to say that the server goes away."""

LAST_WORDS = 0.5
"""Seconds all sessions that are let go get to end their threads."""


class Sessions:
    """Give seats (see :class:`~echocli.server.desk.Desk`), and end what has lasted long enough.

    ``open`` and ``resume`` are for the thread of the event loop. :meth:`drain` and :meth:`close`
    wait: call them elsewhere.
    """

    def __init__(self, hosting: Hosting, limits: SessionLimits, clock: Clock) -> None:
        self.limits = limits
        self.leaving = False
        """Whether the server is about to end: nobody may begin anything."""
        self.left = False
        """Whether all that could be said was said: connections are to be closed."""
        self.opened = self.resumed = self.refused = 0
        """How often that happened."""
        self._hosting = hosting
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._dismissed: list[Session] = []
        """Let go of, but not over yet."""
        self._wake: Wake = nobody
        """Of the connection that is talking."""
        self._connections: dict[object, Wake] = {}
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep_house, name="sessions", daemon=True)
        self._keeper.start()

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the sessions that can be fed or resumed."""
        return tuple(self._sessions)

    @property
    def count(self) -> int:
        """Sessions that take room: those that go on, with a connection or without."""
        with self._changed:
            return self._count()

    @property
    def limit(self) -> int:
        """How many there may be at the moment."""
        host = self._hosting.host
        return allowed(self.limits.most, Measured(self.count, host.load, host.memory_left_mb()))

    def figures(self) -> dict[str, Any]:
        """Return counts and gauges as JSON values."""
        with self._changed:
            sessions = list(self._sessions.values())
            return {
                "sessions": self._count(),
                "sessions_detached": sum(
                    one.times.detached is not None and not one.over for one in sessions
                ),
                "sessions_opened": self.opened,
                "sessions_resumed": self.resumed,
                "sessions_refused": self.refused,
                "queue_bytes": sum(one.filling.used for one in sessions),
            }

    def open(self, start: Start) -> Chair:
        """Begin a session; raises :class:`Refused` where there is no room."""
        limit = self.limit
        with self._changed:
            self._admit(limit)
            session = Session(
                self._free(start.session), start, self._hosting, self.limits, self._clock
            )
            self._sessions[session.name] = session
            self.opened += 1
        chair = session.attach(self._wake)
        session.begin()
        self._forget_old()
        return chair

    def resume(self, session: str, token: str, seq: int) -> Chair:
        """Give a seat in a session that goes on; raises :class:`Refused` where there is none."""
        with self._changed:  # nor may it be forgotten meanwhile
            found = self._sessions.get(session)
            known = found.token if found is not None else secrets.token_urlsafe(32)
            same = hmac.compare_digest(known.encode(), token.encode())
            if found is None or not same or not found.resumable:
                text = "there is no such session, or not with this token"
                raise Refused(Code.UNKNOWN_SESSION, text)
            with found.lock:
                whole = found.told.has(seq)
            if not whole:
                text = f"what followed message {seq} is not here any more"
                raise Refused(Code.UNKNOWN_SESSION, text)
            self.resumed += 1
            return found.attach(self._wake)

    @contextmanager
    def connected(self, wake: Wake) -> Iterator[None]:
        """Count a connection; ``wake`` is called when it is to be closed."""
        key = object()
        with self._changed:
            self._connections[key] = wake
        try:
            yield
        finally:
            with self._changed:
                del self._connections[key]
                self._changed.notify_all()

    @contextmanager
    def waking(self, wake: Wake) -> Iterator[None]:
        """Let seats that are given inside call ``wake`` when there is news, from any thread."""
        self._wake = wake
        try:
            yield
        finally:
            self._wake = nobody

    def tick(self) -> None:
        """Look at the times of all sessions, and do what is due."""
        now = self._clock.now()
        for session in list(self._sessions.values()):
            try:
                self._attend(session, now)
            except Exception as error:  # a defect with one of them: the others still end in time
                log.event("server_error", what=f"{type(error).__name__}: {error}")
        with self._changed:
            self._dismissed = [one for one in self._dismissed if not one.ended.is_set()]

    def drain(self, timeout: float) -> None:
        """Let nobody begin, have what was received decoded and told, and end the connections.

        Returns when all of them are closed, ``timeout`` seconds after the call at the latest, and
        :data:`FAREWELL`. What is not decoded by then is not acknowledged either; where there is no
        model yet, nothing is waited for.
        """
        self.leaving = True
        going = refusal(Code.GOING_AWAY, "the server ends; what is final was sent")
        sessions = list(self._sessions.values())
        for session in sessions:
            session.finish(catch_up=False, reason=going)
            if session.ready is None:
                session.fail(going)
        until = self._clock.now() + timeout
        for session in sessions:
            if not session.ended.wait(max(0.0, until - self._clock.now())):
                session.fail(going)
        self.left = True
        with self._changed:
            for wake in self._connections.values():
                wake()
            self._changed.wait_for(lambda: not self._connections, FAREWELL)

    def close(self) -> None:
        """Let go of all sessions; what still runs ends with the hosting."""
        self.leaving = self.left = True
        self._closed.set()
        self._keeper.join()
        for session in list(self._sessions.values()):
            self._dismiss(session, connected=True)
        until = self._clock.now() + LAST_WORDS
        for session in self._dismissed:
            session.ended.wait(max(0.0, until - self._clock.now()))

    def _keep_house(self) -> None:
        while not self._closed.wait(TICK):
            self.tick()

    def _attend(self, session: Session, now: float) -> None:
        match due(session.times, self.limits, now):
            case Due.FORGET:
                self._dismiss(session)
            case Due.IDLE:
                text = f"no sound came for {self.limits.idle_seconds:g} s"
                session.finish(catch_up=True, reason=refusal(Code.IDLE, text))
            case Due.TOO_LONG:
                text = f"the session has lasted {self.limits.session_seconds:g} s"
                session.finish(catch_up=True, reason=refusal(Code.TOO_LONG, text))

    def _forget_old(self) -> None:
        """Keep no more sessions that are over than there may be others: each holds its events."""
        sessions = list(self._sessions.values())
        over = [one for one in sessions if one.over and one.times.detached is not None]
        for session in over[: max(0, len(over) - self.limits.most)]:
            self._dismiss(session)

    def _count(self) -> int:
        going = sum(not one.over for one in self._sessions.values())
        return going + sum(not one.ended.is_set() for one in self._dismissed)

    def _admit(self, limit: int) -> None:
        if self.leaving:
            raise Refused(Code.GOING_AWAY, "the server ends")
        if self._count() >= limit:
            self.refused += 1
            text = f"there is no room: it has {self._count()} of at most {limit} sessions"
            raise Refused(Code.TOO_MANY_SESSIONS, text, self._retry_after())

    def _retry_after(self) -> float:
        """Return the seconds until the next session ends that nobody came back to."""
        now = self._clock.now()
        going = (one.times for one in self._sessions.values() if not one.over)
        left = [
            kept(one, self.limits) - (now - one.detached)
            for one in going
            if one.detached is not None
        ]
        return round(max(1.0, min([RETRY_AFTER, *left])), 1)

    def _free(self, wanted: str | None) -> str:
        """Return the name a client wants, or one like it where somebody has that."""
        taken = {*self._sessions, *(one.name for one in self._dismissed)}
        name = wanted or secrets.token_hex(8)
        if name not in taken:
            return name
        return f"{name[: LONGEST_NAME - 9]}-{secrets.token_hex(4)}"

    def _dismiss(self, session: Session, *, connected: bool = False) -> None:
        """Let go of a session, unless somebody has come back to it meanwhile."""
        with self._changed:
            if session.times.detached is None and not connected:
                return
            if self._sessions.pop(session.name, None) is None:
                return
            self._dismissed.append(session)
        session.abandon()
