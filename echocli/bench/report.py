"""What a benchmark found, as JSON-ready values and as lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from echocli import __version__
from echocli.bench import SCHEMA, extras, live_figures
from echocli.bench.accuracy import Normaliser, Score
from echocli.bench.assertions import METRICS, Verdict
from echocli.bench.extras import Extras
from echocli.bench.figures import MB, Figures
from echocli.bench.histogram import Histogram
from echocli.bench.live_figures import LiveReport
from echocli.bench.machine import Machine
from echocli.bench.series import Course, MemoryCurve
from echocli.output.text import counted
from echocli.providers.base import LoadSpec

COLUMNS = ("file", "audio s", "speed ×", "first ms", "p50 ms", "p95 ms", "MB", "WER %")
UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class FileResult:
    """One file that could be measured."""

    file: str
    language: str | None
    figures: Figures
    normaliser: Normaliser | None
    course: Course = field(default_factory=Course)
    """Of the first run."""
    said: str | None = None
    """The reference."""
    heard: str = ""


@dataclass(frozen=True, slots=True)
class FileFailure:
    """One file that could not."""

    file: str
    error: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a benchmark says; ``overall`` is ``None`` when no file could be measured."""

    spec: LoadSpec
    runs: int
    files: tuple[FileResult, ...]
    failed: tuple[FileFailure, ...]
    overall: Figures | None
    score: Score | None
    extras: Extras | None = None
    """Only where they were asked for."""
    live: LiveReport | None = None
    """Only where recordings were played; then there are no other figures."""
    verdicts: tuple[Verdict, ...] = ()
    latencies: Histogram = field(default_factory=Histogram)
    """Milliseconds the provider worked on each window of all runs."""
    memory: MemoryCurve = field(default_factory=MemoryCurve)
    """Over all runs, loading included."""
    machine: Machine | None = None
    time: str | None = None
    """When that was, ISO 8601 in UTC."""


def metrics(report: Report) -> dict[str, float | None]:
    """Return the figures that can be asserted, under the names of ``ASSERTABLE``."""
    overall, more = report.overall, report.extras
    return {
        **{name: getattr(overall, name) if overall else None for name in METRICS},
        **{name: getattr(more, name) if more else None for name in extras.METRICS},
        **live_figures.metrics(report.live),
    }


def as_object(report: Report) -> dict[str, Any]:
    """Return the report as JSON-ready values; see ``docs/reference/json.md``."""
    keys = ("provider", "model", "device", "compute_type", "slots", "threads")
    return {
        "schema": SCHEMA,
        "echocli": __version__,
        "time": report.time,
        "machine": asdict(report.machine) if report.machine else None,
        **{key: getattr(report.spec, key) for key in keys},
        "runs": report.runs,
        "overall": asdict(report.overall) if report.overall else None,
        "extras": asdict(report.extras) if report.extras else None,
        "files": [_file(found) for found in report.files],
        "live": live_figures.as_object(report.live),
        "latencies": live_figures.distribution(report.latencies),
        "memory": _memory(report.memory),
        "failed": [asdict(failure) for failure in report.failed],
        "assertions": [_verdict(verdict) for verdict in report.verdicts],
    }


def _file(found: FileResult) -> dict[str, Any]:
    values = asdict(found.figures)
    del values["load_ms"]
    about = {"file": found.file, "language": found.language, "normaliser": found.normaliser}
    return {**about, **values, "course": found.course.to_dict()}


def _memory(found: MemoryCurve) -> dict[str, Any]:
    return {
        "seconds": found.seconds,
        "parent_mb": [count / MB for count in found.parent],
        "workers_mb": [count / MB for count in found.workers],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    values = asdict(verdict.assertion)
    return {"assertion": str(verdict.assertion), **values, "value": verdict.value} | {
        "holds": verdict.holds
    }


def columns(report: Report) -> tuple[str, ...]:
    """Return the heads of :func:`table`."""
    return COLUMNS if report.live is None else live_figures.COLUMNS


def table(report: Report) -> list[tuple[str, ...]]:
    """Return a row of cells for each file."""
    if report.live is not None:
        return live_figures.table(report.live)
    return [(found.file, *_cells(found.figures)) for found in report.files]


def _cells(found: Figures) -> tuple[str, ...]:
    values: Sequence[tuple[float | None, int]] = (
        (found.audio_seconds, 1),
        (found.speed, 1),
        (found.first_text_ms, 0),
        (found.p50_ms, 0),
        (found.p95_ms, 0),
        (found.memory_mb, 0),
    )
    return (*(number(value, digits) for value, digits in values), _rate(found))


def _rate(found: Figures) -> str:
    """Return the word error rate, or that of characters where words have no meaning."""
    if found.reference_words is None and found.cer is not None:
        return f"CER {found.cer:.2f}"
    return number(found.wer, 2)


def number(value: float | None, digits: int) -> str:
    """Write a figure with its digits after the point, or a dash for one that is not known."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def summary(report: Report) -> list[tuple[str, str]]:
    """Return rows of label and value about all files together."""
    found = report.overall
    if report.live is not None:
        return [*_about(report), *live_figures.rows(report.live, report.score)]
    if found is None:
        return []
    return [
        *_about(report),
        ("audio", f"{found.audio_seconds:.1f} s, {_percent(found.vad_share)} speech"),
        ("RTF", f"{number(found.rtf, 4)}, {number(found.speed, 1)}× real time"),
        ("load", f"{number(found.load_ms, 0)} ms"),
        ("first text", f"{number(found.first_text_ms, 0)} ms"),
        ("window", _latencies(found)),
        ("memory", f"{found.memory_mb:.0f} MB at most, all processes"),
        ("words", f"{found.words} heard"),
        *_extra_rows(report.extras),
        *_error_rows(found, report.score),
    ]


def _about(report: Report) -> list[tuple[str, str]]:
    spec, runs = report.spec, counted(report.runs, "run")
    count = len(report.files) if report.live is None else len(report.live.files)
    how = "medians over the runs" if report.live is None else "latencies of all together"
    return [
        ("measured", f"{counted(count, 'file')}, {runs}, {how}"),
        ("model", f"{spec.model} ({spec.compute_type}) on {spec.device} with {spec.provider}"),
        ("parallel", f"{counted(spec.slots, 'slot')} × {counted(spec.threads, 'thread')}"),
        *([("machine", str(report.machine))] if report.machine else []),
    ]


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{100 * share:.0f} %"


def _latencies(found: Figures) -> str:
    times = ", ".join(
        f"{name} {number(value, 0)} ms"
        for name, value in (("p50", found.p50_ms), ("p95", found.p95_ms), ("p99", found.p99_ms))
    )
    return f"{times}, of {counted(found.windows, 'window')}"


def _extra_rows(more: Extras | None) -> list[tuple[str, str]]:
    if more is None:
        return []
    warm = f"{number(more.warmup_ms, 0)} ms, all lengths {number(more.warmup_all_ms, 0)} ms"
    return [
        ("cold start", f"{number(more.cold_start_ms, 0)} ms"),
        ("warm-up", warm),
        ("recovery", f"{number(more.recovery_ms, 0)} ms after the worker's death"),
        ("two at once", f"RTF {number(more.two_sources_rtf, 4)} each"),
    ]


def _error_rows(found: Figures, score: Score | None) -> list[tuple[str, str]]:
    if score is None:
        return []
    how = f" ({score.normaliser} normaliser)" if score.normaliser else ""
    edits = live_figures.edits(found)
    words = f"{number(found.wer, 2)} %: {edits} in {counted(found.reference_words, 'word')}{how}"
    return [
        *([("WER", words)] if score.words is not None else []),
        ("CER", f"{number(found.cer, 2)} %"),
    ]
