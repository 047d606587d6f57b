"""A picture of accuracy and speed: one point a configuration, up is better, right is faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.labels import Box, place
from benchmarks.results import Row, Way

PANEL_INCHES = (7.0, 6.0)
OURS = {"marker": "o", "color": "#0b6e4f", "s": 70}
PEERS = {"marker": "D", "color": "#8a8d91", "s": 45}
TICKS = (1, 2, 3, 5, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 1000)


def draw(path: Path, title: str, panels: Mapping[str, Sequence[Row]], way: Way) -> None:
    """Write an SVG with a panel for each material; needs matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    # Text stays text, and the same figures give the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "echocli", "font.size": 9})
    from matplotlib import pyplot

    width, height = PANEL_INCHES
    size = (width * len(panels), height)
    figure, axes = pyplot.subplots(1, len(panels), figsize=size, squeeze=False)
    figure.suptitle(title)
    for axis, (name, rows) in zip(axes[0], panels.items(), strict=True):
        _points(axis, name, rows, way)
    figure.tight_layout()
    figure.canvas.draw()
    for axis, rows in zip(axes[0], panels.values(), strict=True):
        _labels(axis, rows, way)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def _points(axis: Any, name: str, rows: Sequence[Row], way: Way) -> None:
    for ours, look, label in ((False, PEERS, "peers"), (True, OURS, "echocli")):
        group = [row for row in rows if row.ours is ours]
        speeds, rates = [row.speed(way) for row in group], [row.wer for row in group]
        axis.scatter(speeds, rates, label=label, zorder=3, **look)
    axis.set_xscale("log")
    _scale(axis, rows, way)
    axis.set_title(name)
    axis.set_xlabel(f"speed, seconds of audio ÷ seconds ({way} process, log scale)")
    axis.set_ylabel("word error rate % (better is up)")
    axis.grid(visible=True, color="#e4e6e8", zorder=0)
    axis.legend(loc="lower left", frameon=False)


def _scale(axis: Any, rows: Sequence[Row], way: Way) -> None:
    """Leave room for labels, and write speeds as plain numbers."""
    speeds = [speed for row in rows if (speed := row.speed(way))]
    rates = [row.wer for row in rows]
    margin = max(0.3, 0.15 * (max(rates) - min(rates)))
    axis.set_ylim(max(rates) + 2 * margin, max(0.0, min(rates) - margin))
    axis.set_xlim(min(speeds) / 1.4, max(speeds) * 1.6)
    axis.minorticks_off()
    low, high = axis.get_xlim()
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axis.set_xticks(ticks, [f"{tick}×" for tick in ticks])


def _labels(axis: Any, rows: Sequence[Row], way: Way) -> None:
    """Write each name where it covers nothing, with a line to its point where that is far."""
    drawn = [_text(axis, row) for row in rows]
    points = [axis.transData.transform((row.speed(way), row.wer)) for row in rows]
    sizes = [(box.width, box.height) for box in (text.get_window_extent() for text in drawn)]
    bounds = axis.get_window_extent()
    legend = axis.get_legend().get_window_extent()
    top = legend.y1 - bounds.y0
    area = Box(bounds.x0, bounds.y0 + top, bounds.width, bounds.height - top)
    back = axis.transData.inverted()
    for text, point, box in zip(drawn, points, place(points, sizes, area), strict=True):
        text.set_position(back.transform((box.x, box.y)))
        _lead(axis, back, point, box)


def _text(axis: Any, row: Row) -> Any:
    look = OURS if row.ours else PEERS
    return axis.text(
        *(axis.get_xlim()[0], axis.get_ylim()[0], row.name),
        va="bottom",
        ha="left",
        color=look["color"] if row.ours else "#3c4043",
        weight="bold" if row.ours else "normal",
        zorder=4,
    )


def _lead(axis: Any, back: Any, point: tuple[float, float], box: Box) -> None:
    near_x = min(max(point[0], box.x), box.x + box.width)
    near_y = min(max(point[1], box.y), box.y + box.height)
    ends = back.transform([tuple(point), (near_x, near_y)])
    axis.plot(ends[:, 0], ends[:, 1], color="#b6b9bd", linewidth=0.8, zorder=2)
