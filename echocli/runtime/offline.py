"""Transcribe one input from its start to its end, as a stream of events.

A thread reads and listens (decoding the file, resampling, voice detection) into a bounded queue
while the caller's thread plans windows, asks the supervised worker and yields what is final. Memory
does not grow with the length of the input.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from echocli.audio.source import Source
from echocli.clock import Clock, SystemClock
from echocli.decoding.sequential import SequentialOptions
from echocli.decoding.stretches import Stretches
from echocli.events import End, Event, Final, Gap, Notice, Progress, Ready, StatsEvent
from echocli.providers.base import DecodeOptions, Hypothesis, Window
from echocli.runtime.hearing import Heard, Hearing
from echocli.runtime.stats import RunStats
from echocli.runtime.supervisor import Supervisor
from echocli.types import SAMPLE_RATE, Span, seconds
from echocli.vad.endpointer import VadOptions

QUEUE_BLOCKS = 32
"""Blocks read ahead, about as many seconds; the reader waits when they are not taken."""

BUFFERED = 300 * SAMPLE_RATE
"""Samples held at most while a slot has nothing to do: 19 MB."""

LEAST_REST = SAMPLE_RATE // 10
"""Sound behind a window that is too short for a word: 100 ms."""


@dataclass(frozen=True, slots=True)
class OfflineOptions:
    """How to transcribe; ``vad`` of ``None`` decodes all sound."""

    decode: DecodeOptions = field(default_factory=DecodeOptions)
    sequence: SequentialOptions = field(default_factory=SequentialOptions)
    vad: VadOptions | None = field(default_factory=VadOptions)


@dataclass(frozen=True, slots=True)
class _Over:
    """End of the input, or what stopped the reader."""

    closed: tuple[Span, ...] = ()
    error: BaseException | None = None


class Transcription:
    """One input on its way through the model; iterate :meth:`events` once."""

    def __init__(
        self,
        source: Source,
        supervisor: Supervisor,
        options: OfflineOptions | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.stats = RunStats()
        self._source = source
        self._supervisor = supervisor
        self._options = options or OfflineOptions()
        self._clock = clock or SystemClock()
        self._asked_at = self._clock.now()
        self._queue: queue.Queue[Heard | _Over] = queue.Queue(QUEUE_BLOCKS)
        self._stop = threading.Event()
        self._hearing: Hearing | None = None
        self._stretches = Stretches(_fitted(self._options))
        self._over = False
        self._failure: BaseException | None = None
        """What stopped the reader; raised after all that was heard is decoded."""
        self._gaps: list[Gap] = []
        self._restarts_before = supervisor.restarts

    def events(self) -> Iterator[Event]:
        """Yield what happens, finals as soon as they are final; ends with stats and end."""
        reader = threading.Thread(target=self._read, name="reader", daemon=True)
        reader.start()
        try:
            yield from self._run()
        finally:
            self._stop.set()
            # One that waits for a pipe cannot be woken; it ends with the pipe or the process.
            reader.join(timeout=0.5)

    def _run(self) -> Iterator[Event]:
        self._feed(self._queue.get())
        self._supervisor.ready()
        yield Ready(self._source.name, self._supervisor.spec.provider, self._supervisor.spec.model)
        while True:
            windows = self._next_windows()
            if not windows:
                break
            yield from self._decode(windows)
        yield from self._news()
        if self._failure is not None:
            raise self._failure
        yield from self._close()

    def _next_windows(self) -> list[Window]:
        """Return the windows to decode now; none at the end of the input.

        Sound that is already here is taken first, up to :data:`BUFFERED`, so that all slots have
        work; waiting for more is only right when there is nothing to do.
        """
        while True:
            wanted = self._side_by_side()
            windows = self._stretches.requests(wanted)
            full = len(windows) == wanted
            if self._over or full or (windows and self._stretches.buffered > BUFFERED):
                return windows
            try:
                self._feed(self._queue.get(block=not windows))
            except queue.Empty:
                return windows

    def _side_by_side(self) -> int:
        """Return how many windows may run at once: one until the language is known."""
        options = self._options.decode
        known = options.language is not None or self._stretches.language is not None
        return self._supervisor.spec.slots if known else 1

    def _feed(self, item: Heard | _Over) -> None:
        if isinstance(item, Heard):
            self._stretches.feed(item.samples, item.closed, item.open_start, item.decided)
            return
        if item.error is not None and not self._heard():
            raise item.error
        self._stretches.finish(item.closed)
        self._failure = item.error
        self._over = True

    def _heard(self) -> bool:
        return self._hearing is not None and self._hearing.total > 0

    def _decode(self, windows: list[Window]) -> Iterator[Event]:
        start = self._clock.now()
        options = self._options.decode
        if options.language is None:
            options = replace(options, language=self._stretches.language)
        outcomes = self._supervisor.decode(windows, options)
        self.stats.busy_seconds += self._clock.now() - start
        for outcome in outcomes:
            if isinstance(outcome, Hypothesis):
                self.stats.infer_ms.append(outcome.decode_ms)
                self._stretches.accept(outcome)
            else:
                self._stretches.lose(outcome.window_id, outcome.reason)
        yield from self._news()

    def _news(self) -> Iterator[Event]:
        """Yield what is final now, what the user should know, and how far it is."""
        for item in self._stretches.release():
            if isinstance(item, Gap):
                self._gaps.append(item)
                yield item
            else:
                self._saw_text()
                yield Final(replace(item, source=self._source.name))
        yield from self._notices()
        yield Progress(self._stretches.position / SAMPLE_RATE, self._source.duration)

    def _saw_text(self) -> None:
        if self.stats.first_text_ms is None:
            self.stats.first_text_ms = (self._clock.now() - self._asked_at) * 1000

    def _notices(self) -> Iterator[Notice]:
        while self._supervisor.notices:
            yield self._supervisor.notices.popleft()
        while self._hearing is not None and self._hearing.notices:
            yield self._hearing.notices.pop(0)
        while self._source.notices:
            yield Notice("input", self._source.notices.pop(0))

    def _close(self) -> Iterator[Event]:
        assert self._hearing is not None
        duration = seconds(self._hearing.total)
        self._fill_stats(self._hearing)
        yield Progress(duration, duration)
        yield StatsEvent(self.stats.to_dict())
        yield End(duration, self._stretches.language)

    def _fill_stats(self, hearing: Hearing) -> None:
        stats, spec, report = self.stats, self._supervisor.spec, self._supervisor.report
        stats.provider, stats.model = spec.provider, spec.model
        stats.device = report.device if report else spec.device
        stats.compute_type = report.compute_type if report else spec.compute_type
        stats.audio_seconds = hearing.total / SAMPLE_RATE
        stats.speech_seconds = hearing.speech_samples / SAMPLE_RATE
        stats.wall_seconds = self._clock.now() - self._asked_at
        stats.model_load_time_ms = self._supervisor.load_ms
        stats.windows = self._stretches.windows
        stats.guards = self._stretches.actions
        stats.vad_enabled = self._options.vad is not None
        stats.vad_skipped_chunks = hearing.silences
        stats.vad_failures = hearing.failures
        stats.worker_restarts = self._supervisor.restarts - self._restarts_before
        stats.lost_seconds = sum(gap.end - gap.start for gap in self._gaps)
        stats.worker_memory_mb = self._supervisor.peak_rss_bytes / 2**20

    def _read(self) -> None:
        """Read, listen and queue; runs in its own thread and must not raise."""
        error: BaseException | None = None
        closed: tuple[Span, ...] = ()
        try:
            self._hearing = Hearing(self._options.vad)
            error = self._listen(self._hearing)
            closed = self._hearing.finish()
        except BaseException as unexpected:
            error = unexpected
        self._put(_Over(closed, error))

    def _listen(self, hearing: Hearing) -> BaseException | None:
        """Queue the whole input; what stopped it early, if anything did."""
        try:
            with self._source as source:
                for block in source.blocks():
                    if not self._put(hearing.hear(block)):
                        break
        except BaseException as error:
            return error
        return None

    def _put(self, item: Heard | _Over) -> bool:
        """Queue an item, waiting for room; false once nobody listens any more."""
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False


def _fitted(options: OfflineOptions) -> SequentialOptions:
    """Tell the planner how much of a span's end is padding, and so no reason for a window."""
    padding = 0 if options.vad is None else options.vad.samples(options.vad.pad_ms)
    windows = replace(options.sequence.windows, shortest=padding + LEAST_REST)
    return replace(options.sequence, windows=windows)
