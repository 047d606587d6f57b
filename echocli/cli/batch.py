"""Run a list of inputs through one model; one that fails does not stop the others."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from echocli.audio.open import open_source
from echocli.audio.pipe import RawFormat
from echocli.cli.collected import Collected
from echocli.environment import Environment
from echocli.errors import (
    EchoError,
    ExitCode,
    ModelError,
    OutputError,
    TranscriptionError,
)
from echocli.events import Event, Failover, Gap, Level, Notice, Progress
from echocli.output.console import Console, ProgressBar
from echocli.output.files import AtomicFile, OutputPlan, Target, exists_complete, is_file
from echocli.output.stdout import ReaderGone, StdoutSink
from echocli.output.subtitles import WriteOptions
from echocli.output.telling import Failovers
from echocli.output.writers import Writer, make_writer
from echocli.runtime.adjusting import Adjuster
from echocli.runtime.offline import OfflineOptions, Transcription
from echocli.runtime.serving import Serving
from echocli.runtime.shared import Shared
from echocli.runtime.watch import Watch

__all__ = ["Batch", "Collected", "describe_level", "overall"]

LOOK_AHEAD = 8
"""Files that are read ahead of their turn."""


class Batch:
    """Transcribe inputs one after the other and add up how it went."""

    def __init__(
        self,
        environment: Environment,
        console: Console,
        supervisor: Serving,
        options: OfflineOptions,
        layout: WriteOptions,
        *,
        raw: RawFormat | None = None,
        channel: int | None = None,
        adjuster: Adjuster | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._environment = environment
        self._console = console
        self._supervisor = supervisor
        self._options = options
        self._layout = layout
        self._raw = raw
        self._channel = channel
        self._vad_failure_told = False
        self._watch = watch
        self._failovers = Failovers()
        self._several = False
        self._shared = Shared(supervisor, environment.clock, adjuster, watch)
        self._prefix = ""
        """Names the input in what concerns it, where there are several."""
        self._ahead: dict[str, Transcription] = {}
        """Inputs whose turn has not come, already being read."""

    def run(self, plans: list[OutputPlan], *, skip_existing: bool) -> ExitCode:
        """Do all inputs; the exit code that tells how it went."""
        codes: list[ExitCode] = []
        self._several = len(plans) > 1
        todo = deque(plans)
        try:
            while todo:
                plan = todo.popleft()
                if skip_existing and exists_complete(plan):
                    self._console.notice(f"{plan.input}: skipped, its files are there", "skipped")
                    codes.append(ExitCode.OK)
                    continue
                self._look_ahead(todo, skip_existing=skip_existing)
                try:
                    codes.append(self._guarded(plan))
                except ModelError as error:
                    if ExitCode.OK not in codes:
                        raise  # nothing is done, and nothing will be
                    codes += [self._failed(error)] * (1 + len(todo))
                    todo.clear()
        finally:
            for transcription in self._ahead.values():
                transcription.close()
            self._close_watch()
        if len(codes) > 1 and (failed := sum(code is not ExitCode.OK for code in codes)):
            self._console.notice(f"{len(codes) - failed} done, {failed} failed", "summary")
        return overall(codes)

    def _close_watch(self) -> None:
        """Have the last figures written."""
        for event in self._watch.close() if self._watch is not None else ():
            if isinstance(event, Notice):
                self._tell(event)

    def _look_ahead(self, todo: Iterable[OutputPlan], *, skip_existing: bool) -> None:
        """Begin to read the next files, so that their windows fill the batches of this one."""
        for plan in islice(todo, LOOK_AHEAD):
            known = plan.input in self._ahead
            if known or not is_file(Path(plan.input)) or (skip_existing and exists_complete(plan)):
                continue
            self._ahead[plan.input] = transcription = self._open(plan)
            transcription.begin()

    def _open(self, plan: OutputPlan) -> Transcription:
        source = open_source(
            plan.input, stdin=self._environment.stdin, raw=self._raw, channel=self._channel
        )
        return Transcription(
            source,
            self._supervisor,
            self._options,
            clock=self._environment.clock,
            shared=self._shared,
        )

    def _guarded(self, plan: OutputPlan) -> ExitCode:
        try:
            return self._one(plan)
        except (ModelError, ReaderGone):
            raise  # no other input would fare better
        except OutputError as error:
            if not plan.paths:
                raise  # standard output is the same for every input
            return self._failed(error)
        except EchoError as error:
            return self._failed(error)

    def _failed(self, error: EchoError) -> ExitCode:
        if self._environment.debug:
            traceback.print_exception(error)
        self._console.error(error)
        return error.exit_code

    def _one(self, plan: OutputPlan) -> ExitCode:
        self._prefix = f"{plan.input}: " if self._several else ""
        transcription = self._ahead.pop(plan.input, None) or self._open(plan)
        collected = Collected()
        with ExitStack() as stack:
            stack.callback(transcription.close)
            files: list[AtomicFile] = []
            writers = [self._writer(target, stack, files) for target in plan.targets]
            bar = stack.enter_context(self._console.progress(Path(plan.input).name))
            try:
                for event in transcription.events():
                    self._handle(event, writers, bar, collected)
            except OutputError:
                raise  # what could not be written cannot be kept either
            except (KeyboardInterrupt, EchoError):
                self._save(writers, files, collected)
                raise
            self._finish(writers, collected)
        self._report(plan, collected)
        return ExitCode.FAILED if collected.gaps else ExitCode.OK

    def _writer(self, target: Target, stack: ExitStack, files: list[AtomicFile]) -> Writer:
        if target.path is None:
            sink = StdoutSink(self._environment.stdout, self._console.above)
            return make_writer(target.format, sink, self._layout)
        file = stack.enter_context(AtomicFile(target.path))
        files.append(file)
        return make_writer(target.format, file, self._layout)

    def _handle(
        self, event: Event, writers: list[Writer], bar: ProgressBar, collected: Collected
    ) -> None:
        collected.take(event)
        if isinstance(event, Progress):
            bar.update(event.position, event.total)
            return
        for writer in writers:
            writer.event(event)
        if isinstance(event, Notice):
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

    def _finish(self, writers: list[Writer], collected: Collected) -> None:
        spec = self._supervisor.spec
        transcript = collected.transcript(spec)
        for writer in writers:
            writer.close(transcript)

    def _save(self, writers: list[Writer], files: list[AtomicFile], collected: Collected) -> None:
        """Keep what was final when the rest cannot come."""
        if not collected.segments:
            return
        self._finish(writers, collected)
        for file in files:
            self._console.notice(f"what was final is kept in {file.keep_partial()}", "partial")

    def _report(self, plan: OutputPlan, collected: Collected) -> None:
        """Say what was written and how it went, to those who asked with ``-v``."""
        for path in plan.paths:
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


def overall(codes: list[ExitCode]) -> ExitCode:
    """Add exit codes up: all alike is that one, a mixture with a success is ``PARTIAL``."""
    different = set(codes)
    if len(different) <= 1:
        return different.pop() if different else ExitCode.OK
    return ExitCode.PARTIAL if ExitCode.OK in different else ExitCode.FAILED
