"""Decode on this machine while the server is away (``--fallback local``)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from echocli.api.hosting import Hosting, hosted
from echocli.api.listener import Listener
from echocli.api.setup import prepare
from echocli.clock import Clock
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.events import (
    Backfill,
    End,
    Event,
    Failover,
    Final,
    Gap,
    Meter,
    Notice,
    Ready,
    StatsEvent,
)
from echocli.remote.actions import Phase
from echocli.remote.core import Core
from echocli.remote.reading import KeptSound

if TYPE_CHECKING:
    from echocli.runtime.live_run import Live

GRACE = 3.0
"""Seconds a server may be away before this machine begins: most come back sooner."""

HOLD = 5.0
"""Seconds a server that is back may have to wait for the end of an utterance."""

LEFT_OUT = (Meter, StatsEvent, End)
"""Events of the run here that say nothing of the whole."""

Spare: TypeAlias = Callable[[], AbstractContextManager[Hosting]]
"""Begins to load the model of this machine."""


def spare(chosen: Chosen, environment: Environment, listener: Listener) -> Spare:
    """Choose the model of this machine; it is loaded when it is first needed.

    Raises what :func:`~echocli.api.setup.prepare` raises: a model that is missing could not be
    had any more once the network is gone.
    """
    setup = prepare(environment, chosen.but(fallback=None, remote=None), listener)
    return partial(hosted, setup, environment, listener, sessions=1)


@dataclass(slots=True)
class _Turn:
    """One time that this machine stands in; ``over`` as soon as the server decodes again."""

    name: str
    sources: list[KeptSound]
    live: Live | None = None
    spec: str = ""
    """Who decodes, as ``PROVIDER:MODEL``."""
    over: bool = False


class StandIn:
    """Take over from a server that is away, and give back at the end of an utterance.

    All but the run itself happens in the link's thread, which calls :meth:`look` and what is given
    to ``post``. ``spare`` is entered when it is first needed.
    """

    def __init__(
        self,
        host: str,
        spare: Spare,
        clock: Clock,
        emit: Callable[[Event], None],
        *,
        align: bool,
    ) -> None:
        self.core: Core
        """Whom to stand in for; set before the first look, as ``post`` is."""
        self.post: Callable[[Callable[[float], None]], None]
        """Has something done in the link's thread."""
        self._remote = f"remote:{host}"
        self._spare = spare
        self._clock = clock
        self._emit = emit
        self._wishes = {"word_timestamps": align}
        self._stack = ExitStack()
        self._hosting: Hosting | None = None
        self._loading = threading.Lock()
        """Held while the model is asked for: the turn before may not have got it yet."""
        self._turn: _Turn | None = None
        self._turns = 0
        self._threads: list[threading.Thread] = []
        self._back_since: float | None = None
        self._failed = False

    def look(self, now: float) -> None:
        """Begin or end to stand in, if it is time."""
        core = self.core
        if self._turn is None:
            if self._is_needed(now):
                self._begin(now)
            return
        if (live := self._turn.live) is not None:
            # Its events, which let go of the sound, may be on their way, or wait for another.
            for course in core.courses:
                course.decoded = live.settled(course.name)
        if core.phase is not Phase.HELD:
            self._back_since = None
            return
        self._back_since = now if self._back_since is None else self._back_since
        settled = max(course.settled for course in core.courses)
        between = not core.story.speaking and settled >= core.story.heard_until
        if between or now - self._back_since >= HOLD:
            self._give_back(now)

    def close(self) -> None:
        """End everything that runs here."""
        if self._turn is not None:
            self._end(self._turn)
        for thread in self._threads:
            thread.join()
        self._stack.close()

    def _is_needed(self, now: float) -> bool:
        """Tell whether the server is away for longer than most are; one that greets is not.

        Who wants nothing caught up has no time for a model to load.
        """
        core = self.core
        if (
            self._failed
            or core.hurried
            or core.phase not in (Phase.WAITING, Phase.CONNECTING, Phase.LOST)
        ):
            return False
        since = core.away_since
        return core.phase is Phase.LOST or (since is not None and now - since >= GRACE)

    def _begin(self, now: float) -> None:
        core, clock = self.core, self._clock
        core.held = True
        self._turns += 1
        starts = {course.name: course.settled for course in core.courses}
        for course in core.courses:
            course.decoded = course.settled
        sources = [KeptSound(course, course.settled, clock, self.post) for course in core.courses]
        turn = self._turn = _Turn(f"turn{self._turns}", sources)
        thread = threading.Thread(
            target=self._run,
            args=(turn, starts, core.story.next_id),
            name="remote stand-in",
            daemon=True,
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system has no room for another
            self._ended(turn, error, now)
        else:
            self._threads.append(thread)

    def _run(self, turn: _Turn, starts: dict[str, int], first_id: int) -> None:
        """Decode until the server is back, in a thread of its own.

        Whatever ends it before its end means that there is no text: only a run that came to its
        end has decoded everything.
        """
        failure: BaseException | None = None
        try:
            self._decode(turn, starts, first_id)
        except BaseException as error:
            failure = error
        self.post(lambda now: self._ended(turn, failure, now))

    def _hosted(self) -> Hosting:
        with self._loading:
            if self._hosting is None:
                self._hosting = self._stack.enter_context(self._spare())
            return self._hosting

    def _decode(self, turn: _Turn, starts: dict[str, int], first_id: int) -> None:
        here = self._hosted()
        live = here.live(turn.name, turn.sources, self._wishes, starts=starts, first_id=first_id)
        turn.live = live
        try:
            if turn.over:
                return
            # A model that is gone leaves gaps behind, and only then the run says why. What lies in
            # them may still have a server: they wait for a text, or the end, to be told.
            news: deque[Callable[[float], None]] = deque()
            doubtful = False
            for event in live.events():
                settled = {name: live.settled(name) for name in starts}
                spec = here.host.standing.spec
                who = f"{spec.provider}:{spec.model}"
                news.append(partial(self._take, turn, event, settled, who))
                doubtful = not isinstance(event, Final | Backfill) and (
                    doubtful or isinstance(event, Gap)
                )
                while news and not doubtful:
                    self.post(news.popleft())
            while news:
                self.post(news.popleft())
        finally:
            here.close_guest(turn.name)

    def _take(
        self, turn: _Turn, event: Event, settled: dict[str, int], who: str, now: float
    ) -> None:
        """Take an event of the run here, unless the server decodes again."""
        if turn.over:
            return
        if not turn.spec:
            given_up, waiting = self.core.failure, self.core.waiting
            why = "it cannot be reached" if given_up is None else given_up.reason
            self._emit(Failover(self._remote, who, why, waiting))
            for abandoned in self.core.story.begin_anew():
                self._emit(abandoned)
        turn.spec = who
        if (new := self._new(event)) is not None:
            self._emit(new)
        for course in self.core.courses:
            course.settle(settled[course.name])
        if isinstance(event, Final) and self.core.phase is Phase.HELD:
            self._give_back(now)

    def _new(self, event: Event) -> Event | None:
        """Return what is new of an event."""
        if isinstance(event, LEFT_OUT):
            return None
        if isinstance(event, Ready):
            course = next(one for one in self.core.courses if one.name == event.source)
            told, course.told = course.told, True
            return None if told else event
        return self.core.story.note(event)

    def _give_back(self, now: float) -> None:
        """Let the server go on where the text here ends."""
        turn = self._turn
        assert turn is not None
        if turn.spec:
            self._emit(Failover(turn.spec, self._remote, "connected again"))
        self._end(turn)
        self.core.release(now, anew=bool(turn.spec))

    def _end(self, turn: _Turn) -> None:
        turn.over = True
        self._turn = self._back_since = None
        for source in turn.sources:
            source.stop()
        if turn.live is not None:
            turn.live.stop(catch_up=False)
            if self._hosting is not None:
                self._hosting.cancel(turn.name)

    def _ended(self, turn: _Turn, failure: BaseException | None, now: float) -> None:
        """Take the end of a run: all has its text, or this machine cannot decode either."""
        if turn.over:
            return
        self._end(turn)
        if failure is None:
            for course in self.core.courses:
                course.settle(course.outbox.end)
            self.core.finish()
            return
        self._failed = True
        why = str(failure) or type(failure).__name__
        self._emit(Notice("fallback_failed", f"this machine cannot stand in: {why}"))
        self.core.release(now, anew=bool(turn.spec))
