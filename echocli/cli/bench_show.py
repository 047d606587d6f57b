"""Print what a benchmark found and turn its assertions into an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from echocli.bench import accuracy, extras, live_figures
from echocli.bench.assertions import Assertion, Verdict, judge
from echocli.bench.report import Report, as_object, columns, metrics, summary, table
from echocli.environment import Environment
from echocli.errors import EchoError, ExitCode
from echocli.output.console import Console
from echocli.output.files import AtomicFile
from echocli.output.jsonable import dump
from echocli.output.stdout import StdoutSink
from echocli.output.text import display_width, one_line


def conclude(
    environment: Environment,
    console: Console,
    report: Report,
    demands: Sequence[Assertion],
    code: ExitCode,
    *,
    as_json: bool,
    page: AtomicFile | None = None,
) -> ExitCode:
    """Write the page, print the report, then each assertion that failed; the exit code of it all.

    A demand that does not hold outranks files that could not be read, unless none could: then
    nothing was measured, and ``code`` says why.
    """
    values = metrics(report)
    verdicts = tuple(judge(demand, values) for demand in demands)
    report = replace(report, verdicts=verdicts, time=_now())
    measured = report.overall or report.live
    if page is not None and measured:
        from echocli.bench.html import render

        page.write(render(report))
        page.commit()
    _print(environment, report, as_json=as_json)
    broken = [verdict for verdict in verdicts if not verdict.holds]
    for verdict in broken:
        console.error(_complaint(verdict, report))
    return ExitCode.ASSERTION if broken and measured else code


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _complaint(verdict: Verdict, report: Report) -> EchoError:
    hint = _advice(verdict.assertion.metric, report) if verdict.value is None else None
    return EchoError(f"assertion failed: {verdict}", hint=hint)


def _advice(metric: str, report: Report) -> str | None:
    """Say how a metric that is missing can be had."""
    live = metric in live_figures.METRICS
    if metric in extras.METRICS:
        return "measure it with --full"
    if live != (report.live is not None):
        return "measure it with --live" if live else "measure it without --live"
    if metric not in ("wer", "cer", "live_wer"):
        return None
    if not accuracy.is_available():
        return f"run: {accuracy.INSTALL}"
    return "give the text with --reference, --manifest or <name>.ref.txt"


def _print(environment: Environment, report: Report, *, as_json: bool) -> None:
    if not as_json and report.overall is None and report.live is None:
        return
    if not as_json and environment.stdout.isatty():
        _print_rich(environment, report)
        return
    sink = StdoutSink(environment.stdout)
    sink.write((dump(as_object(report), indent=2) if as_json else _plain(report)) + "\n")
    sink.flush()


def _plain(report: Report) -> str:
    rows = [columns(report), *((one_line(row[0]), *row[1:]) for row in table(report))]
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(_pad(cell, width, left=index == 0) for index, (cell, width) in cells)
        for cells in (enumerate(zip(row, widths, strict=True)) for row in rows)
    ]
    facts = summary(report)
    width = max(len(label) for label, _ in facts)
    lines += ["", *(f"{label:<{width}}  {one_line(value)}" for label, value in facts)]
    return "\n".join(lines)


def _pad(cell: str, width: int, *, left: bool) -> str:
    space = " " * (width - display_width(cell))
    return cell + space if left else space + cell


def _print_rich(environment: Environment, report: Report) -> None:
    from rich import box
    from rich.console import Console as RichConsole
    from rich.table import Table
    from rich.text import Text

    files = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns(report)):
        files.add_column(name, justify="right" if index else "left", overflow="fold")
    for row in table(report):
        files.add_row(*(Text(one_line(cell)) for cell in row))
    facts = Table.grid(padding=(0, 2))
    for label, value in summary(report):
        facts.add_row(Text(label, style="dim"), Text(one_line(value)))
    console = RichConsole(file=environment.stdout, highlight=False)
    console.print(files)
    console.print(facts)
