"""Transcribe one input from its start to its end, as a stream of events.

A thread reads and listens (decoding the file, resampling, voice detection) into a bounded queue
while the caller's thread plans windows, asks the supervised worker and yields what is final. Memory
does not grow with the length of the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from echocli.audio.clip import ENDLESS, WHOLE, Clip
from echocli.audio.source import Source
from echocli.clock import Clock, SystemClock
from echocli.decoding.pipeline import Pipeline, PipelineOptions
from echocli.errors import EchoError
from echocli.events import End, Event, Failover, Final, Gap, Notice, Progress, StatsEvent
from echocli.providers.base import DecodeOptions, Hypothesis, Window
from echocli.runtime.hearing import Heard, Hearing
from echocli.runtime.reading import Over, Reader
from echocli.runtime.serving import Serving, ready
from echocli.runtime.shared import Shared
from echocli.runtime.stats import RunStats, wordless
from echocli.runtime.supervisor import Outcome
from echocli.types import SAMPLE_RATE, seconds
from echocli.vad.endpointer import VadOptions

BUFFERED = 400 * SAMPLE_RATE
"""Samples held at most while a slot has nothing to do: 26 MB."""

AHEAD = 60 * SAMPLE_RATE
"""Samples held of an input whose turn has not come."""


@dataclass(frozen=True, slots=True)
class OfflineOptions:
    """How to transcribe; ``vad`` of ``None`` decodes all sound."""

    decode: DecodeOptions = field(default_factory=DecodeOptions)
    pipeline: PipelineOptions = field(default_factory=PipelineOptions)
    vad: VadOptions | None = field(default_factory=VadOptions)
    clip: Clip = WHOLE
    """The parts to transcribe."""

    @property
    def fitted(self) -> PipelineOptions:
        """The windows, with as much silence around speech as voice detection is told to keep."""
        if self.vad is None:
            return self.pipeline
        pad = self.vad.samples(self.vad.pad_ms)
        return replace(self.pipeline, packing=replace(self.pipeline.packing, pad=pad))


class Transcription:
    """One input on its way through the model; iterate :meth:`events` once."""

    def __init__(
        self,
        source: Source,
        supervisor: Serving,
        options: OfflineOptions | None = None,
        *,
        clock: Clock | None = None,
        shared: Shared | None = None,
    ) -> None:
        self.stats = RunStats()
        self._source = source
        self._supervisor = supervisor
        self._options = options or OfflineOptions()
        self._clock = clock or SystemClock()
        self._asked_at = self._clock.now()
        self._reader = Reader(source, self._options.vad, self._options.clip)
        self._pipeline = Pipeline(self._options.fitted)
        self._shared = shared or Shared(supervisor, self._clock)
        self._over = False
        self._failure: BaseException | None = None
        """What stopped the reader; raised after all that was heard is decoded."""
        self._gaps: list[Gap] = []
        self._finals = 0
        self._covered = 0.0
        """Seconds that the watch knows of."""
        self._restarts_before = supervisor.restarts
        self._levels_known: int | None = None
        """How many changes of the level the stats account for; ``None`` before it begins."""

    def begin(self) -> None:
        """Start to read, and take part in the decoding of others, before it is this one's turn."""
        self._reader.start()
        self._shared.join(self)

    def events(self) -> Iterator[Event]:
        """Yield what happens, finals as soon as they are final; ends with stats and end."""
        self._shared.leave(self)
        self._reader.start()
        self._reader.go_on()
        self._asked_at = self._clock.now()
        try:
            yield from self._run()
        except EchoError:
            yield from self._serving_news()  # what was tried before it came to that
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Stop reading."""
        self._shared.leave(self)
        self._reader.stop()

    def ahead(self, count: int) -> list[Window]:
        """Return up to ``count`` windows that are ready now, without waiting."""
        while not self._over and self._pipeline.buffered < AHEAD:
            item = self._reader.get(wait=False)
            if isinstance(item, Over) and item.error is not None:
                self._reader.put_back(item)  # its own turn is the time to fail
                break
            if item is None:
                break
            self._feed(item)
        return self._windows(min(count, self._side_by_side()))

    def take(self, outcomes: Sequence[Outcome], busy: float) -> None:
        """Take answers and the seconds they took."""
        self.stats.busy_seconds += busy
        for outcome in outcomes:
            if isinstance(outcome, Hypothesis):
                self.stats.note_decode(outcome.decode_ms)
                self._pipeline.accept(outcome)
            else:
                self._pipeline.lose(outcome.window_id, outcome.reason)

    def withdraw(self, windows: Sequence[Window]) -> None:
        """Take windows back that got no answer; they may be asked for again."""
        for window in windows:
            self._pipeline.withdraw(window.id)

    def _run(self) -> Iterator[Event]:
        if not self._over and not self._reader.heard:
            self._take_block(wait=True)
        self._supervisor.ready()
        yield ready(self._source.name, self._supervisor.spec)
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
        windows: list[Window] = []
        while True:
            wanted = self._side_by_side()
            windows += self._windows(wanted - len(windows))
            full = len(windows) >= wanted or (windows and self._pipeline.buffered > BUFFERED)
            if self._over or full:
                return windows
            if not self._take_block(wait=not windows):
                return windows

    def _windows(self, count: int) -> list[Window]:
        """Return windows to decode from here on at the level of now."""
        windows = self._pipeline.requests(count)
        if windows:
            self._follow(min(window.start for window in windows) / SAMPLE_RATE)
        return windows

    def _side_by_side(self) -> int:
        """Return how many windows may run at once: one until the language is known."""
        report = self._supervisor.report
        listens = report is None or report.multilingual
        known = self._options.decode.language is not None or self._pipeline.language is not None
        return self._shared.wanted if known or not listens else 1

    def _take_block(self, *, wait: bool) -> bool:
        item = self._reader.get(wait=wait)
        if item is not None:
            self._feed(item)
        return item is not None

    def _feed(self, item: Heard | Over) -> None:
        if isinstance(item, Heard):
            self._pipeline.feed(item.samples, item.islands, item.open_start, item.decided)
            return
        if item.error is not None and not self._reader.heard:
            raise item.error
        self._pipeline.finish(item.islands)
        self._failure = item.error
        self._over = True

    def _decode(self, windows: list[Window]) -> Iterator[Event]:
        self._shared.decode(self, windows, self._options.decode)
        yield from self._news()

    def _news(self) -> Iterator[Event]:
        """Yield what the user should know, what is final now, and how far it is."""
        yield from self._notices()  # who else serves by now comes before the text of that one
        for item in self._pipeline.release():
            if isinstance(item, Gap):
                self._gaps.append(item)
                yield item
            else:
                self._finals += 1
                self._saw_text()
                yield Final(replace(self._options.clip.fit(item), source=self._source.name))
        position = self._pipeline.position / SAMPLE_RATE
        self._cover(self._pipeline.position)
        for event in self._shared.news(position, *self._reader.speech):
            self._follow(position)
            yield event
        yield Progress(position, self._to_read())

    def _cover(self, position: int) -> None:
        """Take note of how much of the input is decoded."""
        covered = self._options.clip.inside(0, position) / SAMPLE_RATE
        self._shared.covered(covered - self._covered)
        self._covered = max(covered, self._covered)

    def _follow(self, position: float) -> None:
        """Keep at which level this input began, and the changes since as from ``position`` on."""
        levels = self._shared.levels
        if self._levels_known is None:
            self._levels_known = len(levels)
            self.stats.level_at_start = levels[-1].to if levels else "NORMAL"
        for level in levels[self._levels_known :]:
            self.stats.note_level(replace(level, position=round(position, 3)))
        self._levels_known = len(levels)

    def _to_read(self) -> float | None:
        """Return how many seconds will be read, where that is known."""
        stated, end = self._source.duration, self._options.clip.end
        if end == ENDLESS:
            return stated
        return min(end / SAMPLE_RATE, float("inf") if stated is None else stated)

    def _saw_text(self) -> None:
        if self.stats.first_text_ms is None:
            self.stats.first_text_ms = (self._clock.now() - self._asked_at) * 1000

    def _notices(self) -> Iterator[Event]:
        yield from self._serving_news()
        hearing = self._reader.hearing
        while hearing is not None and hearing.listening.notices:
            yield hearing.listening.notices.pop(0)
        while self._source.notices:
            yield Notice("input", self._source.notices.pop(0))

    def _serving_news(self) -> Iterator[Event]:
        """Yield what became of workers and providers."""
        while self._supervisor.notices:
            event = self._supervisor.notices.popleft()
            if isinstance(event, Failover):
                self.stats.note_failover(event)
            yield event

    def _close(self) -> Iterator[Event]:
        hearing = self._reader.hearing
        assert hearing is not None
        read = seconds(hearing.total)
        self._cover(hearing.total)
        for event in self._shared.news(read, *self._reader.speech):
            self._follow(read)
            yield event
        self._fill_stats(hearing)
        if not self._finals and not self._gaps:
            yield from wordless(self.stats, self._source.name)
        yield Progress(read, read)
        yield StatsEvent(self.stats.to_dict())
        yield End(self._duration(hearing.total), self._pipeline.language)

    def _duration(self, read: int) -> float:
        """Return the length of the input; as stated where it was not read to its end."""
        if read < self._options.clip.end:
            return seconds(read)
        return max(seconds(read), round(self._source.duration or 0.0, 3))

    def _fill_stats(self, hearing: Hearing) -> None:
        stats = self.stats
        stats.health = self._shared.record
        stats.describe(self._supervisor, self._restarts_before)
        stats.audio_seconds = self._options.clip.inside(0, hearing.total) / SAMPLE_RATE
        stats.speech_seconds = hearing.speech_samples / SAMPLE_RATE
        stats.wall_seconds = self._clock.now() - self._asked_at
        stats.windows = self._pipeline.windows
        stats.guards = self._pipeline.actions
        stats.vad_enabled = self._options.vad is not None
        stats.vad_skipped_chunks = hearing.silences
        stats.vad_failures = hearing.listening.failures
        stats.lost_seconds = sum(gap.end - gap.start for gap in self._gaps)
