"""Run recordings through fresh workers, run after run, and add up what each took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol

from echocli.api.setup import Setup, supervised
from echocli.api.sounds import open_sound
from echocli.bench import accuracy
from echocli.bench.accuracy import Score
from echocli.bench.extras import Extras, measure_extras
from echocli.bench.figures import Load, Trial, figures, total
from echocli.bench.histogram import histogram
from echocli.bench.machine import Machine
from echocli.bench.measure import measure
from echocli.bench.memory import MemoryWatch
from echocli.bench.references import Clip
from echocli.bench.report import FileFailure, FileResult, Report
from echocli.bench.series import MemoryTrack
from echocli.cli.batch import overall
from echocli.environment import Environment
from echocli.errors import EchoError, ExitCode, ModelError, UsageError
from echocli.events import Event, Gap, Notice, Progress
from echocli.output.console import Console, ProgressBar
from echocli.runtime.offline import OfflineOptions, Transcription
from echocli.runtime.shared import Shared
from echocli.runtime.supervisor import Supervisor
from echocli.runtime.warmup import Level, warm_windows

ANY_MODEL = (None, "en", "zxx")
"""Languages a model that knows English only may be measured on; ``zxx`` is sound without words."""


class BenchRuns:
    """Measure clips; one that fails is reported once and left out of the following runs."""

    def __init__(
        self, environment: Environment, console: Console, setup: Setup, options: OfflineOptions
    ) -> None:
        self._environment = environment
        self._console = console
        self._setup = setup
        self._options = options
        self._spec = setup.spec
        self._trials: dict[Clip, list[Trial]] = {}
        self._loads: list[Load] = []
        self._failed: dict[Clip, EchoError] = {}
        self._memory = MemoryTrack(environment.clock)

    @property
    def code(self) -> ExitCode:
        """How it went, as ``transcribe`` would say it of the same files."""
        return code_of(self._trials.values(), self._failed.values())

    def measure(self, clips: list[Clip], runs: int) -> Report:
        """Run everything ``runs`` times; raise ``ModelError`` when the model cannot be used."""
        for number in range(runs):
            label = f"run {number + 1} of {runs}, " if runs > 1 else ""
            clips = self._run(clips, label)
            if not clips:
                break
        return self._report(runs)

    def measure_extras(self, clip: Clip) -> Extras:
        """Measure what is not about files, in a fresh worker, on one recording.

        Raises ``EchoError`` where the model or the recording cannot be used.
        """
        with supervised(self._setup) as supervisor:
            supervisor.ready(warm_windows(Level.STRESS))
            return measure_extras(
                supervisor,
                lambda shared: self._transcription(clip, supervisor, shared),
                self._environment.clock,
            )

    def _run(self, clips: list[Clip], label: str) -> list[Clip]:
        """Do all clips once; those that can be run again."""
        with supervised(self._setup) as supervisor:
            self._loads.append(_load(supervisor, self._memory))
            if not self._trials and not self._failed:
                clips = suitable(clips, supervisor, self._console)
            for clip in clips:
                self._guarded(clip, supervisor, label)
            self._spec = supervisor.spec  # a full GPU makes it another one
        return [clip for clip in clips if clip not in self._failed]

    def _guarded(self, clip: Clip, supervisor: Supervisor, label: str) -> None:
        try:
            trial = self._one(clip, supervisor, label)
        except ModelError:
            raise  # no other file would fare better
        except EchoError as error:
            self._console.error(error)
            self._failed[clip] = error
            self._trials.pop(clip, None)
        else:
            self._trials.setdefault(clip, []).append(trial)

    def _one(self, clip: Clip, supervisor: Supervisor, label: str) -> Trial:
        with self._console.progress(f"{label}{clip.file}") as bar:
            transcription = self._transcription(clip, supervisor)
            tell = partial(self._tell, bar, clip)
            return measure(transcription, tell, self._memory)

    def _transcription(
        self, clip: Clip, supervisor: Supervisor, shared: Shared | None = None
    ) -> Transcription:
        source = open_sound(clip.file, self._setup.chosen, self._environment)
        clock = self._environment.clock
        return Transcription(source, supervisor, self._options, clock=clock, shared=shared)

    def _tell(self, bar: ProgressBar, clip: Clip, event: Event) -> None:
        if isinstance(event, Progress):
            bar.update(event.position, event.total)
        elif isinstance(event, Notice) and clip not in self._trials:
            self._console.notice(event.message, event.code)
        elif isinstance(event, Gap):
            where = f"{event.start:.1f} s to {event.end:.1f} s"
            self._console.notice(f"{clip.file}: no text from {where}: {event.reason}", "gap")

    def _report(self, runs: int) -> Report:
        warn_without_jiwer(self._trials, self._console)
        scores = {clip: self._score(clip, trials[0]) for clip, trials in self._trials.items()}
        score = total(scores.values())
        rows = list(zip(*self._trials.values(), strict=True))
        return Report(
            spec=self._spec,
            runs=runs,
            files=tuple(self._result(clip, found) for clip, found in scores.items()),
            failed=tuple(FileFailure(clip.file, str(e)) for clip, e in self._failed.items()),
            overall=figures(rows, score, self._loads) if rows else None,
            score=score,
            latencies=histogram([ms for run in rows for trial in run for ms in trial.infer_ms]),
            memory=self._memory.curve,
            machine=Machine.of(self._setup.profile),
        )

    def _result(self, clip: Clip, score: Score | None) -> FileResult:
        trials = self._trials[clip]
        return FileResult(
            file=clip.file,
            language=self._language(clip, trials[0]),
            figures=figures([[trial] for trial in trials], score),
            normaliser=score.normaliser if score else None,
            course=trials[0].course,
            said=clip.reference,
            heard=trials[0].text,
        )

    def _score(self, clip: Clip, trial: Trial) -> Score | None:
        return scored(clip, trial.text, self._language(clip, trial))

    def _language(self, clip: Clip, trial: Trial) -> str | None:
        return clip.language or self._setup.language or trial.language


def suitable(clips: list[Clip], supervisor: Supervisor, console: Console) -> list[Clip]:
    """Leave out languages that the model does not know; raise ``UsageError`` if none is left."""
    report = supervisor.report
    if report is not None and report.multilingual:
        return clips
    known = [clip for clip in clips if clip.language in ANY_MODEL]
    if not known:
        raise UsageError(
            f"model '{supervisor.spec.model}' knows none of the recordings' languages",
            hint="choose a model without .en",
        )
    if missing := len(clips) - len(known):
        are = "recording is" if missing == 1 else "recordings are"
        message = f"{missing} {are} left out: {supervisor.spec.model} knows English only"
        console.notice(message, "language")
    return known


def warn_without_jiwer(clips: Iterable[Clip], console: Console) -> None:
    """Say that there are texts but nothing to count errors with."""
    if any(clip.reference is not None for clip in clips) and not accuracy.is_available():
        console.notice(f"error rates need jiwer; run: {accuracy.INSTALL}", "no-jiwer")


def scored(clip: Clip, text: str, language: str | None) -> Score | None:
    """Count the errors of a clip, where its text is known and there is something to count with."""
    if clip.reference is None or not accuracy.is_available():
        return None
    return accuracy.score(clip.reference, text, language)


def _load(supervisor: Supervisor, track: MemoryTrack) -> Load:
    """Load and run one inference, so that no file pays for what a library puts off until then."""
    with MemoryWatch(track=track) as memory:
        supervisor.ready(warm_windows(Level.FIRST))
    return Load(supervisor.load_ms, memory.peak_bytes)


class _Tried(Protocol):
    """What a trial of any kind knows of itself."""

    @property
    def lost_seconds(self) -> float: ...


def code_of(trials: Iterable[Sequence[_Tried]], failed: Iterable[EchoError]) -> ExitCode:
    """Add up how the trials of each clip went, and the clips that failed."""
    whole = [
        ExitCode.FAILED if any(trial.lost_seconds for trial in own) else ExitCode.OK
        for own in trials
    ]
    return overall([*whole, *(error.exit_code for error in failed)])
