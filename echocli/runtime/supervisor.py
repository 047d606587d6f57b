"""A model that answers: watch with a deadline, restart, decode again.

After a death the windows in flight are decoded again one at a time, so that only a window that
kills alone counts against itself; after three such deaths it is given up as :class:`Lost`. Where
the device has no room even for one window, all of them are decoded again as the fallback says.
A prompt that is known to kill a provider is left out after the first death with one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from echocli import log
from echocli.clock import Clock
from echocli.errors import OutOfMemory, TranscriptionError
from echocli.events import Notice
from echocli.providers import registry
from echocli.providers.base import DecodeOptions, Hypothesis, LoadReport, LoadSpec, Window
from echocli.runtime.incidents import Incident, What
from echocli.runtime.lifecycle import State
from echocli.runtime.policy import FULL, LEAST_AUDIO, Deadline, Policy
from echocli.runtime.protocol import Decoded
from echocli.runtime.pulse import waits
from echocli.runtime.upkeep import Upkeep, WarmRun
from echocli.runtime.worker import WorkerDied
from echocli.types import SAMPLE_RATE

__all__ = ["Broken", "Deadline", "Lost", "Outcome", "Policy", "Supervisor", "WarmRun", "WorkerHung"]


LEAST_WORK = 0.005
"""Share of a processor that a worker uses at least while it decodes; one that is stopped or waits
for a lock of its own uses none."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A window that was given up, and why."""

    window_id: int
    reason: str


Outcome = Hypothesis | Lost


class WorkerHung(Exception):
    """No answer within the deadline."""


class Broken(TranscriptionError):
    """A provider fails again and again; ``outcomes`` is what it had decoded by then.

    ``culprit`` is the window that was decoded alone when it failed last, if one was.
    """

    def __init__(
        self, reason: str, outcomes: Mapping[int, Outcome], culprit: int | None = None
    ) -> None:
        super().__init__(reason)
        self.outcomes = outcomes
        self.culprit = culprit


class Supervisor(Upkeep):
    """Serve one model through a worker process that is replaced when it dies or hangs."""

    def __init__(
        self,
        spec: LoadSpec,
        *,
        policy: Policy | None = None,
        clock: Clock | None = None,
        fallback: LoadSpec | None = None,
    ) -> None:
        super().__init__(spec, policy=policy, clock=clock, fallback=fallback)
        self._lost_in_a_row = 0
        self._failures_in_a_row = 0
        self.unprompted: set[str] = set()
        """Providers that get no prompts any more; may be shared by all supervisors of a run."""

    @property
    def largest_batch(self) -> int:
        """Windows of a slot that are worth asking for at once."""
        return (self.report or LoadReport()).largest_batch

    def decode(
        self, windows: Sequence[Window], options: DecodeOptions, *, urgency: int = 0
    ) -> list[Outcome]:
        """Decode windows whatever happens to the worker; outcomes are in their order.

        Raises :class:`Broken` where the policy says that somebody else shall try.
        """
        del urgency  # nobody else asks
        self.ready()
        outcomes: dict[int, Outcome] = {}
        failures = {window.id: 0 for window in windows}
        waiting = deque([tuple(windows)] if windows else [])
        while waiting:
            group = waiting.popleft()
            self.revive()
            try:
                answer = self._attempt(group, options)
            except (WorkerDied, WorkerHung, TranscriptionError) as error:
                if self._elsewhere(error):
                    waiting.appendleft(group)
                    continue
                self.incidents.append(Incident(self.spec, What.FAILED, str(error)))
                if self._leave_prompts_out(error, group, options):
                    self._recover(error)
                    waiting.appendleft(group)
                    continue
                self._count(error, group, outcomes)
                self._recover(error)
                waiting.extendleft(reversed(self._again(group, failures, outcomes, error)))
            else:
                self._lost_in_a_row = self._failures_in_a_row = 0
                outcomes.update((found.window_id, found) for found in answer.hypotheses)
        return [outcomes[window.id] for window in windows]

    def _attempt(self, group: tuple[Window, ...], options: DecodeOptions) -> Decoded:
        if self.spec.provider in self.unprompted:
            group, options = _without_prompts(group, options)
        audio = self._load_of(group)
        slowdown = self.slowdown()
        limit = self._limit(group, audio) * max(1.0, slowdown)
        log.event("inference_start", windows=len(group), seconds=audio)
        future = self._live().submit(group, options, slowdown)
        try:
            answer = self._await(future, limit, rests=slowdown > 1)
        finally:
            self.late = False
        self._learn(answer, audio)
        log.event("inference_complete", windows=len(group), ms=answer.busy_ms)
        return answer

    def _limit(self, group: Sequence[Window], audio: float) -> float:
        """Return the seconds an answer may take; what is known was measured without a slowdown."""
        info = registry.get(self.spec.provider).info
        deadline, rtf = self._policy.deadline, self._rtf
        if info.native_streaming and rtf is not None:
            # A window that goes on costs its new sound only; the next may have to be heard whole.
            rtf = max(rtf, deadline.unmeasured)
        limit = deadline.seconds(audio, rtf, info.expected_rtf)
        if info.native_streaming or any(window.temperature > 0 for window in group):
            # It may load the model once more: where its stream is renewed, or to sample (see the
            # faster-whisper provider).
            limit += deadline.factor * self.load_ms / 1000
        return limit

    def _await(self, future: Future[Decoded], limit: float, *, rests: bool) -> Decoded:
        """Wait for an answer; a worker that gets no processor time any more is not waited for.

        The deadline of a first request is far away, because nobody knows yet how fast the machine
        is. On a GPU, or where load is simulated, a worker ``rests`` while it waits.
        """
        deadline = self._policy.deadline
        idle, late_at = deadline.idle, deadline.late * limit
        watched = self.spec.device == "cpu" and not rests and idle < limit
        used, looked = self._live().cpu_seconds(), 0.0
        for waited in waits(future, limit):
            self.late = waited >= late_at
            if watched and waited - looked >= idle:
                looked, before, used = waited, used, self._live().cpu_seconds()
                if used is not None and before is not None and used - before < LEAST_WORK * idle:
                    raise WorkerHung(f"it did nothing for {idle:.0f} s")
        if future.done():
            return future.result()
        raise WorkerHung(f"no answer within {limit:.0f} s")

    def _load_of(self, group: Sequence[Window]) -> float:
        """Return the seconds of sound that a slot will have to decode.

        A window alone uses one slot of many, and costs as much as what it is padded to.
        """
        samples = (
            FULL if window.tail is None else max(len(window.samples), LEAST_AUDIO)
            for window in group
        )
        return sum(samples) / SAMPLE_RATE / min(len(group), self.spec.slots)

    def _count(
        self, error: Exception, group: Sequence[Window], outcomes: Mapping[int, Outcome]
    ) -> None:
        """Leave it to somebody else when it fails too often; a lack of memory will not pass."""
        self._failures_in_a_row += 1
        limit = self._policy.failures_in_a_row
        if limit is None:
            return
        alone = len(group) == 1
        full = isinstance(error, OutOfMemory) and alone
        if full or self._failures_in_a_row >= limit:
            self._failures_in_a_row = 0
            self.lifecycle.move(State.ERROR, error)
            self._discard()
            raise Broken(str(error), dict(outcomes), group[0].id if alone else None) from error

    def _leave_prompts_out(
        self, error: Exception, group: Sequence[Window], options: DecodeOptions
    ) -> bool:
        """Go on without prompts where one may be what killed the worker; tell whether that is so.

        pywhispercpp 1.5 has an open report of a segmentation fault with ``initial_prompt``.
        """
        name = self.spec.provider
        died = isinstance(error, WorkerDied) and name not in self.unprompted
        if not died or not _has_prompt(group, options):
            return False
        if not registry.get(name).info.prompt_may_crash:
            return False
        self.unprompted.add(name)
        given = options.initial_prompt or options.hotwords
        what = "prompt and hotwords" if given else "the text before"
        text = f"{name} crashed with a prompt: continuing without {what}"
        self.notices.append(Notice("prompt_dropped", text))
        return True

    def _elsewhere(self, error: Exception) -> bool:
        """Go on as the fallback says where memory ran out; tell whether that was so."""
        if not self._fall_back(error):
            return False
        self.lifecycle.move(State.ERROR, error)
        self._discard()
        self.ready()
        return True

    def _recover(self, error: Exception, warm: Sequence[Window] = ()) -> None:
        """Bring a fresh worker up unless this one only reported an error."""
        if isinstance(error, TranscriptionError):
            return
        self.lifecycle.move(State.ERROR, error)
        self._replace(error)
        self.ready(warm)

    def revive(self) -> None:
        """Replace a worker that died or hung between requests; no window is to blame."""
        if self.lifecycle.state is not State.READY:
            return
        # Whoever asks next finds it as warm as it was.
        if not self._live().alive:
            self._recover(WorkerDied("it ended between requests"), self._warmth)
        elif self._pulse.owed >= (idle := self._policy.deadline.idle):
            self._recover(WorkerHung(f"it did not answer for {idle:g} s"), self._warmth)

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


def _has_prompt(group: Sequence[Window], options: DecodeOptions) -> bool:
    given = options.initial_prompt or options.hotwords
    return bool(given) or any(window.previous for window in group)


def _without_prompts(
    group: Sequence[Window], options: DecodeOptions
) -> tuple[tuple[Window, ...], DecodeOptions]:
    windows = tuple(replace(window, previous=()) for window in group)
    return windows, replace(options, initial_prompt=None, hotwords=None)
