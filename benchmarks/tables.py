"""Markdown of what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.results import FACTOR, SLACK, Row, Way, ratio, verdict

NOTHING = "-"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay cells out; the first column is text, the others are numbers."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def number(value: float | None, digits: int) -> str:
    """Write a number, or a dash for one that was not measured."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def figures(rows: Sequence[Row]) -> str:
    """Return everything about one material but the ratios."""
    heads = ["configuration", "WER %", "S", "D", "I", "words"]
    for way in Way:
        heads += [f"{way} s (least to most)", f"{way} speed ×"]
    heads += ["first text s", "peak MB", "CPU s"]
    return table(heads, [_cells(row) for row in rows])


def _cells(row: Row) -> list[str]:
    found = row.errors
    counts = (found.substitutions, found.deletions, found.insertions, found.length)
    cells = [_name(row), number(found.rate, 2), *map(str, counts)]
    for way in Way:
        cells += [_times(row, way), number(row.speed(way), 1)]
    return [*cells, number(row.first, 2), number(row.peak_mb, 0), number(row.cpu_seconds, 1)]


def _name(row: Row) -> str:
    name = f"**{row.name}**" if row.ours else row.name
    return f"{name} (its text varies)" if row.texts_vary else name


def _times(row: Row, way: Way) -> str:
    times = row.times.get(way)
    if times is None:
        return NOTHING
    return f"{times.middle:.2f} ({times.low:.2f} to {times.high:.2f})"


def ratios(rows: Sequence[Row], way: Way) -> str:
    """Return how many times as fast each of ours is as each peer, by medians."""
    ours = [row for row in rows if row.ours and way in row.times]
    peers = [row for row in rows if not row.ours and way in row.times]
    heads = [f"times as fast as ({way})", *(row.name for row in ours)]
    cells = [[peer.name, *(number(ratio(row, peer, way), 2) for row in ours)] for peer in peers]
    return table(heads, cells)


def verdicts(rows: Sequence[Row], way: Way) -> str:
    """Return for each peer which of ours beats it, or which comes nearest."""
    heads = [f"peer ({way})", "dominated by", "times as fast", "WER difference"]
    return table(heads, list(_verdicts(rows, way)))


def _verdicts(rows: Sequence[Row], way: Way) -> Iterator[list[str]]:
    ours = [row for row in rows if row.ours]
    for peer in rows:
        if peer.ours or way not in peer.times:
            continue
        found = verdict(peer, ours, way)
        if found is None:
            yield [peer.name, NOTHING, NOTHING, NOTHING]
            continue
        who = found.best if found.dominated else f"not dominated: best is {found.best}"
        yield [peer.name, who, f"{found.speed:.2f}", f"{found.wer:+.2f}"]


RULE = (
    f"A peer is dominated where one of ours is at least {FACTOR:g} times as fast at a word error "
    f"rate at most {SLACK:g} points higher; named is the fastest that is so accurate, or else the "
    "most accurate."
)
"""What the verdicts mean, for those who read them."""
