"""One model kept up in a worker process: start, load, warm up, replace, end.

Where the device has no room for the model it goes on as another :class:`LoadSpec`, if there is one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import TypeVar

from echocli.clock import Clock, SystemClock
from echocli.errors import EchoError, ModelError, OutOfMemory, TranscriptionError
from echocli.events import Notice
from echocli.providers.base import DecodeOptions, LoadReport, LoadSpec, Window
from echocli.runtime.lifecycle import Lifecycle, State
from echocli.runtime.policy import Policy
from echocli.runtime.protocol import Decoded, Loaded
from echocli.runtime.worker import Worker, WorkerDied
from echocli.types import SAMPLE_RATE

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WarmRun:
    """One inference of the warm-up: seconds of sound, milliseconds the provider worked on it."""

    seconds: float
    ms: float


class Upkeep:
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
        self.notices: deque[Notice] = deque(maxlen=100)
        self.report: LoadReport | None = None
        self.load_ms = 0.0
        self.warm_runs: list[WarmRun] = []
        self._policy = policy or Policy()
        self._clock = clock or SystemClock()
        self._fallback = fallback
        self._worker: Worker | None = None
        self._begun = threading.Lock()
        self._abandoned = False
        self._started_at = 0.0
        self._rtf: float | None = None

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker that serves now."""
        return self._worker.pid if self._worker else None

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
                self._worker = Worker(self.spec)

    def ready(self, warm: Sequence[Window] = ()) -> LoadReport:
        """Wait until the model serves and has decoded ``warm``; raise ``ModelError`` otherwise."""
        if self.lifecycle.state is not State.READY:
            self.lifecycle.start(lambda: self._start(warm))
        assert self.report is not None
        return self.report

    def close(self) -> None:
        """End the worker; its memory comes back for certain."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
        if self.lifecycle.state in (State.READY, State.ERROR):
            self.lifecycle.move(State.UNINITIALIZED)

    def abandon(self) -> None:
        """End the worker at once and for good, also while somebody else brings it up."""
        with self._begun:
            self._abandoned = True
            self.kill()

    def kill(self) -> None:
        """End the worker at once, in the middle of whatever it does."""
        if self._worker is not None:
            self._worker.kill()

    def _start(self, warm: Sequence[Window]) -> None:
        try:
            self._bring_up(warm)
        except BaseException as error:
            # The next try needs a process of its own: this one is dead, hung or without a model.
            self._discard()
            if not self._fall_back(error):
                raise
            self._start(warm)

    def _bring_up(self, warm: Sequence[Window]) -> None:
        loaded = self._load()
        self._note_memory(loaded)
        self.report = loaded.report
        self.load_ms = self._live().load_seconds * 1000
        # It may be there already, if warming up was what the device had no room for.
        if self.lifecycle.state is State.LOADING:
            self.lifecycle.move(State.WARMING_UP)
        self.warm_runs = []
        for window in warm:
            self.warm_runs.append(self._warm(window))
        self.lifecycle.move(State.READY)

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
        future = self._live().submit((window,), DecodeOptions(language="en"))
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
        if audio > 0:
            measured = answer.busy_ms / 1000 / audio
            self._rtf = max(measured, 0.8 * (self._rtf or 0.0))

    def _note_memory(self, answer: Loaded | Decoded) -> None:
        self.peak_rss_bytes = max(self.peak_rss_bytes, answer.rss_bytes)

    def _replace(self, error: BaseException) -> None:
        self.restarts += 1
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
