"""One model for many live runs and files at the same time: what a server is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from echocli.api.decoding import WordTiming
from echocli.api.keeping import adjuster, served
from echocli.api.listener import Listener
from echocli.api.setup import Setup, check_language, prepare
from echocli.api.sounds import Sound, open_sound
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import EchoError, UsageError
from echocli.models.languages import AUTO
from echocli.providers import registry
from echocli.types import SAMPLE_RATE

if TYPE_CHECKING:
    from echocli.audio.capture import Capture
    from echocli.runtime.host import Host
    from echocli.runtime.live_run import Live
    from echocli.runtime.offline import Transcription

WISHES = frozenset(
    {
        *("language", "task", "initial_prompt", "hotwords", "word_timestamps"),
        *("temperature", "condition_on_previous_text", "vad", "vad_threshold"),
        *("vad_min_speech_ms", "vad_min_silence_ms", "vad_pad_ms", "chunk_seconds"),
    }
)
"""Settings each guest may choose: nothing that loads a model, opens a file or costs others much."""

LONGEST_PROMPT = 2000
"""Characters of a prompt or of hotwords; the model reads 224 tokens at most."""


class Hosting:
    """A model that is loaded, or about to be, and those who share it.

    Names of live runs and files must differ while they last; :meth:`close_guest` lets one go.
    """

    def __init__(self, setup: Setup, environment: Environment, host: Host) -> None:
        self.setup = setup
        self.host = host
        self._environment = environment

    def live(
        self,
        name: str,
        captures: Sequence[Capture],
        wishes: Mapping[str, Any],
        *,
        starts: Mapping[str, int] | None = None,
        first_id: int = 0,
    ) -> Live:
        """Return a live run; its sources wait while much of them is to be decoded.

        ``starts`` says where each source begins, in samples (0 unless named), ``first_id`` with
        which number the utterances do. Raises ``UsageError`` for what this model cannot do.
        """
        from echocli.api.options import live_options, live_point
        from echocli.runtime.live_run import Live
        from echocli.runtime.spool import Spool

        setup = self._wishing(wishes)
        options = live_options(setup, WordTiming.of(setup.chosen))
        point = live_point(setup, options)
        guest = self.host.enter(name, live=True)
        follower, reporter = self.host.follow(name, point, len(captures))
        return Live(
            captures,
            guest,
            options,
            clock=self._environment.clock,
            detect=setup.chosen["vad"],
            can_wait=True,
            adjuster=follower,
            watch=reporter,
            spool=None if point.discards else Spool(leaves=False),
            starts=starts or {},
            first_id=first_id,
        )

    def open(
        self, name: str, sound: Sound, wishes: Mapping[str, Any], *, rate: int = SAMPLE_RATE
    ) -> Transcription:
        """Return a file on its way: iterate its ``events()`` once, then ``close()`` it.

        Raises ``UsageError`` for what this model cannot do, ``InputError`` for no sound. What is
        cancelled ends with :class:`~echocli.runtime.serving.Withdrawn`.
        """
        from echocli.api.options import offline_options
        from echocli.runtime.follower import Reporter
        from echocli.runtime.offline import Transcription
        from echocli.runtime.shared import Shared

        setup, clock = self._wishing(wishes), self._environment.clock
        options = offline_options(setup, WordTiming.of(setup.chosen))
        source = open_sound(sound, setup.chosen, self._environment, rate=rate)
        guest = self.host.enter(name, live=False)
        shared = Shared(guest, clock, watch=Reporter(name, self.host.books))
        return Transcription(source, guest, options, clock=clock, shared=shared)

    def cancel(self, name: str) -> None:
        """Have nothing more decoded for one: whoever wanted it is gone. From any thread."""
        self.host.cancel(name)

    def close_guest(self, name: str) -> None:
        """Let one go that is over."""
        self.host.leave(name)

    def _wishing(self, wishes: Mapping[str, Any]) -> Setup:
        """Return the setup with what one of many asks for."""
        wishes = {key: value for key, value in wishes.items() if value is not None}
        if unknown := sorted(wishes.keys() - WISHES):
            raise UsageError(
                f"'{unknown[0]}' cannot be chosen by a client",
                hint="there are: " + ", ".join(sorted(WISHES)),
            )
        for key in ("initial_prompt", "hotwords"):
            if len(str(wishes.get(key, ""))) > LONGEST_PROMPT:
                text = f"{key} is longer than {LONGEST_PROMPT} characters"
                raise UsageError(text, setting=key)
        chosen = self.setup.chosen.wishing(wishes)
        language = None if chosen["language"] in (None, AUTO) else str(chosen["language"])
        setup = replace(self.setup, chosen=chosen, language=language)
        if registry.get(setup.spec.provider).info.model_format in ("ct2", "ggml"):
            check_language(setup.spec, language, setup.task)
        return setup


class _Complaints:
    """Tell why a model could not be loaded; the same reason once."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._told = ""

    def __call__(self, error: EchoError) -> None:
        """Take what went wrong."""
        text = f"no model serves: {error}" + (f"; {error.hint}" if error.hint else "")
        if text != self._told:
            self._told = text
            self._listener.notice(text, "model_failed")


@contextmanager
def hosting(
    chosen: Chosen,
    environment: Environment,
    listener: Listener,
    *,
    sessions: int = 10,
    level: int = 2,
) -> Iterator[Hosting]:
    """Choose a model and start to load it, and warm it to ``level``, without waiting.

    ``sessions`` is how many live runs there will be at most. Raises what
    :func:`~echocli.api.setup.prepare` raises.
    """
    setup = prepare(environment, chosen, listener)
    with hosted(setup, environment, listener, sessions=sessions, level=level) as made:
        yield made


@contextmanager
def hosted(
    setup: Setup,
    environment: Environment,
    listener: Listener,
    *,
    sessions: int = 10,
    level: int = 2,
) -> Iterator[Hosting]:
    """Start to load a model that is chosen already, as :func:`hosting` does."""
    with served(setup, environment, waits=False) as serving:
        from echocli.api.options import live_options, live_point
        from echocli.runtime.host import Host
        from echocli.runtime.warmup import Level

        point = live_point(setup, live_options(setup, WordTiming(align=False, keep=False)))
        host = Host(
            serving.service,
            serving.watch,
            adjuster(setup, environment, serving.service, point, live=True),
            environment.clock,
            level=Level(level),
            unload_after=setup.chosen["unload_after"],
            sessions=sessions,
            failed=_Complaints(listener),
        )
        host.start()
        try:
            yield Hosting(setup, environment, host)
        finally:
            host.close()
