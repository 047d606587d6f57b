"""Watch over a run: keep the record of its health, raise alerts, write both to a file.

Alerts name what is done about them: a model that cannot be started and a provider that crashes are
left for the fallback, a hung inference ends with its worker, a worker that grew too large is
replaced between two requests, hopeless slowness and EMERGENCY are the ladder's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from echocli.clock import Clock
from echocli.errors import OutputError
from echocli.events import Event, Notice
from echocli.providers.base import Hypothesis, LoadSpec
from echocli.runtime.alerts import Alert, Alerts
from echocli.runtime.gpu_memory import GpuMemory
from echocli.runtime.health import Health
from echocli.runtime.incidents import Incident, What
from echocli.runtime.ladder import Rung
from echocli.runtime.lifecycle import State
from echocli.runtime.memory import Budget, MemoryWatch
from echocli.runtime.metrics_file import MetricsFile
from echocli.runtime.serving import Serving
from echocli.runtime.supervisor import Outcome
from echocli.runtime.worker_process import resident_bytes

MB = 2**20

RENEWAL = 30.0
"""Seconds between two tries to replace a worker that has grown."""

EVERY = 1.0
"""Seconds between two looks at memory."""


@dataclass(frozen=True, slots=True)
class Now:
    """How it stands: what the one who decodes knows."""

    rtf: float | None = None
    rung: Rung = Rung.NORMAL
    backlog: float = 0.0
    """Seconds of speech that wait."""
    depth: int = 0
    """Requests in line."""
    speech_ratio: float | None = None
    skipped: int = 0
    """Silences that were not decoded."""
    spooled: float = 0.0
    """Seconds of speech put aside so far."""
    dropped: float = 0.0
    """Seconds of sound lost so far."""
    dropped_chunks: int = 0


class Watched(Serving, Protocol):
    """What there is to know of a service, and to do about it."""

    @property
    def rss_bytes(self) -> int:
        """Memory of the worker when it last answered."""
        ...

    @property
    def incidents(self) -> deque[Incident]:
        """What happened to its models; the reader removes what it takes."""
        ...

    @property
    def state(self) -> State:
        """Where the model is in its life."""
        ...

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker that serves."""
        ...

    def renew(self) -> None:
        """Have a fresh worker of the same model take over."""
        ...


class Watch:
    """Follow one run; for the thread that decodes or hands out what is decoded."""

    def __init__(
        self,
        serving: Watched,
        clock: Clock,
        *,
        limit_mb: float | None = None,
        needed: Callable[[LoadSpec], float | None] = lambda _: None,
        metrics: MetricsFile | None = None,
        memory: MemoryWatch | None = None,
    ) -> None:
        self.health = Health(clock)
        self._serving = serving
        self._clock = clock
        self._limit_mb = limit_mb
        self._needed = needed
        self._metrics = metrics
        self._memory = memory
        self._gpu: GpuMemory | None = None
        self._alerts = Alerts()
        self._asked: float | None = None
        self._warm: dict[LoadSpec, int] = {}
        """Memory of each model's worker when it was warm."""
        self._renewed = float("-inf")
        self._looked = float("-inf")
        self._errors_in_a_row = 0
        self._before = Now()
        self._spooled = 0.0
        self._news: list[Event] = []

    @property
    def short_of_memory(self) -> bool:
        """Whether so little memory is left that the kernel may soon end somebody."""
        return self._memory is not None and self._memory.is_short(self._clock.now())

    @property
    def loading(self) -> bool:
        """Whether no model is ready: what is waited for is no inference."""
        return self._serving.state is not State.READY

    def asked(self, waited_ms: Sequence[float] = ()) -> None:
        """Take note that a request goes out, and how long its windows had waited."""
        self._asked = self._clock.now()
        for ms in waited_ms:
            self.health.wait(ms)

    def answered(
        self, outcomes: Sequence[Outcome], secs: Mapping[str, float], *, final: bool
    ) -> None:
        """Take note of an answer; ``secs`` are the seconds it took by source."""
        now = self._clock.now()
        self._judge(self._alerts.wait(0.0 if self._asked is None else now - self._asked, now))
        self._asked = None
        self._take_incidents()
        for outcome in outcomes:
            if isinstance(outcome, Hypothesis):
                self.health.decode(outcome.decode_ms, final)
        for source, busy in secs.items():
            self.health.busy(busy, source, final=final)
        if any(isinstance(outcome, Hypothesis) for outcome in outcomes):
            self.health.completed()
            self._errors_in_a_row = 0
            self._judge(self._alerts.errors(0, self._clock.now()))
        self._weigh()

    def covered(self, source: str, secs: float) -> None:
        """Take note that so much more of a source is decoded."""
        if secs > 0:
            self.health.audio(secs, source)

    def look(self, at: Now) -> Iterator[Event]:
        """Look at how it stands; yield what must be known, and write the figures if it is time."""
        now = self._clock.now()
        self._take_incidents()
        self.health.lifecycle(self._serving.state, self._serving.spec)
        self.health.level(at.rung.name)
        self.health.backlog(round(at.backlog, 3), at.depth)
        self.health.vad(at.speech_ratio, at.skipped)
        self._add_up(at)
        self._judge(self._alerts.rtf(at.rtf, now))
        self._judge(self._alerts.level(at.rung, now))
        self._judge(self._alerts.wait(0.0 if self._asked is None else now - self._asked, now))
        if now - self._looked >= EVERY:
            self._looked = now
            self._note_memory()
        if self._metrics is not None and self._metrics.due(now):
            self._write(last=False)
        news, self._news = self._news, []
        yield from news

    def close(self) -> list[Event]:
        """Write the last figures; what went wrong with that. Calling it twice is harmless."""
        self._take_incidents()
        self._note_memory()
        self._news.clear()  # alerts: what ended the run tells the same
        self._write(last=True)
        if self._gpu is not None:
            self._gpu.close()
        news, self._news = self._news, []
        return news

    def record(self) -> dict[str, Any]:
        """Return the record of the provider that serves."""
        return self.health.record()

    def _add_up(self, at: Now) -> None:
        before, self._before = self._before, at
        if at.spooled > self._spooled:  # it falls where something kept turns out to be lost
            self.health.spooled(at.spooled - self._spooled)
            self._spooled = at.spooled
        if at.dropped > before.dropped:
            self.health.dropped(
                at.dropped - before.dropped, at.dropped_chunks - before.dropped_chunks
            )

    def _take_incidents(self) -> None:
        incidents = self._serving.incidents
        while incidents:
            self._take(incidents.popleft())

    def _take(self, incident: Incident) -> None:
        now, spec = self._clock.now(), incident.spec
        match incident.what:
            case What.LOADED:
                where = (incident.device, incident.compute_type)
                self.health.load(spec, incident.load_ms, incident.warmup_ms, *where)
                self.health.lifecycle(State.READY, spec)
                self._judge(self._alerts.lifecycle(State.READY, now))
                self._warm[spec], self._renewed = incident.rss_bytes, float("-inf")
            case What.NOT_LOADED:
                self.health.error(incident.text, spec)
                self.health.lifecycle(State.ERROR, spec)
                self._judge(self._alerts.lifecycle(State.LOADING, now))
                self._judge(self._alerts.lifecycle(State.ERROR, now, incident.text))
            case What.FAILED:
                self.health.error(incident.text, spec)
                self._errors_in_a_row += 1
                who = f"{spec.provider}:{spec.model}"
                self._judge(self._alerts.errors(self._errors_in_a_row, now, who))
            case What.RESTARTED:
                self.health.restarted(spec)
        self.health.serve(self._serving.spec)

    def _weigh(self) -> None:
        """Have a worker replaced that has grown beyond what it may take."""
        used, spec, now = self._serving.rss_bytes, self._serving.spec, self._clock.now()
        if not used:
            return
        ordinary = round((self._needed(spec) or 0.0) * MB)
        if not self._warm.get(spec):
            self._warm[spec] = used
        budget = Budget(self._limit_mb, max(self._warm[spec], ordinary))
        self._judge(self._alerts.memory(used / MB, budget.most_mb, now))
        again = now - self._renewed >= RENEWAL
        if budget.exceeded(used) and budget.attainable and again:
            self._renewed = now
            self._serving.renew()

    def _note_memory(self) -> None:
        worker = self._serving.rss_bytes / MB
        parent = resident_bytes() / MB
        self.health.memory(round(worker, 1) or None, round(parent, 1) or None, self._on_gpu())

    def _on_gpu(self) -> float | None:
        """Return what the worker takes on a GPU, where it runs on one."""
        if not self._serving.spec.device.startswith("cuda"):
            return None
        if self._gpu is None:
            self._gpu = GpuMemory(lambda: self._serving.worker_pid, self._clock)
        return self._gpu.megabytes()

    def _judge(self, alert: Alert | None) -> None:
        if alert is not None:
            self.health.alert(alert)
            self._news.append(alert.notice)

    def _write(self, *, last: bool) -> None:
        """Write the figures; a file that takes no more is given up with a notice."""
        if self._metrics is None:
            return
        figures = (self.health.record(), self.health.counters())
        try:
            (self._metrics.close if last else self._metrics.write)(*figures)
            self._metrics = None if last else self._metrics
        except OutputError as error:
            self._news.append(Notice("metrics_failed", f"{error}; going on without"))
            self._metrics = None
