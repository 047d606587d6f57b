"""Transcribe files, streams and arrays with a model that stays loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from echocli.api.ahead import look_ahead
from echocli.api.collected import Collected
from echocli.api.decoding import Part, WordTiming, clip_of
from echocli.api.keeping import Served, adjuster, served
from echocli.api.listener import Listener, Logging
from echocli.api.setup import Setup, prepare
from echocli.api.sounds import Sound, open_sound
from echocli.api.weights import refuse_ignored
from echocli.api.wishes import Wishes, choose
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import EchoError, ModelError
from echocli.events import Event, Failover, Gap, Level, Notice, Ready
from echocli.output.telling import Failovers, level_text
from echocli.types import SAMPLE_RATE, Transcript

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self, Unpack

    from echocli.audio.clip import Clip
    from echocli.providers.base import LoadSpec
    from echocli.runtime.offline import OfflineOptions, Transcription
    from echocli.runtime.shared import Shared


class Result(NamedTuple):
    """What became of one input of several."""

    sound: Sound
    transcript: Transcript | None
    error: EchoError | None = None


class Transcriber:
    """Keep a model and transcribe one input after the other.

    ``wishes`` are the settings of ``docs/configuration.md`` by name. Environment and config file
    count only with ``config`` or a ``profile``. The model is loaded in a process of its own, by
    :meth:`start`, a ``with`` statement or the first input, and ended by :meth:`close`. For one
    thread at a time. Raises ``UsageError`` for settings that make no sense, ``ModelError`` for a
    model or provider that cannot be used.
    """

    def __init__(
        self,
        *,
        config: bool = False,
        profile: str | None = None,
        listener: Listener | None = None,
        environment: Environment | None = None,
        chosen: Chosen | None = None,
        timing: WordTiming | None = None,
        **wishes: Unpack[Wishes],
    ) -> None:
        self._environment = environment or Environment()
        self._listener = listener or Logging()
        self._chosen = chosen or choose(wishes, self._environment, config=config, profile=profile)
        self._timing = timing or WordTiming.of(self._chosen)
        self._stack = ExitStack()
        self._failovers = Failovers()
        self._setup: Setup | None = None
        self._announced = False
        self._served: Served | None = None
        self._shared: Shared | None = None
        self._options: OfflineOptions | None = None

    @property
    def setup(self) -> Setup:
        """What is loaded, and why."""
        self.start()
        assert self._setup is not None
        return self._setup

    @property
    def spec(self) -> LoadSpec:
        """What serves now."""
        return self._serving.service.spec

    def start(self) -> Self:
        """Choose the model and start to load it without waiting."""
        if self._served is None:
            setup = prepare(self._environment, self._chosen, self._listener)
            self._served = self._stack.enter_context(served(setup, self._environment, waits=True))
            self._setup = setup
        return self

    def open(
        self, sound: Sound, *, rate: int = SAMPLE_RATE, clip: Sequence[Part] | Clip = ()
    ) -> Transcription:
        """Return one input on its way: iterate its ``events()`` once, then ``close()`` it.

        ``begin()`` has it read and decoded beside others before its turn has come. ``rate`` (Hz) is
        that of arrays; ``clip`` names the parts to transcribe, all by default.
        """
        options, shared = self._prepared()
        from echocli.runtime.offline import Transcription

        if parts := clip_of(clip):
            options = replace(options, clip=parts)
        source = open_sound(sound, self._chosen, self._environment, rate=rate)
        clock = self._environment.clock
        return Transcription(source, self._serving.service, options, clock=clock, shared=shared)

    def stream(
        self, sound: Sound, *, rate: int = SAMPLE_RATE, clip: Sequence[Part] = ()
    ) -> Iterator[Event]:
        """Yield the events of one input, each final as soon as it is final.

        Raises ``InputError`` for sound that cannot be read.
        """
        transcription = self.open(sound, rate=rate, clip=clip)
        try:
            for event in transcription.events():
                if isinstance(event, Ready):
                    self.announce()
                yield event
        finally:
            transcription.close()

    def transcribe(
        self, sound: Sound, *, rate: int = SAMPLE_RATE, clip: Sequence[Part] = ()
    ) -> Transcript:
        """Return the transcript of one input; what could not be decoded is told to the listener.

        ``stats["lost_seconds"]`` says how much that is. Raises ``InputError`` for sound that cannot
        be read.
        """
        collected = Collected()
        for event in self.stream(sound, rate=rate, clip=clip):
            self._take(event, collected)
        return collected.transcript(self.spec)

    def transcribe_all(
        self, sounds: Iterable[Sound], *, rate: int = SAMPLE_RATE, jobs: int | None = None
    ) -> Iterator[Result]:
        """Yield the result of each input in order; up to ``jobs`` are worked on at once.

        Without a word these are nine, and never more than may be open. An input that fails does not
        stop the others; a model that cannot be used does.
        """
        self._prepared()
        waiting: list[tuple[Sound, Transcription | EchoError]] = []
        coming, most = iter(sounds), look_ahead(jobs) + 1
        try:
            while True:
                for more in islice(coming, most - len(waiting)):
                    waiting.append((more, self._begun(more, rate, ahead=bool(waiting))))
                if not waiting:
                    return
                sound, begun = waiting.pop(0)
                if isinstance(begun, EchoError):
                    yield Result(sound, None, begun)
                else:
                    yield self._one(sound, begun)
        finally:
            for _, begun in waiting:
                if not isinstance(begun, EchoError):
                    begun.close()

    def _begun(self, sound: Sound, rate: int, *, ahead: bool) -> Transcription | EchoError:
        """Return an input on its way, ``ahead`` of its turn or not, or why it is none."""
        try:
            transcription = self.open(sound, rate=rate)
        except EchoError as error:
            return error
        if ahead:
            transcription.begin()
        return transcription

    def _one(self, sound: Sound, transcription: Transcription) -> Result:
        collected = Collected()
        try:
            for event in transcription.events():
                self._take(event, collected)
        except ModelError:
            raise
        except EchoError as error:
            return Result(sound, None, error)
        finally:
            transcription.close()
        return Result(sound, collected.transcript(self.spec))

    def _take(self, event: Event, collected: Collected) -> None:
        collected.take(event)
        if isinstance(event, Ready):
            self.announce()
        elif isinstance(event, Notice):
            self._listener.notice(event.message, event.code)
        elif isinstance(event, Gap):
            text = f"no text from {event.start:.1f} s to {event.end:.1f} s: {event.reason}"
            self._listener.notice(text, event.type)
        elif isinstance(event, Level) and (said := level_text(event)) is not None:
            self._listener.notice(said, event.type)
        elif isinstance(event, Failover):
            self._listener.notice(self._failovers.text(event), event.type)

    def announce(self) -> None:
        """Tell once what everybody should know of the choice of the model."""
        if not self._announced:
            self._announced = True
            self.setup.announce(self._listener)

    def finish(self) -> list[Notice]:
        """Have the last figures written; what there is to say about that."""
        if self._served is None:
            return []
        return [event for event in self._served.watch.close() if isinstance(event, Notice)]

    def close(self) -> None:
        """End the model's process and give its memory back."""
        self.__exit__(None, None, None)

    @property
    def _serving(self) -> Served:
        self.start()
        assert self._served is not None
        return self._served

    def _prepared(self) -> tuple[OfflineOptions, Shared]:
        """Return what all inputs share, made while the worker loads: it needs numpy."""
        if self._options is not None and self._shared is not None:
            return self._options, self._shared
        serving, setup, chosen = self._serving, self.setup, self._chosen
        from echocli.api.options import offline_options, offline_point
        from echocli.runtime.shared import Shared

        options = offline_options(setup, self._timing)
        refuse_ignored(setup.spec, options.decode)
        follows = adjuster(
            setup,
            self._environment,
            serving.service,
            offline_point(setup, options.decode),
            live=False,
            keeps_model=setup.sources["model"] != "recommendation",
            keeps_beam=chosen.given("beam_size") or chosen.given("preset"),
        )
        shared = Shared(serving.service, self._environment.clock, follows, serving.watch)
        self._options, self._shared = options, shared
        return options, shared

    def __enter__(self) -> Self:
        """Start to load."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the model's process; at once where something went wrong."""
        self._served = self._shared = self._options = None
        self._stack.__exit__(kind, error, trace)


def transcribe(
    sound: Sound,
    *,
    rate: int = SAMPLE_RATE,
    clip: Sequence[Part] = (),
    config: bool = False,
    profile: str | None = None,
    **wishes: Unpack[Wishes],
) -> Transcript:
    """Return the transcript of one file, stream or array.

    The model is loaded for it and let go; a :class:`Transcriber` keeps it. See there for the
    settings and the errors, and :meth:`Transcriber.open` for ``rate`` and ``clip``.
    """
    with Transcriber(config=config, profile=profile, **wishes) as transcriber:
        return transcriber.transcribe(sound, rate=rate, clip=clip)
