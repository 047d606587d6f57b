"""Put labels beside points so that none covers another. Pure: rectangles in pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

GAP = 6.0
"""Pixels between a mark and its label, half the width of a mark, and steps away from it."""
RINGS = 40
DIRECTIONS = 16


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle from ``(x, y)`` to ``(x + width, y + height)``."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: Box) -> bool:
        """Tell whether the two share more than an edge."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )

    def inside(self, other: Box) -> bool:
        """Tell whether all of it lies in ``other``."""
        return (
            self.x >= other.x
            and self.y >= other.y
            and self.x + self.width <= other.x + other.width
            and self.y + self.height <= other.y + other.height
        )


def place(
    points: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], area: Box
) -> list[Box]:
    """Return a box for the label of each point: the nearest place that is free.

    No box covers a point or another box. A label for which ``area`` has no room left is put to the
    right of its point, over whatever is there.
    """
    taken = [Box(x - GAP, y - GAP, 2 * GAP, 2 * GAP) for x, y in points]
    boxes = []
    for point, size in zip(points, sizes, strict=True):
        places = list(_around(point, size))
        free = (
            box
            for box in places
            if box.inside(area) and not any(box.overlaps(other) for other in taken)
        )
        box = next(free, places[0])
        boxes.append(box)
        taken.append(box)
    return boxes


def _around(point: tuple[float, float], size: tuple[float, float]) -> Iterator[Box]:
    """Yield places around a point, nearest first, starting to the right of it."""
    (x, y), (width, height) = point, size
    for ring in range(2, RINGS):
        for step in range(DIRECTIONS):
            angle = 2 * math.pi * step / DIRECTIONS
            across, up = math.cos(angle), math.sin(angle)
            centre_x = x + across * (ring * GAP + width / 2)
            centre_y = y + up * (ring * GAP + height / 2)
            yield Box(centre_x - width / 2, centre_y - height / 2, width, height)
