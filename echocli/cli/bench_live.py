"""Play recordings at their own speed through one loaded model, and time what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from echocli.api import options as api_options
from echocli.api.decoding import WordTiming
from echocli.api.keeping import adjuster, served
from echocli.api.setup import Setup, supervised
from echocli.api.sounds import open_sound
from echocli.audio.playback import Playback
from echocli.audio.source import Source
from echocli.bench import spoken
from echocli.bench.accuracy import Score
from echocli.bench.figures import total
from echocli.bench.live import LiveTrial, measure_live
from echocli.bench.live_figures import LiveReport, LiveResult, distributions, live_figures
from echocli.bench.machine import Machine
from echocli.bench.memory import MemoryWatch
from echocli.bench.references import Clip
from echocli.bench.report import FileFailure, Report
from echocli.bench.series import MemoryTrack
from echocli.cli.bench_runs import code_of, scored, suitable, warn_without_jiwer
from echocli.environment import Environment
from echocli.errors import EchoError, ExitCode, ModelError
from echocli.events import Event, Gap, Meter, Notice
from echocli.output.console import Console, ProgressBar
from echocli.runtime.live_options import LiveOptions
from echocli.runtime.live_run import Live
from echocli.runtime.spool import Spool
from echocli.runtime.supervisor import Supervisor
from echocli.types import SAMPLE_RATE, Samples, Word

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

SILENCE = SAMPLE_RATE
"""Samples of silence behind every recording, so that its last words end as at a microphone."""

LOOKS = 0.5
"""Seconds between two looks at memory: they must not disturb what is timed."""


class Followed:
    """A source with :data:`SILENCE` behind it."""

    def __init__(self, source: Source) -> None:
        known = source.duration
        self.name = source.name
        self.duration = None if known is None else known + SILENCE / SAMPLE_RATE
        self.notices = source.notices
        self._source = source

    def blocks(self) -> Iterator[Samples]:
        """Yield the sound, then the silence."""
        yield from self._source.blocks()
        yield np.zeros(SILENCE, np.float32)

    def __enter__(self) -> Self:
        self._source.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._source.__exit__(kind, error, trace)


def live_options(setup: Setup) -> LiveOptions:
    """Return the options ``echocli live`` has with the same settings; every word is timed."""
    found = api_options.live_options(setup, WordTiming(align=True, keep=True))
    return replace(found, decode=replace(found.decode, word_timestamps=True))


class LiveRuns:
    """Play clips one after the other; one that fails is reported once and not played again."""

    def __init__(
        self,
        environment: Environment,
        console: Console,
        setup: Setup,
        options: LiveOptions,
        *,
        detect: bool,
        ladder: bool = False,
    ) -> None:
        self._environment = environment
        self._console = console
        self._setup = setup
        self._options = options
        self._detect = detect
        self._ladder = ladder
        self._memory = MemoryTrack(environment.clock)
        self._trials: dict[Clip, list[LiveTrial]] = {}
        self._failed: dict[Clip, EchoError] = {}

    @property
    def code(self) -> ExitCode:
        """How it went, as ``transcribe`` would say it of the same files."""
        return code_of(self._trials.values(), self._failed.values())

    def measure(self, clips: list[Clip], runs: int) -> Report:
        """Play everything ``runs`` times; raise ``ModelError`` when the model cannot be used."""
        words = {clip: spoken.beside(clip.file) for clip in clips}
        with MemoryWatch(LOOKS, self._memory), supervised(self._setup) as supervisor:
            supervisor.ready()
            clips = suitable(clips, supervisor, self._console)
            if self._ladder:
                supervisor.close()  # each recording gets a model of its own
            for clip in clips * runs:
                if clip not in self._failed:
                    self._guarded(clip, supervisor, words[clip])
        return self._report(supervisor, runs)

    def _guarded(self, clip: Clip, supervisor: Supervisor, words: tuple[Word, ...] | None) -> None:
        try:
            trial = self._play(clip, supervisor, words)
        except ModelError:
            raise  # no other file would fare better
        except EchoError as error:
            self._console.error(error)
            self._failed[clip] = error
            self._trials.pop(clip, None)
        else:
            self._trials.setdefault(clip, []).append(trial)

    def _play(
        self, clip: Clip, supervisor: Supervisor, words: tuple[Word, ...] | None
    ) -> LiveTrial:
        clock = self._environment.clock
        source = Followed(open_sound(clip.file, self._setup.chosen, self._environment))
        capture = Playback(source, name=source.name, pace=True, clock=clock)
        with self._run(capture, supervisor) as live, self._console.progress(clip.file) as bar:
            return measure_live(
                live,
                clock,
                lambda event: self._tell(event, bar, clip, source.duration),
                words,
                ladder=self._ladder,
            )

    @contextmanager
    def _run(self, capture: Playback, supervisor: Supervisor) -> Iterator[Live]:
        """Give the run of a recording; with the ladder it begins anew, with the model it had."""
        clock, detect, options = self._environment.clock, self._detect, self._options
        if not self._ladder:
            yield Live([capture], supervisor, options, clock=clock, detect=detect)
            return
        with served(self._setup, self._environment, waits=False) as serving:
            yield Live(
                [capture],
                serving.service,
                options,
                clock=clock,
                detect=detect,
                adjuster=adjuster(
                    self._setup,
                    self._environment,
                    serving.service,
                    api_options.live_point(self._setup, options),
                    live=True,
                ),
                watch=serving.watch,
                spool=Spool(),
            )

    def _tell(self, event: Event, bar: ProgressBar, clip: Clip, seconds: float | None) -> None:
        if isinstance(event, Meter):
            bar.update(event.position, seconds)
        elif isinstance(event, Notice) and clip not in self._trials:
            self._console.notice(event.message, event.code)
        elif isinstance(event, Gap):
            where = f"{event.start:.1f} s to {event.end:.1f} s"
            self._console.notice(f"{clip.file}: no text from {where}: {event.reason}", "gap")

    def _report(self, supervisor: Supervisor, runs: int) -> Report:
        warn_without_jiwer(self._trials, self._console)
        scores = {clip: self._score(clip) for clip in self._trials}
        score = total(scores.values())
        every = [trial for trials in self._trials.values() for trial in trials]
        files = tuple(self._result(clip, found) for clip, found in scores.items())
        return Report(
            spec=supervisor.spec,
            runs=runs,
            files=(),
            failed=tuple(FileFailure(clip.file, str(e)) for clip, e in self._failed.items()),
            overall=None,
            score=score,
            live=LiveReport(files, live_figures(every, score), distributions(every))
            if every
            else None,
            memory=self._memory.curve,
            machine=Machine.of(self._setup.profile),
        )

    def _result(self, clip: Clip, score: Score | None) -> LiveResult:
        trials = self._trials[clip]
        return LiveResult(
            file=clip.file,
            language=self._language(clip),
            figures=live_figures(trials, score),
            normaliser=score.normaliser if score else None,
            core=trials[0].core,
            course=trials[0].course,
            said=clip.reference,
            heard=trials[0].text,
        )

    def _score(self, clip: Clip) -> Score | None:
        return scored(clip, self._trials[clip][0].text, self._language(clip))

    def _language(self, clip: Clip) -> str | None:
        return clip.language or self._setup.language or self._trials[clip][0].language
