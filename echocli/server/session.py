"""One live session: a run in a thread of its own, and the seats of those who are connected to it.

::

    event loop ── Chair.feed ──> NetworkCapture ──(its thread)──> Live ──(session's thread)──> Told
        ^                                                                                       │
        └────────────────────────── Chair.since, final, ready  <── wake ────────────────────────┘

What the client is told to be final was put among the events before: ``settled`` of a run speaks of
what it has yielded.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, TypeAlias, cast

from echocli import log
from echocli.audio.pipe import RawFormat
from echocli.clock import Clock
from echocli.errors import EchoError, UsageError
from echocli.events import End, Event, StatsEvent
from echocli.server.chair import Chair
from echocli.server.desk import refusal
from echocli.server.figures import Figures, Standing
from echocli.server.intake import Filling, NetworkCapture, to_16k
from echocli.server.patience import SessionLimits, Times
from echocli.server.reached import Reached
from echocli.server.told import Told
from echocli.wire.codes import MAX_FRAME, Code
from echocli.wire.events import NOT_SENT
from echocli.wire.messages import Metrics, Ready, Refusal, Start

if TYPE_CHECKING:
    from echocli.api.hosting import Hosting
    from echocli.runtime.live_run import Live

MOST_HOLES = 10_000
"""Gaps in the sound of a session: each ends an utterance, and costs far more than its bytes."""

PATIENCE = 60.0
"""Seconds a session waits for the model."""

LOOK = 0.5
"""Seconds after which a session that waits for the model looks whether it is still wanted."""

CLOSING = (StatsEvent, End)
"""Events that say that all is told: not where the session breaks off before the client's end."""

RETRY_AFTER = 5.0
"""Seconds after which a client may try again where the model has failed."""

Wake: TypeAlias = Callable[[], None]
"""Says that there is news; called from any thread, must not wait."""


def nobody() -> None:
    """Wake nobody."""


class Session:
    """Run one session; :meth:`begin` starts it, and it ends by itself, or by what is asked."""

    def __init__(
        self, name: str, start: Start, hosting: Hosting, limits: SessionLimits, clock: Clock
    ) -> None:
        self.name = name
        self.start = start
        self.token = secrets.token_urlsafe(32)
        self.told = Told()
        self.ready: Ready | None = None
        self.failure: Refusal | None = None
        self.ended = threading.Event()
        """Set when its thread has done its work."""
        self.lock = threading.Lock()
        """Guards what the thread of the session and that of the event loop share."""
        self.seats = 0
        """How many connections have had it; the newest counts."""
        self.wake: Wake = nobody
        raw = RawFormat(start.format.removeprefix("pcm_"), start.sample_rate, start.channels)
        second = raw.rate * raw.frame_bytes * len(start.sources)
        self.filling = Filling(limits.bound(second), MAX_FRAME)
        self.captures = [
            NetworkCapture(one.name, raw, self.filling, clock, one.start) for one in start.sources
        ]
        self._reached = Reached(self.captures, start.sample_rate)
        self._hosting = hosting
        self._clock = clock
        self._live: Live | None = None
        self._asked: bool | None = None
        """Whether to catch up at the end, once that is asked for."""
        self._reason: Refusal | None = None
        """Why it is ended, where the client did not ask for it."""
        self._abandoned = False
        self._entered = False
        """Whether it is a guest of the host: the name there is its own."""
        self._figures = Figures(raw)
        self._began = self._heard = clock.now()
        self._detached: float | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.failure is not None or self.ended.is_set()

    @property
    def final(self) -> dict[str, int]:
        """Before where everything is final; it stands still when the session has failed."""
        with self.lock:
            if self._live is not None and not self.over:
                self._reached.follow(self._live)
            return self._reached.final

    @property
    def resumable(self) -> bool:
        """Whether somebody may come back to it: what has failed is begun anew."""
        return self.failure is None and not self._abandoned

    @property
    def times(self) -> Times:
        """What the housekeeping has to know."""
        with self.lock:
            hears = self.ready is not None and self.filling.fill < 1
            seen = self.told.gone == self.told.last
            return Times(
                self._began,
                self._heard if hears else None,
                self._detached,
                self._asked is not None,
                self.over,
                seen or not self.resumable,
                self.seats == 1 and all(one.received == one.begin for one in self.captures),
            )

    def begin(self) -> None:
        """Start its thread."""
        threading.Thread(target=self._run, name=f"session {self.name}", daemon=True).start()

    def attach(self, wake: Wake) -> Chair:
        """Return a seat for a new connection; an older one learns that it has lost its own."""
        with self.lock:
            before, self.wake = self.wake, wake
            self.seats += 1
            self._detached = None
            self._heard = self._clock.now()
            chair = Chair(self, self.seats)
        before()
        return chair

    def detach(self) -> None:
        """Take note that nobody is connected."""
        with self.lock:
            self.wake = nobody
            self._detached = self._clock.now()

    def feed(self, source: int, index: int, payload: bytes) -> None:
        """Take sound; fails the session where more came than can have been on its way."""
        if self.over:
            return
        capture = self.captures[source]
        if capture.feed(index, payload):
            self._heard = self._clock.now()
        if self.filling.overdrawn:
            self.fail(refusal(Code.OVERLOADED, "more sound came than can be kept", RETRY_AFTER))
        elif capture.holes > MOST_HOLES:
            self.fail(refusal(Code.BAD_MESSAGE, f"the sound has more than {MOST_HOLES} gaps"))

    def finish(self, *, catch_up: bool, reason: Refusal | None = None) -> None:
        """Decode what is here, then end; with a ``reason`` it ends as a failure."""
        with self.lock:
            if self._asked is not None:
                return
            self._asked, self._reason = catch_up, reason
            live = self._live
        for capture in self.captures:
            capture.stop()
        if live is not None:
            live.stop(catch_up=catch_up)

    def fail(self, failure: Refusal) -> None:
        """Break off now: nothing more is told."""
        with self.lock:
            self.failure = self.failure or failure
        self.abandon()
        self.wake()

    def abandon(self) -> None:
        """Let go of it: nobody will come back."""
        self._abandoned = True
        self.finish(catch_up=False)
        with self.lock:
            if self._entered:
                self._hosting.cancel(self.name)

    def metrics(self) -> Metrics:
        """Return how each source is doing."""
        host, live, final = self._hosting.host, self._live, self.final
        standing = Standing(host.standing.spec, host.rung.name, self.filling.fill)
        of, captures = self._figures.of, self.captures
        return Metrics({one.name: of(one, final[one.name], live, standing) for one in captures})

    def _run(self) -> None:
        failure: Refusal | None = refusal(Code.INTERNAL, "the server failed", RETRY_AFTER)
        log.event("session_start", session=self.name, sources=len(self.captures))
        try:
            failure = self._transcribe()
        except UsageError as error:
            failure = refusal(Code.BAD_MESSAGE, str(error))
        except EchoError as error:
            code = Code.NOT_READY if self.ready is None else Code.PROVIDER_FAILED
            failure = refusal(code, str(error), RETRY_AFTER)
        finally:
            self._conclude(failure)
            why = None if self.failure is None else str(self.failure.code)
            secs = round(self._clock.now() - self._began, 3)
            log.event("session_end", session=self.name, seconds=secs, failure=why)

    def _transcribe(self) -> Refusal | None:
        """Run it to its end; why that is none that the client asked for."""
        live = self._open()
        if not self._wait_ready():
            return refusal(Code.NOT_READY, "the model was not ready in time", RETRY_AFTER)
        self._announce()
        last: list[Event] = []
        # Closed at once where nobody wants the rest: it must not be decoded.
        with closing(cast("Generator[Event]", live.events())) as events:
            for event in events:
                if self._abandoned:
                    return self._reason
                if isinstance(event, CLOSING):
                    last.append(event)
                else:
                    self._take(event)
        self._complete(live, last)
        return self._reason

    def _complete(self, live: Live, last: Sequence[Event]) -> None:
        """Tell the end where the client asked for it; where not, how far all is told."""
        for event in last if self._reason is None else ():
            self._take(event)
        with self.lock:
            if not self.over:
                self._reached.complete(live)

    def _open(self) -> Live:
        rate = self.start.sample_rate
        live = self._hosting.live(
            self.name,
            self.captures,
            self.start.options,
            starts={one.name: to_16k(one.start, rate) for one in self.start.sources},
            first_id=self.start.first_id,
        )
        with self.lock:
            self._entered = True
            self._live, asked = live, self._asked
        if asked is not None:
            live.stop(catch_up=asked)
        return live

    def _wait_ready(self) -> bool:
        until = self._clock.now() + PATIENCE
        while not self._abandoned and self._clock.now() < until:
            if self._hosting.host.wait_ready(LOOK):
                return True
        return False

    def _announce(self) -> None:
        spec = self._hosting.host.standing.spec
        names = tuple(one.name for one in self.start.sources)
        model = (spec.model, spec.revision, spec.sha256)
        with self.lock:
            self.ready = Ready(self.name, spec.provider, *model, names)
            self._heard = self._clock.now()
        self.wake()

    def _take(self, event: Event) -> None:
        """Tell an event."""
        final = self.final
        with self.lock:
            if event.type not in NOT_SENT and self.failure is None:
                self.told.add(event)
            self._figures.take(event, final)
        if event.type not in NOT_SENT:
            self.wake()

    def _conclude(self, failure: Refusal | None) -> None:
        with self.lock:
            if self._entered:
                self._entered = False
                self._hosting.close_guest(self.name)
            self.failure = self.failure or failure
            if self.resumable:
                self._reached.finish()
            self._live = None  # the session may be kept for a while, its sound need not be
            self.ended.set()
        self.wake()
