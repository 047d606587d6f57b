"""Transcribe while it is spoken: a microphone, a pipe, or pieces that a program hands in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from echocli.api.decoding import WordTiming
from echocli.api.fallbacks import standins
from echocli.api.keeping import Served, adjuster, served
from echocli.api.listener import Listener
from echocli.api.listening import Listening
from echocli.api.live_sources import Wanted, captures
from echocli.api.setup import Setup, prepare
from echocli.api.sounds import Sound
from echocli.api.switching import change_to, fallback, other, with_spec
from echocli.api.weights import refuse_too_slow
from echocli.api.wishes import Wishes, choose
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import ProviderError, UsageError
from echocli.events import Event, Final, Ready
from echocli.types import SAMPLE_RATE

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from echocli.providers.base import LoadSpec
    from echocli.runtime.adjusting import Adjuster
    from echocli.runtime.live_options import LiveOptions
    from echocli.runtime.live_run import Live
    from echocli.runtime.operating import Change
    from echocli.runtime.service import Service


class LiveSession(Listening):
    """Listen and yield events; iterate once, inside a ``with`` statement.

    ``wanted`` says what is listened to. The rest is as for
    :class:`~echocli.api.transcriber.Transcriber`. :meth:`stop`, :meth:`switch_model` and
    :meth:`failover` may be called from any thread, and in the loop over the events.
    """

    KIND = "a live session"

    def __init__(
        self,
        wanted: Wanted,
        chosen: Chosen,
        *,
        listener: Listener | None = None,
        environment: Environment | None = None,
        timing: WordTiming | None = None,
    ) -> None:
        super().__init__(wanted, chosen, listener=listener, environment=environment, timing=timing)
        self._setup: Setup | None = None
        self._setups: dict[LoadSpec, Setup] = {}
        """Those that were asked for, by their models."""
        self._before: Setup | None = None
        """What served before somebody asked for another."""
        self._asked: Change | None = None
        self._adjuster: Adjuster | None = None
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._options: LiveOptions | None = None
        self._served: Served | None = None

    @property
    def running(self) -> Live:
        """The run itself: its position, level and load."""
        if self._live is None:
            raise self._outside
        return self._live

    @property
    def setup(self) -> Setup:
        """What serves when all is well, and why."""
        if self._setup is None:
            raise self._outside
        return self._setup

    @property
    def spec(self) -> LoadSpec:
        """What serves now."""
        return self._service.spec

    @property
    def _service(self) -> Service:
        if self._served is None:
            raise self._outside
        return self._served.service

    def stop(self, *, catch_up: bool = True) -> None:
        """Ask for the end; what was heard is still decoded, with ``catch_up`` what waits too."""
        self.running.stop(catch_up=catch_up)

    def switch_model(self, model: str) -> None:
        """Have ``MODEL`` or ``PROVIDER:MODEL`` serve as soon as it is warm; no sound is lost.

        A ``level`` event says so when it does; where it cannot be started a ``notice`` does, and
        what served before goes on. Raises ``ModelError`` where it is not installed, ``UsageError``
        where it does not know the language and where the run is over.
        """
        self._refuse_late()
        self._change(other(self.setup, self._environment, self._listener, model))

    def failover(self) -> None:
        """Have the fallback serve as soon as it is warm; a ``failover`` event says so.

        Without one that is what served before :meth:`switch_model`; never what serves already, as
        after a failure. Raises ``ProviderError`` where there is none, ``UsageError`` where the run
        is over.
        """
        self._refuse_late()
        service = self._service
        usable = service.standings.usable
        setup = fallback(self.setup, self._environment, service.spec, self._before, usable)
        self._change(setup, fails_over=True)

    def _events(self) -> Iterator[Event]:
        running, announced = self.running, False
        try:
            for event in running.events():
                self.collected.take(event)
                self._take_back()
                if isinstance(event, Ready) and not announced:
                    announced = True
                    self.setup.announce(self._listener)
                if isinstance(event, Final):
                    self.latency_ms = running.latency_ms(event.segment.source)
                yield event
        finally:
            self._over = True

    def _refuse_late(self) -> None:
        if self._over:
            raise UsageError("the live session is over: no other model can serve")

    def _change(self, setup: Setup, *, fails_over: bool = False) -> None:
        from echocli.api.options import live_point

        refuse_too_slow(setup.spec)
        service, running = self._service, self.running
        if not service.standings.usable(setup.spec):
            raise ProviderError(
                f"model '{setup.spec.model}' failed in this run already", hint="choose another"
            )
        assert self._options is not None
        assert self._served is not None
        point = live_point(setup, self._options)
        change = change_to(setup, self._environment, point, "asked for", fails_over=fails_over)
        self._served.learn(setup)
        with self._lock:
            self._refuse_late()
            self._before = self._serving
            self._setup = self._setups[setup.spec] = setup
            self._asked = change
            running.change(change)

    @property
    def _serving(self) -> Setup:
        """The setup of what serves: at a level of the ladder, that of the model it belongs to."""
        service, setup = self._service, self.setup
        if service.spec == service.target:
            return setup
        known = self._setups.get(service.spec)
        return known or with_spec(setup, self._environment, service.spec)

    def _take_back(self) -> None:
        """Go back to what was asked for before, where the last model could not be started."""
        assert self._adjuster is not None
        with self._lock:
            if self._asked is not None and self._adjuster.refused is self._asked:
                self._setup, self._asked = self._setups[self._adjuster.base], None

    def _open(self) -> None:
        chosen, environment = self.chosen, self._environment
        setup = self._setup = prepare(environment, chosen, self._listener)
        self._setups[setup.spec] = setup
        in_step = self._wanted.file is not None and not self._wanted.pace
        for spec in (setup.spec, *standins(setup, environment, english=True).next):
            refuse_too_slow(spec)
        serving = self._served = self._stack.enter_context(
            served(setup, environment, waits=in_step)
        )
        self.sources = self._stack.enter_context(captures(self._wanted, chosen, environment))

        # Decoding needs numpy, for which the worker does not wait.
        from echocli.api.options import live_options, live_point
        from echocli.runtime.live_run import Live
        from echocli.runtime.resting import Resting
        from echocli.runtime.spool import Spool

        options = self._options = live_options(setup, self._timing)
        point, after = live_point(setup, options), chosen["unload_after"]
        follows = self._adjuster = adjuster(setup, environment, serving.service, point, live=True)
        self._live = Live(
            self.sources,
            serving.service,
            options,
            clock=environment.clock,
            detect=chosen["vad"],
            stop=self._rule,
            in_step=in_step,
            can_wait=self._wanted.stream is not None,
            adjuster=follows,
            watch=serving.watch,
            resting=Resting(serving.service, after) if after else None,
            spool=Spool() if not point.discards and not in_step else None,
        )


def live(
    sound: Sound | None = None,
    *,
    mic: bool = False,
    pace: bool = False,
    rate: int = SAMPLE_RATE,
    record: str | Path | None = None,
    config: bool = False,
    profile: str | None = None,
    listener: Listener | None = None,
    environment: Environment | None = None,
    **wishes: Unpack[Wishes],
) -> LiveSession:
    """Return a session that listens to a microphone (``mic``, ``input_device``) or to ``sound``.

    A file is played as fast as it is decoded, or with ``pace`` at its own speed. Arrays may be
    handed in one by one, at ``rate`` Hz; where they come faster than they can be decoded, they
    wait. ``record`` keeps the sound. Settings and errors are those of
    :class:`~echocli.api.transcriber.Transcriber`.
    """
    environment = environment or Environment()
    chosen = choose(wishes, environment, config=config, profile=profile)
    given = {**wishes, "mic": mic, "pace": pace, "record": record}
    wanted = Wanted.hearing(sound, given, chosen, rate)
    return LiveSession(wanted, chosen, listener=listener, environment=environment)
