"""Drawing in SVG: a frame with axes, and what goes into it.

Colours come from the page's style by class. A chart is drawn once for a wide page and once for a
narrow one, so that its letters stay legible on both; the style shows one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from echocli.bench.histogram import ticks
from echocli.output.page import escape

WIDE, NARROW = 720, 340
"""Widths in pixels."""

HEIGHT = 252
LEFT, RIGHT, TOP, BOTTOM = 52, 24, 64, 40
"""Pixels around the frame; the one at the top has a line for the name of the axis and three for
labels of lines and bands."""

STYLE = """
figure { margin: 0 0 1rem; }
figcaption, li { overflow-wrap: anywhere; }
figcaption { color: var(--soft); font-size: .875rem; margin-top: .25rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif;
  fill: var(--soft); }
svg text.name { fill: var(--ink); paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .base { stroke: var(--soft); stroke-width: 1; }
svg .bar { fill: var(--accent); }
svg .mark { stroke: var(--ink); stroke-width: 1.25; }
svg .p50 { stroke-dasharray: none; } svg .p95 { stroke-dasharray: 6 3; }
svg .p99 { stroke-dasharray: 2 2; } svg .limit { stroke-dasharray: 6 3; }
svg .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .one { stroke: var(--accent); } svg .two { stroke: var(--second); stroke-dasharray: 7 3; }
svg .hit { fill: transparent; } svg .hit:hover { fill: var(--ink); fill-opacity: .08; }
svg .level { fill: none; fill-opacity: .16; }
svg .WARNING { fill: var(--warn); } svg .DEGRADE { fill: var(--second); }
svg .EMERGENCY { fill: var(--bad); } svg .FAILOVER { fill: var(--ink); }
.narrow { display: none; }
@media screen and (max-width: 36rem) { .wide { display: none; } .narrow { display: block; } }
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from ``low`` to ``high`` at pixels from ``first`` to ``last``."""

    low: float
    high: float
    first: float
    last: float

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)


@dataclass(frozen=True, slots=True)
class Frame:
    """The place for a chart's content; ``across`` is the whole width."""

    x: Scale
    y: Scale
    across: int

    @property
    def is_narrow(self) -> bool:
        """Whether there is room for few labels only."""
        return self.across < WIDE


def frame(across: int, x: tuple[float, float], y: tuple[float, float]) -> Frame:
    """Return a frame for values in two ranges, each of some length."""
    return Frame(Scale(*x, LEFT, across - RIGHT), Scale(*y, HEIGHT - BOTTOM, TOP), across)


def both(label: str, draw: Callable[[int], tuple[Frame, Sequence[str]]]) -> str:
    """Return a drawing in both widths; ``label`` says in words what is to be seen."""
    return "".join(
        f'<div class="{name}">{_svg(label, *draw(across))}</div>'
        for name, across in (("wide", WIDE), ("narrow", NARROW))
    )


def _svg(label: str, made: Frame, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {made.across} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def axes(made: Frame, x_name: str, y_name: str) -> str:
    """Return grid, numbers and names of both axes; names hold the units."""
    x, y = made.x, made.y
    parts = [text(made.across - RIGHT, HEIGHT - 6, x_name, "name", "end")]
    parts.append(text(4, 12, y_name, "name"))
    for value in ticks(y.low, y.high, 4):
        parts.append(line(x.first, y.at(value), x.last, y.at(value), "grid"))
        parts.append(text(x.first - 6, y.at(value) + 4, number(value), "", "end"))
    for value in ticks(x.low, x.high, 4 if made.is_narrow else 8):
        parts.append(line(x.at(value), y.first, x.at(value), y.first + 4, "base"))
        parts.append(text(x.at(value), y.first + 17, number(value), "", "middle"))
    parts.append(line(x.first, y.first, x.last, y.first, "base"))
    return "".join(parts)


def rect(x: float, y: float, width: float, height: float, name: str, title: str = "") -> str:
    """Return a box of a class, with what is told where the mouse is on it."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
    told = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect class="{name}" {place}>{told}</rect>'


def line(x1: float, y1: float, x2: float, y2: float, name: str) -> str:
    """Return a straight line of a class."""
    return f'<line class="{name}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def curve(points: Sequence[tuple[float, float]], name: str) -> str:
    """Return a line through pixels."""
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="curve {name}" points="{places}"/>'


def text(x: float, y: float, words: str, name: str = "", anchor: str = "start") -> str:
    """Return words at a pixel."""
    kind = f' class="{name}"' if name else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def upright(made: Frame, value: float, words: str, name: str, row: int) -> str:
    """Return a line across the frame at a value of x, with its name in a row above (0 to 2)."""
    x, y = made.x.at(value), TOP - 6 - 13 * row
    near_end = x > (made.x.first + made.x.last) / 2
    label = text(x + (-4 if near_end else 4), y, words, "name", "end" if near_end else "start")
    return line(x, y - 9, x, made.y.first, f"mark {name}") + label


def number(value: float) -> str:
    """Return a number as people write it on an axis."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def time_unit(longest: float) -> tuple[float, str]:
    """Return how many seconds the unit of an axis has, and its name."""
    if longest > 3 * 3600:
        return 3600.0, "h"
    return (60.0, "min") if longest > 300 else (1.0, "s")
