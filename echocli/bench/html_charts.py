"""The charts of a benchmark: how long windows took, RTF along a recording, memory over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from echocli.bench.chart import (
    TOP,
    Frame,
    axes,
    both,
    curve,
    frame,
    line,
    number,
    rect,
    text,
    time_unit,
    upright,
)
from echocli.bench.figures import MB
from echocli.bench.histogram import Histogram
from echocli.bench.series import AtLevel, Course, MemoryCurve
from echocli.output.page import escape


def distribution(found: Histogram, marks: Mapping[str, float | None], what: str) -> str:
    """Return a histogram of milliseconds with its percentiles; ``what`` was timed and counted."""
    known = {name: value for name, value in marks.items() if value is not None}
    said = ", ".join(f"{name} {value:.0f} ms" for name, value in known.items())

    def draw(across: int) -> tuple[Frame, list[str]]:
        low, high = found.edges[0], max(found.edges[-1], *known.values(), 0.0)
        made = frame(across, (low, high), (0, max(found.counts)))
        lines = [
            upright(made, value, f"{name} {value:.0f} ms", name, row)
            for row, (name, value) in enumerate(known.items())
        ]
        # The lowest label comes last: it hides the lines of the others behind it.
        return made, [axes(made, "ms", what), *_bars(made, found), *reversed(lines)]

    return both(f"Distribution of milliseconds by {what}: {said}", draw)


def _bars(made: Frame, found: Histogram) -> Iterator[str]:
    for low, high, count in zip(found.edges, found.edges[1:], found.counts, strict=False):
        if count:
            left, right = made.x.at(low), made.x.at(high)
            top = made.y.at(count)
            title = f"{number(low)} to {number(high)} ms: {count}"
            yield rect(left + 0.5, top, right - left - 1, made.y.first - top, "bar", title)


def along(name: str, course: Course) -> str:
    """Return the RTF along a recording, over the levels of the ladder."""
    pace = course.pace
    end = pace.seconds[-1]
    scale, unit = time_unit(end)

    def draw(across: int) -> tuple[Frame, list[str]]:
        made = frame(across, (0, end / scale), (0, 1.1 * max(*pace.rtf, 1e-3)))
        steps = [
            (made.x.at(at / scale), made.y.at(rtf))
            for start, stop, rtf in zip(pace.seconds, pace.seconds[1:], pace.rtf, strict=False)
            for at, rtf in ((start, rtf), (stop, rtf))
        ]
        parts = [
            *_bands(made, course.levels or (), end, scale),
            axes(made, f"position in the recording, {unit}", "RTF"),
            *_real_time(made),
            curve(steps, "one"),
            *_stretches(made, course, scale, unit),
        ]
        return made, parts

    return both(f"RTF along {name}", draw)


def _real_time(made: Frame) -> list[str]:
    if made.y.high < 1:
        return []
    y = made.y.at(1)
    end = made.x.last
    key = line(end - 140, 8, end - 110, 8, "mark limit")
    label = text(end, 12, "as fast as spoken", "name", "end")
    return [line(made.x.first, y, end, y, "mark limit"), key, label]


def _stretches(made: Frame, course: Course, scale: float, unit: str) -> Iterator[str]:
    pace = course.pace
    for start, stop, rtf in zip(pace.seconds, pace.seconds[1:], pace.rtf, strict=False):
        left, right = made.x.at(start / scale), made.x.at(stop / scale)
        title = f"{start / scale:.4g} to {stop / scale:.4g} {unit}: RTF {rtf:.3g}"
        yield rect(left, TOP, right - left, made.y.first - TOP, "hit", title)


def _bands(made: Frame, levels: Sequence[AtLevel], end: float, scale: float) -> Iterator[str]:
    for index, one in enumerate(levels):
        until = levels[index + 1].position if index + 1 < len(levels) else end
        left, right = made.x.at(one.position / scale), made.x.at(max(until, one.position) / scale)
        name = f"level {escape(one.level)}"
        yield rect(left, TOP, right - left, made.y.first - TOP, name)
        if right - left > 9 * len(one.level):
            yield text(left + 3, TOP - 5, one.level, "name")


def memory(found: MemoryCurve) -> str:
    """Return resident memory of the program and of its workers over time."""
    end = max(found.seconds[-1], 1e-3)
    scale, unit = time_unit(end)
    most = max(max(found.parent), max(found.workers)) / MB

    def draw(across: int) -> tuple[Frame, list[str]]:
        made = frame(across, (0, end / scale), (0, 1.1 * most))
        rows = (("one", found.parent), ("two", found.workers))
        lines = [
            curve(
                [
                    (made.x.at(at / scale), made.y.at(count / MB))
                    for at, count in zip(found.seconds, counts, strict=True)
                ],
                name,
            )
            for name, counts in rows
        ]
        parts = [axes(made, f"time, {unit}", "MB"), *_legend(made), *lines]
        return made, [*parts, *_looks(made, found, scale, unit)]

    return both(f"Memory over {end / scale:.0f} {unit}, up to {most:.0f} MB a process", draw)


def _legend(made: Frame) -> Iterator[str]:
    x = made.x.last - 190
    for name, words, shift in (("one", "the program", 0), ("two", "its workers", 105)):
        yield curve([(x + shift, 8), (x + shift + 22, 8)], name)
        yield text(x + shift + 27, 12, words, "name")


def _looks(made: Frame, found: MemoryCurve, scale: float, unit: str) -> Iterator[str]:
    times = [*found.seconds, found.seconds[-1]]
    for index, (parent, workers) in enumerate(zip(found.parent, found.workers, strict=True)):
        left, right = (made.x.at(times[index + n] / scale) for n in (0, 1))
        title = (
            f"{times[index] / scale:.3g} {unit}: the program {parent / MB:.0f} MB, "
            f"its workers {workers / MB:.0f} MB"
        )
        yield rect(left, TOP, right - left, made.y.first - TOP, "hit", title)
