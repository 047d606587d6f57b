"""Have a server transcribe files: sent whole, answered segment by segment, tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from echocli.api.decoding import WordTiming
from echocli.api.listener import Listener, Logging
from echocli.audio.clip import WHOLE
from echocli.config import FLAG, Chosen
from echocli.environment import Environment
from echocli.errors import UsageError
from echocli.events import Event, Notice
from echocli.remote.address import Address, library, missing
from echocli.remote.answer import Problem
from echocli.remote.exchange import Failed, health, send
from echocli.remote.policy import GiveUp, Loss, Policy
from echocli.remote.telling import plain_seconds
from echocli.remote.told import Told
from echocli.remote.upload import STDIN, opened
from echocli.remote.wishes import LOCAL, refuse_theirs

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    import httpx2

    from echocli.audio.clip import Clip
    from echocli.providers.base import LoadSpec

CONNECT = 15.0
"""Seconds for a connection."""

QUIET = 60.0
"""Seconds between two signs of life; a server gives one every 10 s."""

PATHS = {"transcribe": "/v1/audio/transcriptions", "translate": "/v1/audio/translations"}

NOT_ASKED = (
    *("channel", "raw", "jobs", "best_of", "patience", "length_penalty", "suppress_tokens"),
    *("temperature_increment_on_fallback", "condition_on_previous_text", "no_speech_threshold"),
    *("compression_ratio_threshold", "log_prob_threshold"),
    *("vad", "vad_threshold", "vad_min_speech_ms", "vad_min_silence_ms", "vad_pad_ms"),
)
"""Settings that a server takes no word about, for files."""


class RemoteTranscriber:
    """Transcribe files on a server, as :class:`~echocli.api.transcriber.Transcriber` does here.

    Raises ``UsageError`` for an address that makes no sense and for what a server cannot be asked.
    """

    def __init__(
        self,
        chosen: Chosen,
        *,
        listener: Listener | None = None,
        environment: Environment | None = None,
        timing: WordTiming | None = None,
        token: str | None = None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._environment = environment or Environment()
        self._address = Address.chosen(chosen, self._environment, token)
        _refuse(chosen)
        self._chosen = chosen
        self._listener = listener or Logging()
        self._timing = timing or WordTiming.of(chosen)
        self._wait = wait
        self._stack = ExitStack()
        self._client: httpx2.Client | None = None
        self._lost: Problem | None = None
        """Why no input can be transcribed any more."""
        self._spec: LoadSpec | None = None

    def start(self) -> Self:
        """Get ready; the server is asked with the first input."""
        if self._client is None:
            http = library("httpx2")
            timeout = http.Timeout(QUIET, connect=CONNECT)
            verify = self._address.context() or True
            try:  # it imports what it needs itself only now
                client = http.Client(headers=self._address.headers, timeout=timeout, verify=verify)
            except ImportError as error:
                raise missing(error) from error
            self._client = self._stack.enter_context(client)
        return self

    @property
    def spec(self) -> LoadSpec:
        """What serves, as far as the server tells; it is asked until it does."""
        from echocli.providers.base import LoadSpec

        if self._spec is None and self._client is not None and self._lost is None:
            found = health(self._client, self._address)
            provider, model = found.get("provider"), found.get("model")
            if isinstance(provider, str) and isinstance(model, str):
                self._spec = LoadSpec(provider, model, "")
        return self._spec or LoadSpec("remote", "unknown", "")

    def open(self, sound: str, *, clip: Clip | tuple[()] = ()) -> RemoteTranscription:
        """Return one input on its way; raises ``UsageError`` for parts of it."""
        if clip not in ((), WHOLE):
            raise UsageError("--clip and --remote do not go together", hint="cut the file first")
        self.start()
        return RemoteTranscription(self, sound)

    def announce(self) -> None:
        """Have nothing to tell of a choice that the server makes."""

    def finish(self) -> list[Notice]:
        """Have nothing to tell of figures that the server keeps."""
        return []

    def __enter__(self) -> Self:
        """Get ready."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._client = None
        self._stack.__exit__(kind, error, trace)

    def _form(self) -> dict[str, Any]:
        """Return what is sent beside the file."""
        chosen = self._chosen
        fields: dict[str, Any] = {"model": "whisper-1", "stream": "true"}
        fields["response_format"] = "verbose_json"
        fields["timestamp_granularities[]"] = ["segment", *(["word"] * self._timing.align)]
        names = {"language": "language", "initial_prompt": "prompt", "hotwords": "hotwords"}
        found = {form: chosen[name] for name, form in names.items()}
        if chosen.given("temperature"):
            found["temperature"] = str(chosen["temperature"])
        return fields | {form: value for form, value in found.items() if value is not None}

    def events(self, sound: str) -> Iterator[Event]:
        """Yield the events of one input, however often it has to be sent."""
        if self._lost is not None:
            raise self._lost.error(self._address.host, sound)
        client, path = self._client, PATHS[self._chosen["task"]]
        assert client is not None
        with opened(sound, self._environment) as upload:
            name = "stdin" if sound == STDIN else Path(sound).name
            policy = Policy(random.random, self._chosen["retries"])
            told = Told(sound, lambda: self.spec, keep_words=self._timing.keep)
            while True:
                told.begin()
                try:
                    for message in send(client, self._address, path, self._form(), upload, name):
                        yield from told.take(message)
                    if not told.over:
                        raise Failed(Problem("the answer ended early"), Loss("ended early"))
                except Failed as failed:
                    self._go_on(failed, policy, sound)
                else:
                    return

    def _go_on(self, failed: Failed, policy: Policy, sound: str) -> None:
        """Wait until it is time for another try; raise the error where there is none."""
        clock, host = self._environment.clock, self._address.host
        verdict = policy.lost(failed.loss, clock.now())
        if failed.problem.blames_us or isinstance(verdict, GiveUp):
            problem = failed.problem
            tries = f", {policy.failures} tries" if policy.failures > 1 else ""
            problem = replace(problem, message=f"{problem.message}{tries}")
            if problem.concerns_all:
                self._lost = problem
            raise problem.error(host, sound)
        wait = max(0.0, verdict.at - clock.now())
        self._listener.notice(
            f"{host}: {failed.problem.message}; trying again in {plain_seconds(wait)}",
            "remote_lost",
        )
        self._wait(wait)


class RemoteTranscription:
    """One input on its way through the server; iterate :meth:`events` once."""

    def __init__(self, transcriber: RemoteTranscriber, sound: str) -> None:
        self._transcriber = transcriber
        self._sound = sound

    def begin(self) -> None:
        """Have nothing to do ahead: the server is sent one file at a time."""

    def events(self) -> Iterator[Event]:
        """Yield what happens, finals as soon as they come; ends with stats and end."""
        return self._transcriber.events(self._sound)

    def close(self) -> None:
        """Have nothing to let go of: the request ends with its events."""


def _refuse(chosen: Chosen) -> None:
    """Raise ``UsageError`` for what files on a server cannot have."""
    refuse_theirs(chosen)
    for name in NOT_ASKED:
        if chosen.given(name) and chosen.setting(name).source == FLAG:
            raise UsageError(
                f"{chosen.named(name)} and --remote do not go together for files",
                hint="a server is told language, task, prompt, hotwords and temperature",
            )
    if chosen["fallback"] == LOCAL:
        raise UsageError("--fallback local is for live sound", hint="leave it out for files")
