"""How each input of a batch went, as the table at its end shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from echocli.api.collected import Collected
from echocli.errors import EchoError, ExitCode
from echocli.output.files import OutputPlan
from echocli.output.subtitles import clock_time
from echocli.output.table import Column, fitted

WITHOUT_SPACES = frozenset({"zh", "ja", "yue", "th", "lo", "my", "km", "bo"})
"""Languages whose words are not told apart by spaces: they are not counted."""

COLUMNS = (
    Column("file", least=12),
    Column("length", flush_right=True, rank=1),
    Column("speed", flush_right=True, rank=2),
    Column("language", rank=4),
    Column("words", flush_right=True, rank=3),
    Column("result", least=14),
)


@dataclass(frozen=True, slots=True)
class Result:
    """How one input went; figures are ``None`` where there are none."""

    input: str
    code: ExitCode
    text: str | PurePath
    """What was written, why it was skipped, or what went wrong."""
    duration: float | None = None
    """Seconds of the input."""
    speed: float | None = None
    """Seconds of sound for each second of work."""
    language: str | None = None
    words: int | None = None


def done(plan: OutputPlan, collected: Collected) -> Result:
    """Return the result of an input that was read to its end."""
    gaps = len(collected.gaps)
    return Result(
        plan.input,
        ExitCode.FAILED if gaps else ExitCode.OK,
        f"error: {gaps} gap{'s' * (gaps > 1)}" if gaps else _written(plan),
        collected.duration,
        collected.stats.get("speed") or None,
        collected.language,
        None if collected.language in WITHOUT_SPACES else _words(collected),
    )


def _written(plan: OutputPlan) -> PurePath | str:
    """Name the first file, and the endings of the others, which only differ in that."""
    if not plan.paths:
        return ""
    return PurePath(", ".join([str(plan.paths[0]), *(path.suffix for path in plan.paths[1:])]))


def _words(collected: Collected) -> int:
    return sum(len(segment.text.split()) for segment in collected.segments)


def failed(name: str, error: EchoError) -> Result:
    """Return the result of an input that could not be done."""
    text = str(error).removeprefix(f"{name}: ")
    return Result(name, error.exit_code, f"error: {text}")


def table(results: Iterable[Result], width: int) -> list[str]:
    """Return headings and a line for each input, none longer than ``width``."""
    return fitted(COLUMNS, [_row(result) for result in results], width)


def _row(result: Result) -> Sequence[str | PurePath]:
    return (
        PurePath(result.input),
        "" if result.duration is None else clock_time(result.duration),
        "" if result.speed is None else f"{result.speed:.1f}×",
        result.language or "",
        "" if result.words is None else str(result.words),
        result.text,
    )


def tally(results: Sequence[Result], count: int) -> str:
    """Return how many of ``count`` inputs are done, and how many failed."""
    bad = sum(result.code is not ExitCode.OK for result in results)
    good = len(results) - bad
    left = f" of {count}" if len(results) < count else ""
    return f"{good}{left} done" + (f", {bad} failed" if bad else "")


def overall(codes: Sequence[ExitCode]) -> ExitCode:
    """Add exit codes up: all alike is that one, a mixture with a success is ``PARTIAL``."""
    different = set(codes)
    if len(different) <= 1:
        return different.pop() if different else ExitCode.OK
    return ExitCode.PARTIAL if ExitCode.OK in different else ExitCode.FAILED
