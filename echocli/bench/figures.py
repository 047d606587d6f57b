"""From what single runs took to the figures that are shown.

Times are medians over the runs, memory is the highest, and the text is that of the first run, since
the same file gives the same text twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from echocli.bench.accuracy import Score
from echocli.bench.series import Course
from echocli.runtime.stats import percentile

MB = 2**20


@dataclass(frozen=True, slots=True)
class Trial:
    """One file run once.

    ``infer_ms`` has one entry a window; ``speech_seconds`` is ``None`` without voice detection.
    """

    audio_seconds: float
    speech_seconds: float | None
    busy_seconds: float
    wall_seconds: float
    first_text_ms: float | None
    infer_ms: tuple[float, ...]
    peak_bytes: int
    text: str = ""
    language: str | None = None
    lost_seconds: float = 0.0
    course: Course = field(default_factory=Course)

    @property
    def words(self) -> int:
        """Number of words in the text, cut at spaces."""
        return len(self.text.split())


@dataclass(frozen=True, slots=True)
class Load:
    """The model loaded once: until its weights were read, and the highest memory by then."""

    ms: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What is said of a file, or of all; ``None`` is what could not be measured.

    Names end in their unit. ``load_ms`` is of all files only: a run loads the model once.
    """

    audio_seconds: float
    wall_seconds: float
    windows: int
    lost_seconds: float
    rtf: float | None
    speed: float | None
    load_ms: float | None
    first_text_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    memory_mb: float
    vad_share: float | None
    words: int
    wer: float | None
    cer: float | None
    reference_words: int | None
    substitutions: int | None
    deletions: int | None
    insertions: int | None


def figures(
    runs: Sequence[Sequence[Trial]], score: Score | None, loads: Sequence[Load] = ()
) -> Figures:
    """Sum up runs, each with one trial a file; there is at least one run with one file."""
    first = runs[0]
    rtf = _middle(map(realtime_factor, runs))
    words = score.words if score else None
    peaks = [*(load.peak_bytes for load in loads), *(t.peak_bytes for run in runs for t in run)]
    return Figures(
        audio_seconds=sum(trial.audio_seconds for trial in first),
        wall_seconds=median(sum(trial.wall_seconds for trial in run) for run in runs),
        windows=sum(len(trial.infer_ms) for trial in first),
        lost_seconds=max(sum(trial.lost_seconds for trial in run) for run in runs),
        rtf=rtf,
        speed=1 / rtf if rtf else None,
        load_ms=_middle(load.ms for load in loads),
        first_text_ms=_middle(_each(runs, lambda run: _middle(t.first_text_ms for t in run))),
        p50_ms=_latency(runs, 0.5),
        p95_ms=_latency(runs, 0.95),
        p99_ms=_latency(runs, 0.99),
        memory_mb=max(peaks) / MB,
        vad_share=_speech_share(first),
        words=sum(trial.words for trial in first),
        wer=words.rate if words else None,
        cer=score.characters.rate if score else None,
        reference_words=words.length if words else None,
        substitutions=words.substitutions if words else None,
        deletions=words.deletions if words else None,
        insertions=words.insertions if words else None,
    )


def realtime_factor(run: Sequence[Trial]) -> float | None:
    """Return busy seconds ÷ seconds of audio over all files of a run."""
    audio = sum(trial.audio_seconds for trial in run)
    return sum(trial.busy_seconds for trial in run) / audio if audio else None


def total(scores: Iterable[Score | None]) -> Score | None:
    """Add the errors of the files that have a reference; ``None`` when none has."""
    known = [score for score in scores if score is not None]
    return sum(known[1:], known[0]) if known else None


def _latency(runs: Sequence[Sequence[Trial]], share: float) -> float | None:
    def of_run(run: Sequence[Trial]) -> float | None:
        return percentile([ms for trial in run for ms in trial.infer_ms], share)

    return _middle(_each(runs, of_run))


def _speech_share(run: Sequence[Trial]) -> float | None:
    audio = sum(trial.audio_seconds for trial in run)
    speech = [trial.speech_seconds for trial in run if trial.speech_seconds is not None]
    return sum(speech) / audio if audio and len(speech) == len(run) else None


def _each(
    runs: Sequence[Sequence[Trial]], figure: Callable[[Sequence[Trial]], float | None]
) -> list[float | None]:
    return [figure(run) for run in runs]


def _middle(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
