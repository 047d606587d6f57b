"""Run a list of inputs through one model; one that fails does not stop the others."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from echocli.api.ahead import look_ahead
from echocli.api.collected import Collected
from echocli.cli.batch_opening import Input, Opening
from echocli.cli.batch_output import BatchOutput
from echocli.cli.batch_progress import Course
from echocli.cli.batch_results import Result, done, failed, overall, table, tally
from echocli.cli.clipping import refuse_silence
from echocli.environment import Environment
from echocli.errors import (
    EchoError,
    ExitCode,
    ModelError,
    OutputError,
    TranscriptionError,
)
from echocli.events import Event, Failover, Gap, Level, Notice, Progress, Ready
from echocli.output.console import Console, ProgressBar
from echocli.output.files import OutputPlan, is_file, missing
from echocli.output.stdout import ReaderGone, StdoutSink
from echocli.output.subtitles import WriteOptions
from echocli.output.telling import Failovers

if TYPE_CHECKING:
    from echocli.audio.clip import Clip

__all__ = ["Batch", "Collected", "describe_level", "overall"]


class Batch:
    """Transcribe inputs and add up how it went.

    Results come in the order of the inputs; up to ``jobs`` of them are worked on at once, so that
    the windows of those that wait fill the batches of the one whose turn it is.
    """

    def __init__(
        self,
        environment: Environment,
        console: Console,
        transcriber: Opening,
        layout: WriteOptions,
        parts: Clip | None = None,
        *,
        jobs: int | None = None,
    ) -> None:
        self._environment = environment
        self._console = console
        self._transcriber = transcriber
        self._layout = layout
        self._parts = parts
        self._vad_failure_told = False
        self._failovers = Failovers()
        self._several = False
        self._prefix = ""
        """Names the input in what concerns it, where there are several."""
        self._look_ahead = look_ahead(jobs)
        self._ahead: dict[str, Input] = {}
        """Inputs whose turn has not come, already being read."""
        self._results: list[Result] = []
        self._course: Course | None = None
        """How far it is, where there are several inputs."""

    def run(
        self,
        plans: Sequence[OutputPlan],
        *,
        skip_existing: bool,
        refused: Mapping[str, EchoError] | None = None,
    ) -> ExitCode:
        """Do all inputs; the exit code that tells how it went.

        ``skip_existing`` leaves files that are there, and inputs of which all are. The words that
        were ``refused`` are told first and count too.
        """
        self._results = [self._failed(*pair) for pair in (refused or {}).items()]
        count = len(plans) + len(self._results)
        self._several = count > 1
        try:
            with ExitStack() as stack:
                if self._several:
                    bar = stack.enter_context(self._console.overall())
                    self._course = Course(plans, bar, skip_existing=skip_existing)
                self._all(deque(plans), skip_existing=skip_existing)
        except KeyboardInterrupt:
            self._tell_how_to_go_on(plans, count, skip_existing=skip_existing)
            raise
        finally:
            for transcription in self._ahead.values():
                transcription.close()
            self._close_watch()
        self._summarise(count)
        refuse_silence(self._parts, [result.duration for result in self._results])
        return overall([result.code for result in self._results])

    def _all(self, todo: deque[OutputPlan], *, skip_existing: bool) -> None:
        while todo:
            plan = todo.popleft()
            if self._course is not None:
                self._course.go_on()
            if skip_existing and not (plan := missing(plan)).targets:
                self._console.notice(f"{plan.input}: skipped, its files are there", "skipped")
                self._results.append(Result(plan.input, ExitCode.OK, "skipped, is there"))
                continue
            self._begin_next(todo, skip_existing=skip_existing)
            try:
                self._results.append(self._guarded(plan))
            except ModelError as error:
                if all(result.code is not ExitCode.OK for result in self._results):
                    raise  # nothing is done, and nothing will be
                self._results.append(self._failed(plan.input, error))
                self._results += [failed(other.input, error) for other in todo]
                return

    def _summarise(self, count: int) -> None:
        """Show how each input went where somebody looks, and the sum where one failed."""
        width = self._console.table_width
        if self._several and width is not None:
            self._console.table(table(self._results, width))
        if self._several and any(result.code is not ExitCode.OK for result in self._results):
            self._console.notice(tally(self._results, count), "summary")

    def _tell_how_to_go_on(
        self, plans: Sequence[OutputPlan], count: int, *, skip_existing: bool
    ) -> None:
        if not self._several:
            return
        with_option = "" if skip_existing else " with --skip-existing"
        resumable = any(plan.paths for plan in plans)
        hint = f"; run the same command{with_option} to go on" if resumable else ""
        self._console.notice(tally(self._results, count) + hint, "interrupted")

    def _close_watch(self) -> None:
        """Have the last figures written."""
        for notice in self._transcriber.finish():
            self._tell(notice)

    def _begin_next(self, todo: Iterable[OutputPlan], *, skip_existing: bool) -> None:
        """Begin to read the next files, so that their windows fill the batches of this one."""
        for plan in islice(todo, self._look_ahead):
            there = skip_existing and not missing(plan).targets
            if there or plan.input in self._ahead or not is_file(Path(plan.input)):
                continue
            self._ahead[plan.input] = transcription = self._open(plan)
            transcription.begin()

    def _open(self, plan: OutputPlan) -> Input:
        return self._transcriber.open(plan.input, clip=self._parts or ())

    def _guarded(self, plan: OutputPlan) -> Result:
        try:
            return self._one(plan)
        except (ModelError, ReaderGone):
            raise  # no other input would fare better
        except OutputError as error:
            if not plan.paths:
                raise  # standard output is the same for every input
            return self._failed(plan.input, error)
        except EchoError as error:
            return self._failed(plan.input, error)

    def _failed(self, name: str, error: EchoError) -> Result:
        if self._environment.debug:
            traceback.print_exception(error)
        self._console.error(error)
        return failed(name, error)

    def _one(self, plan: OutputPlan) -> Result:
        self._prefix = f"{plan.input}: " if self._several else ""
        transcription = self._ahead.pop(plan.input, None) or self._open(plan)
        collected = Collected()
        lost: list[Result] = []

        def tell(error: OutputError) -> None:
            lost.append(self._failed(plan.input, error))

        with ExitStack() as stack:
            stack.callback(transcription.close)
            output = stack.enter_context(BatchOutput(plan, self._layout, self._stdout, tell))
            name = Path(plan.input).name
            bar = self._course or stack.enter_context(self._console.progress(name))
            try:
                for event in transcription.events():
                    self._handle(event, output, bar, collected)
            except OutputError:
                raise  # nothing is left that could be kept
            except KeyboardInterrupt:
                self._keep(output, collected)
                if plan.paths and not collected.segments:
                    self._console.notice(f"{self._prefix}nothing was final yet", "partial")
                raise
            except EchoError:
                self._keep(output, collected)
                raise
            if not self._several:  # before a file is there
                refuse_silence(self._parts, [collected.duration])
            output.finish(collected.transcript(self._transcriber.spec))
        self._report(plan, output.written, collected)
        return lost[0] if lost else done(plan, collected)

    def _stdout(self) -> StdoutSink:
        return StdoutSink(self._environment.stdout, self._console.above)

    def _handle(
        self, event: Event, output: BatchOutput, bar: ProgressBar, collected: Collected
    ) -> None:
        collected.take(event)
        if isinstance(event, Progress):
            bar.update(event.position, event.total)
            return
        output.event(event)
        if isinstance(event, Ready):
            self._transcriber.announce()
        elif isinstance(event, Notice):
            self._tell(event)
        elif isinstance(event, Level):
            self._console.notice(self._prefix + describe_level(event), event.type)
        elif isinstance(event, Failover):
            self._console.notice(self._failovers.text(event), event.type)
        elif isinstance(event, Gap):
            where = f"no text from {event.start:.1f} s to {event.end:.1f} s"
            self._console.error(TranscriptionError(f"{self._prefix}{where}: {event.reason}"))

    def _tell(self, notice: Notice) -> None:
        """Say a notice; that voice detection fails is said once, not for every input."""
        if notice.code == "vad_failed":
            if self._vad_failure_told:
                return
            self._vad_failure_told = True
        self._console.notice(notice.message, notice.code)

    def _keep(self, output: BatchOutput, collected: Collected) -> None:
        """Keep what was final when the rest cannot come."""
        if not collected.segments:
            output.discard()
            return
        for part in output.keep(collected.transcript(self._transcriber.spec)):
            self._console.notice(f"what was final is kept in {part}", "partial")

    def _report(self, plan: OutputPlan, written: Sequence[Path], collected: Collected) -> None:
        """Say what was written and how it went, to those who asked with ``-v``."""
        for path in written:
            self._console.detail(f"wrote {path}")
        stats = collected.stats
        if not stats.get("speed"):
            return
        self._console.detail(
            f"{plan.input}: {stats['audio_seconds']:.1f} s at {stats['speed']:.1f}×, "
            f"{stats['windows']} windows, language {collected.language}"
        )
        self._console.detail(
            f"voice detection: {stats['vad_speech_ratio']:.0%} speech, "
            f"{stats['vad_skipped_chunks']} silences skipped, "
            f"about {stats['vad_saved_seconds']:.1f} s saved"
            if stats["vad_enabled"]
            else "voice detection: off"
        )


def describe_level(level: Level) -> str:
    """Say from when on what is done otherwise, and why."""
    effects = ", ".join(level.effects) or "nothing is left to change"
    why = f"{level.reason}, {level.from_} → {level.to}"
    return f"from {level.position:.1f} s on: {effects} ({why})"
