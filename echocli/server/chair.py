"""A session as one connection sees it: see :class:`~echocli.server.desk.Seat`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from echocli.wire.messages import Metrics, Numbered, Ready, Refusal, Start

if TYPE_CHECKING:
    from echocli.server.session import Session


class Chair:
    """Look at a session and feed it, until another connection takes it over.

    From then on nothing that is done here reaches the session. For the thread of the event loop.
    """

    def __init__(self, session: Session, number: int) -> None:
        self._session = session
        self._number = number

    @property
    def session(self) -> str:
        """Name of the session."""
        return self._session.name

    @property
    def token(self) -> str:
        """What a resume has to show."""
        return self._session.token

    @property
    def start(self) -> Start:
        """How the session was begun."""
        return self._session.start

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources."""
        return tuple(one.name for one in self._session.start.sources)

    @property
    def received(self) -> Mapping[str, int]:
        """Up to where the sound of each source is here, or a gap; at the session's rate."""
        return {one.name: one.received for one in self._session.captures}

    @property
    def final(self) -> Mapping[str, int]:
        """Before where everything is final; what says so is in :meth:`since` already."""
        return self._session.final

    @property
    def ready(self) -> Ready | None:
        """The message, once the model is warm."""
        return self._session.ready

    @property
    def fill(self) -> float:
        """Share of the input buffer that is in use."""
        return self._session.filling.fill

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self._session.over

    @property
    def failure(self) -> Refusal | None:
        """Why the session broke off."""
        return self._session.failure

    @property
    def taken_over(self) -> bool:
        """Whether another connection has the session now."""
        return self._session.seats != self._number

    def feed(self, source: int, index: int, payload: bytes) -> None:
        """Take whole frames of a source that begin at ``index``; never waits."""
        if not self.taken_over:
            self._session.feed(source, index, payload)

    def finish(self, *, catch_up: bool) -> None:
        """Take no more sound and decode what is left."""
        if not self.taken_over:
            self._session.finish(catch_up=catch_up)

    def since(self, seq: int) -> list[Numbered]:
        """Return the numbered messages after ``seq``, in order."""
        with self._session.lock:
            return self._session.told.since(seq)

    def partials(self) -> list[Numbered]:
        """Return the newest partial of each source that was not asked for yet."""
        if self.taken_over:
            return []
        with self._session.lock:
            return self._session.told.partials()

    def seen(self, seq: int) -> None:
        """Forget the numbered messages up to ``seq``."""
        if not self.taken_over:
            with self._session.lock:
                self._session.told.seen(seq)

    def metrics(self) -> Metrics:
        """Return how each source is doing."""
        return self._session.metrics()

    def detach(self) -> None:
        """Say that the connection is gone; the session is kept for a while."""
        if not self.taken_over:
            self._session.detach()
