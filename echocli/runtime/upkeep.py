"""One model kept up in a worker process: start, load, warm up, replace, end.

Where the device has no room for the model it goes on as another :class:`LoadSpec`, if there is one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import TypeVar

from echocli import log
from echocli.clock import Clock, SystemClock
from echocli.errors import EchoError, ModelError, OutOfMemory, TranscriptionError
from echocli.events import Event, Notice
from echocli.providers.base import DecodeOptions, LoadReport, LoadSpec, Window
from echocli.runtime.alone import Alone
from echocli.runtime.incidents import Incident, What
from echocli.runtime.lifecycle import Lifecycle, State
from echocli.runtime.policy import Policy
from echocli.runtime.protocol import Conditions, Decoded, Loaded
from echocli.runtime.pulse import Pulse
from echocli.runtime.worker import Worker, WorkerDied
from echocli.types import SAMPLE_RATE

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WarmRun:
    """One inference of the warm-up: seconds of sound, milliseconds the provider worked on it."""

    seconds: float
    ms: float


class Upkeep(Alone):
    """Keep a worker with a model; whoever needs it asks for :meth:`ready`."""

    def __init__(
        self,
        spec: LoadSpec,
        *,
        policy: Policy | None = None,
        clock: Clock | None = None,
        fallback: LoadSpec | None = None,
    ) -> None:
        self.spec = spec
        """What is loaded now; ``fallback`` once the device had no room."""
        self.lifecycle = Lifecycle()
        self.restarts = 0
        self.peak_rss_bytes = 0
        self.notices: deque[Event] = deque(maxlen=100)
        self.incidents: deque[Incident] = deque(maxlen=100)
        """The same for the record, more of it; the reader removes what it takes."""
        self.report: LoadReport | None = None
        self.load_ms = 0.0
        self.warm_runs: list[WarmRun] = []
        self.rss_bytes = 0
        """Memory of the worker when it last answered."""
        self.conditions: Conditions | None = None
        """What the worker said about its last decode."""
        self.slowdown: Callable[[], float] = _not_slowed
        """How many times as long every decode shall take, to simulate load."""
        self.check: Callable[[], None] = _not_checked
        """What raises ``ModelError`` for damaged weights; called while they are loaded."""
        self._policy = policy or Policy()
        self._clock = clock or SystemClock()
        self._fallback = fallback
        self._worker: Worker | None = None
        self._pulse = Pulse(self._policy.ping_every)
        self.late = False
        """Whether a request that is under way takes far longer than expected."""
        self._begun = threading.Lock()
        self._abandoned = False
        self._warmth: tuple[Window, ...] = ()
        """What it was warmed with."""
        self._started_at = 0.0
        self._rtf: float | None = None

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker that serves now."""
        return self._worker.pid if self._worker else None

    @property
    def alive(self) -> bool:
        """Whether there is a worker and its process runs."""
        worker = self._worker
        return worker is not None and worker.alive

    @property
    def answers(self) -> bool:
        """Whether the worker gives the signs of life that it is asked for."""
        return self._pulse.owed < self._policy.answers_within

    def ping(self) -> None:
        """Ask an idle worker for a sign of life now and then; for who else would ask."""
        worker = self._worker
        if worker is not None and self.lifecycle.state is State.READY:
            self._pulse.feel(self._clock.now(), worker.ping)

    @property
    def started_ago_ms(self) -> float:
        """Milliseconds since the worker was started."""
        return (self._clock.now() - self._started_at) * 1000

    def begin(self) -> None:
        """Start the worker without waiting, so that loading overlaps with reading the audio."""
        with self._begun:
            if self._abandoned:
                raise ModelError(f"'{self.spec.model}' is not wanted any more")
            if self._worker is None:
                self._started_at = self._clock.now()
                log.event("provider_init", provider=self.spec.provider)
                log.event("model_load_start", **self._named)
                self._worker = self._spawned()
                self._pulse = Pulse(self._policy.ping_every)

    def _spawned(self) -> Worker:
        try:
            return Worker(self.spec)
        except OSError as error:  # no memory or no descriptors: perhaps later
            text = f"no process for '{self.spec.model}' can be started: {error}"
            raise ModelError(text) from error

    def ready(self, warm: Sequence[Window] = ()) -> LoadReport:
        """Wait until the model serves and has decoded ``warm``; raise ``ModelError`` otherwise."""
        self._warmth = tuple(warm) or self._warmth
        if self.lifecycle.state is not State.READY:
            self.lifecycle.start(lambda: self._start(warm))
        assert self.report is not None
        return self.report

    def close(self) -> None:
        """End the worker; its memory comes back for certain."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
            self.rss_bytes = 0
        if self.lifecycle.state in (State.READY, State.ERROR):
            self.lifecycle.move(State.UNINITIALIZED)

    def hurry(self) -> None:
        """Do nothing: one model is all there is, and it is not held out for."""

    def abandon(self) -> None:
        """End the worker at once and for good, also while somebody else brings it up."""
        with self._begun:
            self._abandoned = True
            self.kill()

    def kill(self) -> None:
        """End the worker at once, in the middle of whatever it does."""
        worker = self._worker  # another thread may be replacing it
        if worker is not None:
            worker.kill()

    def _start(self, warm: Sequence[Window]) -> None:
        try:
            self._bring_up(warm)
        except BaseException as error:
            # The next try needs a process of its own: this one is dead, hung or without a model.
            self._discard()
            if not self._fall_back(error):
                self._note_failure(error)
                raise
            self._start(warm)

    def _bring_up(self, warm: Sequence[Window]) -> None:
        self._live()
        self.check()
        loaded = self._load()
        self._note_memory(loaded)
        self.report = loaded.report
        self.notices.extend(Notice("provider", text) for text in loaded.report.notices)
        self.load_ms = self._live().load_seconds * 1000
        # It may be there already, if warming up was what the device had no room for.
        if self.lifecycle.state is State.LOADING:
            self.lifecycle.move(State.WARMING_UP)
        log.event("model_load_complete", **self._named, ms=self.load_ms)
        self.warm_runs = []
        log.event("model_warmup_start", **self._named)
        for window in warm:
            self.warm_runs.append(self._warm(window))
        ms = sum(run.ms for run in self.warm_runs)
        log.event("model_warmup_complete", **self._named, ms=ms)
        self.lifecycle.move(State.READY)
        self._note_ready(loaded.report, ms if warm else None)

    def _note_failure(self, error: BaseException) -> None:
        if not self._abandoned:  # that was meant
            log.event("model_init_error", **self._named, error=str(error))
            self.incidents.append(Incident(self.spec, What.NOT_LOADED, str(error)))

    def _note_ready(self, report: LoadReport, warmup_ms: float | None) -> None:
        where = (report.device, report.compute_type)
        log.event("model_ready", **self._named, device=where[0], compute_type=where[1])
        self.incidents.append(
            Incident(self.spec, What.LOADED, "", self.load_ms, warmup_ms, *where, self.rss_bytes)
        )

    @property
    def _named(self) -> dict[str, str]:
        return {"provider": self.spec.provider, "model": self.spec.model}

    def _fall_back(self, error: BaseException) -> bool:
        """Take the other spec where memory ran out; tell whether there was one."""
        full = any(isinstance(one, OutOfMemory) for one in (error, error.__cause__))
        if not full or self._fallback is None:
            return False
        before = f"{self.spec.model} ({self.spec.compute_type})"
        where = "CPU" if self._fallback.device == "cpu" else self._fallback.device
        text = f"{self.spec.device} has no room left for {before}: continuing on the {where}"
        self.notices.append(Notice("out_of_memory", text))
        self.spec, self._fallback = self._fallback, None
        self._rtf = None
        return True

    def _load(self) -> Loaded:
        """Wait for the model; a death costs a restart, as it does later, but not for ever."""
        for _ in range(self._policy.deaths_in_load - 1):
            try:
                return self._within(self._live().loaded, self._policy.init_timeout, "loading")
            except ModelError as error:
                if not isinstance(error.__cause__, WorkerDied):
                    raise
                self._replace(error.__cause__)
        return self._within(self._live().loaded, self._policy.init_timeout, "loading")

    def _warm(self, window: Window) -> WarmRun:
        """Decode through the worker that will serve, and check that it really did."""
        future = self._live().submit((window,), DecodeOptions(language="en"), self.slowdown())
        limit = self._started_at + self._policy.init_timeout - self._clock.now()
        answer = self._within(future, max(0.0, limit), "warming up")
        secs = len(window.samples) / SAMPLE_RATE
        self._learn(answer, secs)
        times = [found.decode_ms for found in answer.hypotheses if found.window_id == window.id]
        if len(times) != 1 or times[0] <= 0:
            raise ModelError(
                f"warming up '{self.spec.model}' failed: provider '{self.spec.provider}' answered "
                "without inference"
            )
        return WarmRun(secs, times[0])

    def _within(self, future: Future[T], limit: float, what: str) -> T:
        try:
            return future.result(timeout=limit)
        except (WorkerDied, TranscriptionError) as error:
            hint = error.hint if isinstance(error, EchoError) else None
            raise ModelError(f"{what} '{self.spec.model}' failed: {error}", hint=hint) from error
        except FutureTimeoutError as error:
            limit = self._policy.init_timeout
            raise ModelError(f"{what} '{self.spec.model}' took over {limit:g} s") from error

    def _learn(self, answer: Decoded, audio: float) -> None:
        """Follow the slowest recent RTF; a deadline may be late but must not kill the healthy."""
        self._note_memory(answer)
        self.conditions = answer.conditions
        if audio > 0:
            measured = answer.busy_ms / 1000 / audio / max(1.0, self.slowdown())
            self._rtf = max(measured, 0.8 * (self._rtf or 0.0))

    def _note_memory(self, answer: Loaded | Decoded) -> None:
        self.rss_bytes = answer.rss_bytes
        self.peak_rss_bytes = max(self.peak_rss_bytes, answer.rss_bytes)

    def _replace(self, error: BaseException) -> None:
        self.restarts += 1
        self.incidents.append(Incident(self.spec, What.RESTARTED, str(error)))
        self.notices.append(Notice("worker_restarted", f"the worker was restarted: {error}"))
        self._discard()
        self.begin()

    def _discard(self) -> None:
        self.kill()
        self._worker = None

    def _live(self) -> Worker:
        self.begin()
        assert self._worker is not None
        return self._worker


def _not_slowed() -> float:
    return 1.0


def _not_checked() -> None: ...
