"""Decode on this machine while the server is away (``--fallback local``)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from echocli.api.hosting import Hosting, hosting
from echocli.api.listener import Listener
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import EchoError
from echocli.events import End, Event, Failover, Final, Meter, Notice, Ready, StatsEvent
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
    to ``post``. The model is loaded when it is first needed.
    """

    def __init__(
        self,
        core: Core,
        host: str,
        chosen: Chosen,
        environment: Environment,
        listener: Listener,
        emit: Callable[[Event], None],
        *,
        align: bool,
    ) -> None:
        self.post: Callable[[Callable[[float], None]], None]
        """Has something done in the link's thread; set before the first look."""
        self._core = core
        self._remote = f"remote:{host}"
        self._chosen = chosen.but(fallback=None, remote=None)
        self._environment = environment
        self._listener = listener
        self._emit = emit
        self._wishes = {"word_timestamps": align}
        self._stack = ExitStack()
        self._hosting: Hosting | None = None
        self._turn: _Turn | None = None
        self._turns = 0
        self._threads: list[threading.Thread] = []
        self._back_since: float | None = None
        self._failed = False

    def look(self, now: float) -> None:
        """Begin or end to stand in, if it is time."""
        core = self._core
        if self._turn is None:
            if self._is_needed(now):
                self._begin()
            return
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
        """Tell whether the server is away for longer than most are; one that greets is not."""
        core = self._core
        if self._failed or core.phase not in (Phase.WAITING, Phase.CONNECTING, Phase.LOST):
            return False
        since = core.away_since
        return core.phase is Phase.LOST or (since is not None and now - since >= GRACE)

    def _begin(self) -> None:
        core = self._core
        core.held = True
        self._turns += 1
        clock = self._environment.clock
        starts = {course.name: course.settled for course in core.courses}
        sources = [KeptSound(course, course.settled, clock, self.post) for course in core.courses]
        turn = self._turn = _Turn(f"turn{self._turns}", sources)
        thread = threading.Thread(
            target=self._run,
            args=(turn, starts, core.story.next_id),
            name="remote stand-in",
            daemon=True,
        )
        self._threads.append(thread)
        thread.start()

    def _run(self, turn: _Turn, starts: dict[str, int], first_id: int) -> None:
        """Decode until the server is back, in a thread of its own."""
        failure: EchoError | None = None
        try:
            self._decode(turn, starts, first_id)
        except EchoError as error:
            failure = error
        finally:
            self.post(lambda now: self._ended(turn, failure, now))

    def _decode(self, turn: _Turn, starts: dict[str, int], first_id: int) -> None:
        if self._hosting is None:
            self._hosting = self._stack.enter_context(
                hosting(self._chosen, self._environment, self._listener, sessions=1)
            )
        here = self._hosting
        live = here.live(turn.name, turn.sources, self._wishes, starts=starts, first_id=first_id)
        turn.live = live
        try:
            if turn.over:
                return
            for event in live.events():
                settled = {name: live.settled(name) for name in starts}
                spec = here.host.standing.spec
                who = f"{spec.provider}:{spec.model}"
                self.post(partial(self._take, turn, event, settled, who))
        finally:
            here.close_guest(turn.name)

    def _take(
        self, turn: _Turn, event: Event, settled: dict[str, int], who: str, now: float
    ) -> None:
        """Take an event of the run here, unless the server decodes again."""
        if turn.over:
            return
        if not turn.spec:
            waiting = self._core.waiting
            self._emit(Failover(self._remote, who, "it cannot be reached", waiting))
            for abandoned in self._core.story.begin_anew():
                self._emit(abandoned)
        turn.spec = who
        if (new := self._new(event)) is not None:
            self._emit(new)
        for course in self._core.courses:
            course.settle(settled[course.name])
        if isinstance(event, Final) and self._core.phase is Phase.HELD:
            self._give_back(now)

    def _new(self, event: Event) -> Event | None:
        """Return what is new of an event."""
        if isinstance(event, LEFT_OUT):
            return None
        if isinstance(event, Ready):
            course = next(one for one in self._core.courses if one.name == event.source)
            told, course.told = course.told, True
            return None if told else event
        return self._core.story.note(event)

    def _give_back(self, now: float) -> None:
        """Let the server go on where the text here ends."""
        turn = self._turn
        assert turn is not None
        if turn.spec:
            self._emit(Failover(turn.spec, self._remote, "connected again"))
        self._end(turn)
        self._core.release(now, anew=bool(turn.spec))

    def _end(self, turn: _Turn) -> None:
        turn.over = True
        self._turn = self._back_since = None
        for source in turn.sources:
            source.stop()
        if turn.live is not None:
            turn.live.stop(catch_up=False)
            if self._hosting is not None:
                self._hosting.cancel(turn.name)

    def _ended(self, turn: _Turn, failure: EchoError | None, now: float) -> None:
        """Take the end of a run: all has its text, or this machine cannot decode either."""
        if turn.over:
            return
        self._end(turn)
        if failure is None:
            for course in self._core.courses:
                course.settle(course.outbox.end)
            self._core.finish()
            return
        self._failed = True
        self._emit(Notice("fallback_failed", f"this machine cannot stand in: {failure}"))
        self._core.release(now, anew=bool(turn.spec))
