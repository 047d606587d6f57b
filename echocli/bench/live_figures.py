"""From what single live runs gave to the figures that are shown and asserted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from echocli.bench.accuracy import Normaliser, Score
from echocli.bench.figures import Figures
from echocli.bench.histogram import Histogram, histogram
from echocli.bench.series import Course
from echocli.output.text import counted
from echocli.runtime.live_stats import spread

if TYPE_CHECKING:
    from echocli.bench.live import LiveTrial

WAITS: dict[str, str] = {
    "ttfs": "from the end of speech to the final",
    "hangover": "from the end of speech until that is known",
    "finalising": "from then to the final",
    "first_partial": "from the start of speech to the first partial",
    "commit": "from the end of a word until it is committed, or final",
}
"""Latencies → what they are, each in milliseconds."""

SHARES = ("mean", "p50", "p95", "p99")

METRICS: dict[str, str] = {
    **{f"{kind}_{share}": f"{what}, {share}" for kind, what in WAITS.items() for share in SHARES},
    "committed_share": "words committed before their final ÷ words",
    "live_busy": "busy seconds of a live run ÷ seconds of audio",
    "live_wer": "word error rate of the finals in percent",
}
"""Figures of ``--live`` that can be asserted → what they are."""

COLUMNS = (
    "file",
    "audio s",
    "TTFS p50",
    "p95",
    "hangover",
    "finalising p95",
    "partial p95",
    "commit",
    "committed",
    "busy",
    "WER %",
)
UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """What is said of a file, or of all; ``None`` is what could not be measured.

    ``waits`` has count, mean and percentiles of each of :data:`WAITS` in milliseconds.
    """

    audio_seconds: float
    lost_seconds: float
    waits: Mapping[str, Mapping[str, Any]]
    words: int
    committed_share: float | None
    partials: int
    skipped: int
    live_busy: float | None
    live_wer: float | None
    live_cer: float | None
    reference_words: int | None
    substitutions: int | None
    deletions: int | None
    insertions: int | None


@dataclass(frozen=True, slots=True)
class LiveResult:
    """One file that was played; ``core`` has the latencies as the program counts them."""

    file: str
    language: str | None
    figures: LiveFigures
    normaliser: Normaliser | None
    core: Mapping[str, Any]
    course: Course = field(default_factory=Course)
    """Of the first time it was played."""
    said: str | None = None
    """The reference."""
    heard: str = ""


@dataclass(frozen=True, slots=True)
class LiveReport:
    """What ``bench --live`` found; there is at least one file."""

    files: tuple[LiveResult, ...]
    overall: LiveFigures
    latencies: Mapping[str, Histogram]
    """Distribution of each of :data:`WAITS`, in milliseconds."""


def live_figures(trials: Sequence[LiveTrial], score: Score | None) -> LiveFigures:
    """Put the waits of all trials together and divide sums by sums; there is at least one."""
    audio = sum(trial.audio_seconds for trial in trials)
    words = sum(trial.words for trial in trials)
    errors = score.words if score else None
    return LiveFigures(
        audio_seconds=audio,
        lost_seconds=sum(trial.lost_seconds for trial in trials),
        waits={kind: spread(_waits(trials, kind)) for kind in WAITS},
        words=words,
        committed_share=sum(trial.committed for trial in trials) / words if words else None,
        partials=sum(trial.partials for trial in trials),
        skipped=sum(trial.skipped for trial in trials),
        live_busy=sum(trial.busy_seconds for trial in trials) / audio if audio else None,
        live_wer=errors.rate if errors else None,
        live_cer=score.characters.rate if score else None,
        reference_words=errors.length if errors else None,
        substitutions=errors.substitutions if errors else None,
        deletions=errors.deletions if errors else None,
        insertions=errors.insertions if errors else None,
    )


def _waits(trials: Sequence[LiveTrial], kind: str) -> list[float]:
    return [ms for trial in trials for ms in getattr(trial.waits, kind)]


def distributions(trials: Sequence[LiveTrial]) -> dict[str, Histogram]:
    """Return how each of :data:`WAITS` is distributed over all trials."""
    return {kind: histogram(_waits(trials, kind)) for kind in WAITS}


def metrics(report: LiveReport | None) -> dict[str, float | None]:
    """Return the figures of all files under the names of :data:`METRICS`."""
    if report is None:
        return dict.fromkeys(METRICS)
    found = report.overall
    return {
        **{f"{kind}_{share}": found.waits[kind][share] for kind in WAITS for share in SHARES},
        "committed_share": found.committed_share,
        "live_busy": found.live_busy,
        "live_wer": found.live_wer,
    }


def as_object(report: LiveReport | None) -> dict[str, Any] | None:
    """Return the report as JSON-ready values; see ``docs/reference/json.md``."""
    if report is None:
        return None
    return {
        "overall": _values(report.overall),
        "files": [
            {"file": one.file, "language": one.language, "normaliser": one.normaliser}
            | _values(one.figures)
            | {"core": dict(one.core), "course": one.course.to_dict()}
            for one in report.files
        ],
        "latencies": {kind: distribution(found) for kind, found in report.latencies.items()},
    }


def distribution(found: Histogram) -> dict[str, Any]:
    """Return a histogram of milliseconds as JSON values."""
    return {"edges_ms": found.edges, "counts": found.counts}


def _values(found: LiveFigures) -> dict[str, Any]:
    values = asdict(found)
    waits = values.pop("waits")
    return {**{f"{kind}_ms": dict(waits[kind]) for kind in WAITS}, **values}


def table(report: LiveReport) -> list[tuple[str, ...]]:
    """Return a row of cells for each file, to be headed by :data:`COLUMNS`; milliseconds."""
    return [(one.file, *_cells(one.figures)) for one in report.files]


def _cells(found: LiveFigures) -> tuple[str, ...]:
    waits = found.waits
    times = (
        waits["ttfs"]["p50"],
        waits["ttfs"]["p95"],
        waits["hangover"]["p50"],
        waits["finalising"]["p95"],
        waits["first_partial"]["p95"],
        waits["commit"]["mean"],
    )
    return (
        _number(found.audio_seconds, 1),
        *(_number(time, 0) for time in times),
        _percent(found.committed_share),
        _percent(found.live_busy),
        _rate(found),
    )


def _rate(found: LiveFigures) -> str:
    if found.reference_words is None and found.live_cer is not None:
        return f"CER {found.live_cer:.2f}"
    return _number(found.live_wer, 2)


def rows(report: LiveReport, score: Score | None) -> list[tuple[str, str]]:
    """Return rows of label and value about all files together."""
    found = report.overall
    skipped = f"{found.skipped} skipped for want of time"
    return [
        ("audio", f"{found.audio_seconds:.1f} s, played at its own speed"),
        ("TTFS", _spread(found.waits["ttfs"])),
        ("  hangover", _spread(found.waits["hangover"])),
        ("  finalising", _spread(found.waits["finalising"])),
        ("first partial", _spread(found.waits["first_partial"])),
        ("commit", _spread(found.waits["commit"])),
        ("committed", f"{_percent(found.committed_share)} of {counted(found.words, 'word')}"),
        ("partials", f"{found.partials}, {skipped}"),
        ("busy", _percent(found.live_busy)),
        *([("WER", _errors(found, score))] if score and score.words else []),
    ]


def _spread(wait: Mapping[str, Any]) -> str:
    times = ", ".join(f"{share} {_number(wait[share], 0)} ms" for share in SHARES)
    return f"{times}, of {wait['count']}"


def _errors(found: LiveFigures, score: Score) -> str:
    how = f" ({score.normaliser} normaliser)" if score.normaliser else ""
    words = counted(found.reference_words, "word")
    return f"{_number(found.live_wer, 2)} %: {edits(found)} in {words}{how}"


def edits(found: Figures | LiveFigures) -> str:
    """Return how many words were heard otherwise, in words."""
    kinds = {
        "substitution": found.substitutions,
        "deletion": found.deletions,
        "insertion": found.insertions,
    }
    return ", ".join(counted(count, noun) for noun, count in kinds.items())


def _number(value: float | None, digits: int) -> str:
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{100 * share:.0f} %"
