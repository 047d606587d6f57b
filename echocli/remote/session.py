"""Transcribe on another machine while it is spoken, and survive the network between."""

from __future__ import annotations

import queue
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from echocli.api.decoding import WordTiming
from echocli.api.listener import Listener
from echocli.api.live_sources import Wanted, captures
from echocli.api.sounds import Sound
from echocli.api.wishes import Wishes, choose
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.events import Event, Meter, Notice, Partial
from echocli.remote.actions import Phase
from echocli.remote.policy import Policy
from echocli.remote.spool import Spool
from echocli.remote.stand import RemoteStand, without_words
from echocli.remote.telling import GIVEN_UP
from echocli.remote.wishes import LOCAL, asked_for
from echocli.types import SAMPLE_RATE

if TYPE_CHECKING:
    from typing import Self, Unpack

    from echocli.remote.core import Core
    from echocli.remote.intake import Intake
    from echocli.remote.link import Link
    from echocli.remote.standin import StandIn

MOST = 1000
"""Events that may wait for whoever iterates, before meters and partials are left out."""


@dataclass(frozen=True, slots=True)
class _Stop:
    """Somebody wants this to end, perhaps without decoding what was put aside."""

    catch_up: bool


@dataclass(frozen=True, slots=True)
class _Done:
    """Nothing more will come."""


class RemoteSession(RemoteStand):
    """Listen, have a server decode, and yield events; iterate once, inside ``with``.

    Used like :class:`~echocli.api.live.LiveSession`. Sound is kept until the server says that it is
    final; a lost connection is made again, and nothing is lost or said twice. Where the server
    stays away for good, what has no text is left as WAV files: see :attr:`errors`.
    """

    def __init__(
        self,
        wanted: Wanted,
        chosen: Chosen,
        *,
        listener: Listener | None = None,
        environment: Environment | None = None,
        timing: WordTiming | None = None,
        token: str | None = None,
    ) -> None:
        super().__init__(
            wanted,
            chosen,
            listener=listener,
            environment=environment,
            timing=timing,
            token=token,
        )
        self.listening = False
        """Whether the sources are started; before that a stop has nothing to wait for."""
        self.kept: tuple[Path, float] | None = None
        """Where sound is kept that has no text, and how many seconds; told by :attr:`errors`."""
        self._outlet: queue.SimpleQueue[Event | _Stop | _Done] = queue.SimpleQueue()
        self._spool: Spool
        self._link: Link | None = None
        self._intake: Intake | None = None
        self._stand_in: StandIn | None = None
        self._asked_to_stop = self._gave_up = False

    @classmethod
    def connect(
        cls,
        url: str,
        sound: Sound | None = None,
        *,
        mic: bool = False,
        pace: bool = False,
        rate: int = SAMPLE_RATE,
        record: str | Path | None = None,
        token: str | None = None,
        token_file: str | Path | None = None,
        ca_file: str | Path | None = None,
        retries: int | None = None,
        spool_mb: int | None = None,
        listener: Listener | None = None,
        environment: Environment | None = None,
        **wishes: Unpack[Wishes],
    ) -> Self:
        """Return a session with the server at ``url``; sounds are as for :func:`echocli.live`.

        Without ``token`` and ``token_file`` the variable ``ECHOCLI_TOKEN`` counts. ``fallback`` is
        ``"local"`` or nothing; then the settings of the model are those of this machine.
        """
        environment = environment or Environment()
        about = {
            "remote": url,
            "token_file": token_file,
            "ca_file": ca_file,
            "retries": retries,
            "spool_mb": spool_mb,
        }
        given = choose(wishes, environment, config=False, profile=None)
        chosen = given.wishing({name: one for name, one in about.items() if one is not None})
        said = {**wishes, "mic": mic, "pace": pace, "record": record}
        wanted = Wanted.hearing(sound, said, chosen, rate)
        return cls(wanted, chosen, listener=listener, environment=environment, token=token)

    def stop(self, *, catch_up: bool = True) -> None:
        """Ask for the end; what was heard still gets its text. Safe in a signal handler."""
        self._asked_to_stop = True
        self._outlet.put(_Stop(catch_up))

    def _events(self) -> Iterator[Event]:
        core, link, intake = self._followed, self._link, self._intake
        assert link is not None
        assert intake is not None
        from echocli.remote import ending

        try:
            intake.start(link.post)
            self.listening = True
            link.start()
            yield from self._told()
            link.close()
            if self._gave_up:
                ending.pass_over(core, self.sources)
            for event in ending.last_words(core, self.collected.language):
                self.collected.take(event)
                yield event
        finally:
            self._end()
        if (failure := link.error or intake.failure) is not None:
            raise failure

    def _open(self) -> None:
        chosen, environment = self.chosen, self._environment
        if chosen["fallback"] == LOCAL:  # nobody listens first where its model is missing
            self._stand_in = self._standing_in()
        self.sources = self._stack.enter_context(captures(self._wanted, chosen, environment))
        spool = self._spool = Spool(chosen["spool_mb"] * 1_000_000)
        self._stack.callback(spool.close)

        # The sound needs numpy, for which a refused option does not wait.
        from echocli.remote.core import Core
        from echocli.remote.intake import Intake
        from echocli.remote.link import Link

        wanted = self._wanted
        core = self._core = Core(
            [source.name for source in self.sources],
            self._address.host,
            Policy(random.random, chosen["retries"]),
            spool,
            options=asked_for(chosen, self._timing),
        )
        unpaced = wanted.file is not None and not wanted.pace
        self._intake = Intake(
            core,
            self.sources,
            self._rule,
            self._emit,
            can_wait=unpaced or wanted.stream is not None,
            waits=unpaced,
        )
        link = self._link = Link(
            core, self._address, environment.clock, self._emit, self._look, self._ended
        )
        self._stack.callback(link.close)
        if self._stand_in is not None:
            self._stand_in.core, self._stand_in.post = core, link.post

    def _standing_in(self) -> StandIn:
        from echocli.remote.standin import StandIn, spare

        here = spare(self.chosen, self._environment, self._listener)
        clock, align = self._environment.clock, self._timing.align
        return StandIn(self._address.host, here, clock, self._emit, align=align)

    def _emit(self, event: Event) -> None:
        """Hand an event to whoever iterates; from the link's thread."""
        in_file = self._wanted.file is not None and self._stand_in is None
        if isinstance(event, Notice) and event.code == GIVEN_UP and in_file:
            return  # nothing goes on, and an error says so
        if isinstance(event, Meter | Partial) and self._outlet.qsize() > MOST:
            return
        self._outlet.put(event if self._timing.keep else without_words(event))

    def _look(self, now: float) -> None:
        """See what has come of the last step; in the link's thread."""
        core, intake = self._followed, self._intake
        assert intake is not None
        intake.look(now)
        if self._stand_in is not None:
            self._stand_in.look(now)
        if intake.enough or (self._is_hopeless(core) and not core.held):
            self._ask_to_stop()

    def _is_hopeless(self, core: Core) -> bool:
        """Tell whether there is no point in listening any more: nothing would come of it."""
        failure = core.failure
        refused = failure is not None and failure.fatal and not core.connections
        return refused or (failure is not None and self._wanted.file is not None)

    def _ended(self) -> None:
        self._outlet.put(_Done())

    def _ask_to_stop(self) -> None:
        if not self._asked_to_stop:
            core, enough = self._followed, self._intake is not None and self._intake.enough
            reading = not (enough or all(course.over for course in core.courses))
            self._gave_up = reading and core.failure is not None
            self.stop()

    def _told(self) -> Iterator[Event]:
        while True:
            match self._outlet.get():
                case _Done():
                    return
                case _Stop(catch_up):
                    self._stop(catch_up=catch_up)
                case event:
                    self._take(event, timed=self._wanted.listens or self._wanted.pace)
                    yield event

    def _stop(self, *, catch_up: bool) -> None:
        core, link, intake = self._followed, self._link, self._intake
        assert link is not None
        assert intake is not None
        link.post(lambda now: core.stop(now, catch_up=catch_up))
        intake.stop()

    def _end(self) -> None:
        """Leave nothing running, and nothing without a trace."""
        from echocli.remote import ending

        core, in_file = self._followed, self._wanted.file is not None
        where = self._address.host, self.chosen["remote"]
        assert self._link is not None
        assert self._intake is not None
        try:
            with self._environment.interrupts.held():
                try:
                    self._intake.stop()
                    self._link.close()
                finally:  # another program may have handlers of its own that raise
                    if core.phase is not Phase.OVER and not self._is_unwanted:
                        errors, self.kept = ending.left(core, self._spool, *where, in_file)
                        self._failed += errors
        finally:  # last, because it may wait for a model, and nothing is lost by then
            if self._stand_in is not None:
                self._stand_in.close()
