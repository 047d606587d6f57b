"""A model that stays up: start, watch with a deadline, restart, decode again.

After a death the windows in flight are decoded again one at a time, so that only a window that
kills alone counts against itself; after three such deaths it is given up as :class:`Lost`.
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
from echocli.errors import ModelError, TranscriptionError
from echocli.events import Notice
from echocli.providers.base import DecodeOptions, Hypothesis, LoadReport, LoadSpec, Window
from echocli.runtime.lifecycle import INIT_TIMEOUT, Lifecycle, State
from echocli.runtime.protocol import Decoded, Loaded
from echocli.runtime.worker import Worker, WorkerDied
from echocli.types import SAMPLE_RATE

T = TypeVar("T")

LEAST_AUDIO = 10 * SAMPLE_RATE
"""Samples a shorter window counts as: models pad, so it costs nearly as much as a long one, and
taken at its length it would make the next deadline far too late."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long a request may take before its worker counts as hung.

    ``max(minimum, factor × expected)`` seconds, where expected is the sound's length times the RTF
    measured so far; ``unmeasured`` stands in for the RTF before the first answer.
    """

    minimum: float = 10.0
    factor: float = 8.0
    unmeasured: float = 0.5

    def seconds(self, audio: float, rtf: float | None) -> float:
        """Return the limit in seconds for ``audio`` seconds of sound."""
        expected = audio * (self.unmeasured if rtf is None else rtf)
        return max(self.minimum, self.factor * expected)


@dataclass(frozen=True, slots=True)
class Policy:
    """When to give up; the defaults are DESIGN's."""

    deadline: Deadline = Deadline()
    init_timeout: float = INIT_TIMEOUT
    deaths_per_window: int = 3
    deaths_in_load: int = 3
    lost_in_a_row: int = 3
    """Windows lost one after the other with none completed in between: the provider is broken."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A window that was given up, and why."""

    window_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class WarmRun:
    """One inference of the warm-up: seconds of sound, milliseconds the provider worked on it."""

    seconds: float
    ms: float


Outcome = Hypothesis | Lost


class WorkerHung(Exception):
    """No answer within the deadline."""


class Supervisor:
    """Serve one model through a worker process that is replaced when it dies or hangs."""

    def __init__(
        self, spec: LoadSpec, *, policy: Policy | None = None, clock: Clock | None = None
    ) -> None:
        self.spec = spec
        self.lifecycle = Lifecycle()
        self.restarts = 0
        self.peak_rss_bytes = 0
        self.notices: deque[Notice] = deque(maxlen=100)
        self.report: LoadReport | None = None
        self.load_ms = 0.0
        self.warm_runs: list[WarmRun] = []
        self._policy = policy or Policy()
        self._clock = clock or SystemClock()
        self._worker: Worker | None = None
        self._begun = threading.Lock()
        self._started_at = 0.0
        self._rtf: float | None = None
        self._lost_in_a_row = 0

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
            if self._worker is None:
                self._started_at = self._clock.now()
                self._worker = Worker(self.spec)

    def ready(self, warm: Sequence[Window] = ()) -> LoadReport:
        """Wait until the model serves and has decoded ``warm``; raise ``ModelError`` otherwise."""
        if self.lifecycle.state is not State.READY:
            self.lifecycle.start(lambda: self._start(warm))
        assert self.report is not None
        return self.report

    def decode(self, windows: Sequence[Window], options: DecodeOptions) -> list[Outcome]:
        """Decode windows whatever happens to the worker; outcomes are in their order."""
        self.ready()
        outcomes: dict[int, Outcome] = {}
        failures = {window.id: 0 for window in windows}
        waiting = deque([tuple(windows)] if windows else [])
        while waiting:
            group = waiting.popleft()
            self._revive()
            try:
                answer = self._attempt(group, options)
            except (WorkerDied, WorkerHung, TranscriptionError) as error:
                self._recover(error)
                waiting.extendleft(reversed(self._again(group, failures, outcomes, error)))
            else:
                self._lost_in_a_row = 0
                outcomes.update((found.window_id, found) for found in answer.hypotheses)
        return [outcomes[window.id] for window in windows]

    def close(self) -> None:
        """End the worker; its memory comes back for certain."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
        if self.lifecycle.state in (State.READY, State.ERROR):
            self.lifecycle.move(State.UNINITIALIZED)

    def kill(self) -> None:
        """End the worker at once, in the middle of whatever it does."""
        if self._worker is not None:
            self._worker.kill()

    def _start(self, warm: Sequence[Window]) -> None:
        try:
            self._bring_up(warm)
        except BaseException:
            # The next try needs a process of its own: this one is dead, hung or without a model.
            self.kill()
            self._worker = None
            raise

    def _bring_up(self, warm: Sequence[Window]) -> None:
        loaded = self._load()
        self._note_memory(loaded)
        self.report = loaded.report
        self.load_ms = self._live().load_seconds * 1000
        self.lifecycle.move(State.WARMING_UP)
        self.warm_runs = []
        for window in warm:
            self.warm_runs.append(self._warm(window))
        self.lifecycle.move(State.READY)

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
            raise ModelError(f"{what} '{self.spec.model}' failed: {error}") from error
        except FutureTimeoutError as error:
            limit = self._policy.init_timeout
            raise ModelError(f"{what} '{self.spec.model}' took over {limit:g} s") from error

    def _attempt(self, group: tuple[Window, ...], options: DecodeOptions) -> Decoded:
        audio = sum(max(len(w.samples), LEAST_AUDIO) for w in group) / SAMPLE_RATE
        limit = self._policy.deadline.seconds(audio, self._rtf)
        if any(window.temperature > 0 for window in group):
            # Sampling may load the model once more (see the faster-whisper provider).
            limit += self._policy.deadline.factor * self.load_ms / 1000
        future = self._live().submit(group, options)
        try:
            answer = future.result(timeout=limit)
        except FutureTimeoutError as error:
            raise WorkerHung(f"no answer within {limit:.0f} s") from error
        self._learn(answer, audio)
        return answer

    def _learn(self, answer: Decoded, audio: float) -> None:
        """Follow the slowest recent RTF; a deadline may be late but must not kill the healthy."""
        self._note_memory(answer)
        if audio > 0:
            measured = answer.busy_ms / 1000 / audio
            self._rtf = max(measured, 0.8 * (self._rtf or 0.0))

    def _note_memory(self, answer: Loaded | Decoded) -> None:
        self.peak_rss_bytes = max(self.peak_rss_bytes, answer.rss_bytes)

    def _recover(self, error: Exception) -> None:
        """Bring a fresh worker up unless this one only reported an error."""
        if isinstance(error, TranscriptionError):
            return
        self.lifecycle.move(State.ERROR, error)
        self._replace(error)
        self.ready()

    def _revive(self) -> None:
        """Replace a worker that died between requests; no window is to blame."""
        if not self._live().alive:
            self._recover(WorkerDied("it ended between requests"))

    def _replace(self, error: BaseException) -> None:
        self.restarts += 1
        self.notices.append(Notice("worker_restarted", f"the worker was restarted: {error}"))
        self.kill()
        self._worker = None
        self.begin()

    def _again(
        self,
        group: tuple[Window, ...],
        failures: dict[int, int],
        outcomes: dict[int, Outcome],
        error: Exception,
    ) -> list[tuple[Window, ...]]:
        """Say what to decode again after a failure of ``group``."""
        if len(group) > 1:
            return [(window,) for window in group]
        window = group[0]
        failures[window.id] += 1
        if failures[window.id] < self._policy.deaths_per_window:
            return [group]
        self._give_up(window, outcomes, error)
        return []

    def _give_up(self, window: Window, outcomes: dict[int, Outcome], error: Exception) -> None:
        outcomes[window.id] = Lost(window.id, str(error))
        self._lost_in_a_row += 1
        if self._lost_in_a_row >= self._policy.lost_in_a_row:
            raise TranscriptionError(
                f"provider '{self.spec.provider}' keeps failing: {error}",
                hint="try a smaller --model or another --provider",
            ) from error

    def _live(self) -> Worker:
        self.begin()
        assert self._worker is not None
        return self._worker
