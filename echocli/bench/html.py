"""A benchmark as one page for people: what was measured, how it was spread, what was misheard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from echocli import __version__
from echocli.bench import chart, html_charts, html_words
from echocli.bench.histogram import Histogram
from echocli.bench.html_words import Heard
from echocli.bench.live_figures import LiveResult
from echocli.bench.report import (
    UNKNOWN,
    FileResult,
    Report,
    columns,
    number,
    summary,
    table,
)
from echocli.bench.series import AtLevel
from echocli.output.page import escape, page

MOST_CHARTS = 12
"""Recordings whose RTF is drawn, the longest first."""

MOST_LEVELS = 20
"""Changes of the level that are listed of a recording."""

LATENCIES = {
    "ttfs": "Milliseconds from the end of speech to its final (TTFS).",
    "finalising": "Milliseconds from the moment that end was known to the final.",
}
"""Waits of a live run that are drawn, and what they are."""

SHARES = ("p50", "p95", "p99")

STYLE = """
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem;
  margin: 1rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--band); border-radius: .5rem; padding: .6rem .8rem; }
.tiles b { display: block; font-size: 1.5rem; line-height: 1.2; }
.tiles span, .soft { color: var(--soft); font-size: .875rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; min-width: 100%;
  font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .5rem; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal;
  overflow-wrap: anywhere; min-width: 10rem; }
th { color: var(--soft); font-weight: 600; }
.holds { color: var(--good); font-weight: 600; } .fails { color: var(--bad); font-weight: 600; }
@media (max-width: 36rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
@media print {
  h2 { break-after: avoid; } figure, tr, .tiles { break-inside: avoid; }
  .scroll { overflow: visible; } table { font-size: .7rem; }
  th, td { white-space: normal; padding: .2rem .3rem; }
}
"""


def render(report: Report) -> str:
    """Return the page; something was measured."""
    title = f"Benchmark of {report.spec.model}"
    when = f", {report.time}" if report.time else ""
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">echocli {escape(__version__)}{escape(when)}</p>',
        _tiles(report),
        _facts(report),
        _section("Assertions", _assertions(report)) if report.verdicts else "",
        *_latencies(report),
        _section("RTF along the recordings", _courses(report)),
        _section("Words", html_words.words(_heard(report))),
        _section("Memory", _memory(report)),
        _section("Files", _files(report)),
    ]
    body = "\n".join(["<main>", *filter(None, parts), "</main>"])
    return page(title, body, style=chart.STYLE + STYLE + html_words.STYLE)


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _tiles(report: Report) -> str:
    tiles = "".join(
        f"<li><b>{escape(value)}</b><span>{escape(name)}</span></li>"
        for value, name in (_live_tiles(report) if report.live else _file_tiles(report))
        if not value.startswith(UNKNOWN)  # as words are without a reference
    )
    return f'<ul class="tiles">{tiles}</ul>'


def _file_tiles(report: Report) -> Iterator[tuple[str, str]]:
    found = report.overall
    if found is None:
        return
    yield f"{number(found.speed, 1)}×", f"real time (RTF {number(found.rtf, 4)})"
    yield f"{number(found.p95_ms, 0)} ms", "a window, p95"
    yield f"{number(found.memory_mb, 0)} MB", "memory at most"
    if found.wer is not None or found.cer is None:
        yield f"{number(found.wer, 2)} %", "words wrong (WER)"
    else:
        yield f"{number(found.cer, 2)} %", "characters wrong (CER)"


def _live_tiles(report: Report) -> Iterator[tuple[str, str]]:
    if report.live is None:
        return
    found = report.live.overall
    for kind, name in (("ttfs", "end of speech to final"), ("finalising", "finalising")):
        yield f"{number(found.waits[kind]['p95'], 0)} ms", f"{name}, p95"
    yield f"{number(found.live_busy, 2)}", "busy seconds by second of sound"
    yield f"{number(found.live_wer, 2)} %", "words wrong (WER)"


def _facts(report: Report) -> str:
    rows = "".join(
        f"<dt>{escape(label.strip())}</dt><dd>{escape(value)}</dd>"
        for label, value in summary(report)
    )
    return f"<dl>{rows}</dl>"


def _assertions(report: Report) -> str:
    rows = "".join(
        f"<tr><td>{escape(str(one.assertion))}</td><td>{number(one.value, 4)}</td>"
        f'<td class="{"holds" if one.holds else "fails"}">'
        f"{'✓ holds' if one.holds else '✗ fails'}</td></tr>"
        for one in report.verdicts
    )
    return _table(("assertion", "measured", "result"), rows)


def _table(heads: Sequence[str], rows: str) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        "</div>"
    )


def _latencies(report: Report) -> Iterator[str]:
    if report.live is None:
        marks = {name: getattr(report.overall, f"{name}_ms", None) for name in SHARES}
        caption = "Time the provider worked on a window, of all runs; percentiles are medians."
        drawn = _histogram(report.latencies, marks, "windows", caption)
        yield _section("Latency of windows", drawn)
        return
    for kind, caption in LATENCIES.items():
        waits = report.live.overall.waits[kind]
        marks = {name: waits[name] for name in SHARES}
        drawn = _histogram(report.live.latencies[kind], marks, "utterances", caption)
        yield _section(f"Latency: {'TTFS' if kind == 'ttfs' else kind}", drawn)


def _histogram(found: Histogram, marks: dict[str, float | None], what: str, caption: str) -> str:
    if not found.counts:
        return "<p>Nothing was timed.</p>"
    return _figure(html_charts.distribution(found, marks, what), escape(caption))


def _figure(drawn: str, caption: str) -> str:
    return f"<figure>{drawn}<figcaption>{caption}</figcaption></figure>"


def _results(report: Report) -> tuple[FileResult, ...] | tuple[LiveResult, ...]:
    return report.live.files if report.live is not None else report.files


def _courses(report: Report) -> str:
    known = [one for one in _results(report) if one.course.pace.rtf]
    longest = sorted(known, key=lambda one: one.course.pace.seconds[-1], reverse=True)
    left = len(known) - MOST_CHARTS
    more = f"<p>The {MOST_CHARTS} longest of {len(known)} recordings.</p>" if left > 0 else ""
    return more + "".join(map(_course, longest[:MOST_CHARTS]))


def _course(one: FileResult | LiveResult) -> str:
    drawn = html_charts.along(one.file, one.course)
    return _figure(drawn, f"<bdi>{escape(one.file)}</bdi>, first run. {_levels(one.course.levels)}")


def _levels(levels: Sequence[AtLevel] | None) -> str:
    if levels is None:
        return "No ladder ran: nothing was done less for want of time."
    if len(levels) == 1:
        return f"The ladder stayed at {escape(levels[0].level)}."
    changes = "; ".join(
        f"{one.level} from {one.position:.1f} s" + (f" ({one.reason})" if one.reason else "")
        for one in levels[:MOST_LEVELS]
    )
    left = len(levels) - MOST_LEVELS
    return escape(f"Ladder: {changes}" + (f"; and {left} more changes." if left > 0 else "."))


def _heard(report: Report) -> list[Heard]:
    return [_one_heard(one) for one in _results(report) if one.said is not None]


def _one_heard(one: FileResult | LiveResult) -> Heard:
    found = one.figures
    if isinstance(one, FileResult):
        wer, cer = one.figures.wer, one.figures.cer
    else:
        wer, cer = one.figures.live_wer, one.figures.live_cer
    return Heard(
        one.file,
        one.language,
        one.normaliser,
        one.said or "",
        one.heard,
        cer if found.reference_words is None else wer,
        found.reference_words,
        found.substitutions,
        found.deletions,
        found.insertions,
    )


def _memory(report: Report) -> str:
    if not report.memory.seconds:
        return "<p>Memory was not measured.</p>"
    caption = (
        "Resident memory of the program and of its workers while they loaded and worked; pages "
        "they share count twice."
    )
    return _figure(html_charts.memory(report.memory), caption)


def _files(report: Report) -> str:
    rows = "".join(
        f"<tr><td><bdi>{escape(row[0])}</bdi></td>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table(report)
    )
    failed = "".join(
        f'<li><bdi>{escape(one.file)}</bdi>: <span class="fails">{escape(one.error)}</span></li>'
        for one in report.failed
    )
    return _table(columns(report), rows) + (f"<p>Not measured:</p><ul>{failed}</ul>" * bool(failed))
