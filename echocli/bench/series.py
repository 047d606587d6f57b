"""How a figure went over time, in a bounded number of points however long it took.

When there are too many points every second one is merged into its neighbour, so that what is left
still covers everything: seconds of work add up, memory keeps its peaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from echocli.clock import Clock
from echocli.events import Level

MOST = 256
"""Points that are kept of a curve."""


@dataclass(frozen=True, slots=True)
class RtfCurve:
    """RTF of each stretch of a recording: ``rtf[n]`` holds from ``seconds[n]`` to the next."""

    seconds: tuple[float, ...] = ()
    """Positions in the recording, one more than there are stretches."""
    rtf: tuple[float, ...] = ()


class Pace:
    """Note how many seconds of work a recording took up to each position.

    Stretches are ``least`` seconds long at least; work without progress counts for the next one.
    """

    def __init__(self, least: float = 0.0, most: int = MOST) -> None:
        self._least = least
        self._most = most
        self._points: list[tuple[float, float]] = [(0.0, 0.0)]
        self._newest = (0.0, 0.0)

    def note(self, position: float, busy: float) -> None:
        """Take the position and the seconds of work so far; neither ever goes back."""
        self._newest = (max(position, self._newest[0]), max(busy, self._newest[1]))
        before = self._points[-1][0]
        if position > before and position - before >= self._least:
            self._points.append(self._newest)
        if len(self._points) > self._most:
            self._points = [self._points[0], *self._points[2::2]]
            self._least = max(self._least, 2 * position / self._most)

    @property
    def curve(self) -> RtfCurve:
        """The stretches up to the newest position; all work is in one of them."""
        points = _with_end(self._points, self._newest, self._least)
        stretches = list(pairwise(points))
        return RtfCurve(
            tuple(position for position, _ in points) if stretches else (),
            tuple((b[1] - a[1]) / (b[0] - a[0]) for a, b in stretches),
        )


def _with_end(
    points: Sequence[tuple[float, float]], end: tuple[float, float], least: float
) -> list[tuple[float, float]]:
    """Let the last stretch reach to ``end``; a shorter one than ``least`` joins that before."""
    left = end[0] - points[-1][0]
    if (len(points) > 1 and left < least) or not left:
        return [*points[:-1], end]
    return [*points, end]


@dataclass(frozen=True, slots=True)
class MemoryCurve:
    """Resident memory over time in bytes, each the highest until the next point."""

    seconds: tuple[float, ...] = ()
    """Since the first look."""
    parent: tuple[int, ...] = ()
    """The program itself."""
    workers: tuple[int, ...] = ()
    """Everything it started."""


class MemoryTrack:
    """Note memory as time passes; for one thread at a time."""

    def __init__(self, clock: Clock, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._least = 0.0
        self._points: list[tuple[float, int, int]] = []

    def note(self, parent: int, workers: int) -> None:
        """Take the bytes of now."""
        point = (self._clock.now(), parent, workers)
        if self._points and point[0] - self._points[-1][0] < self._least:
            self._points[-1] = _higher(self._points[-1], point)
            return
        self._points.append(point)
        if len(self._points) > self._most:
            self._thin()

    def _thin(self) -> None:
        pairs = zip(self._points[::2], [*self._points[1::2], self._points[-1]], strict=False)
        self._points = [_higher(one, other) for one, other in pairs]
        self._least = 2 * (self._points[-1][0] - self._points[0][0]) / self._most

    @property
    def curve(self) -> MemoryCurve:
        """What was noted so far."""
        if not self._points:
            return MemoryCurve()
        times, parent, workers = zip(*self._points, strict=True)
        return MemoryCurve(tuple(time - times[0] for time in times), parent, workers)


def _higher(one: tuple[float, int, int], other: tuple[float, int, int]) -> tuple[float, int, int]:
    return one[0], max(one[1], other[1]), max(one[2], other[2])


@dataclass(frozen=True, slots=True)
class AtLevel:
    """A level of the ladder from ``position`` (seconds) on, and why; at the start there is none."""

    position: float
    level: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """How a recording went; ``levels`` is ``None`` where no ladder ran."""

    pace: RtfCurve = field(default_factory=RtfCurve)
    levels: tuple[AtLevel, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the course as JSON values."""
        levels = None
        if self.levels is not None:
            names = ("position", "level", "reason")
            levels = [{name: getattr(one, name) for name in names} for one in self.levels]
        return {"seconds": self.pace.seconds, "rtf": self.pace.rtf, "levels": levels}


class Levels:
    """Follow the ladder through one recording; bounded like everything here."""

    def __init__(self, start: str = "NORMAL", most: int = MOST) -> None:
        self._most = most
        self._found = [AtLevel(0.0, start)]

    def note(self, level: Level) -> None:
        """Take a change; of very many the newest are kept, and one to the same level is none."""
        if level.to == self._found[-1].level:
            return
        self._found.append(AtLevel(level.position, level.to, level.reason))
        if len(self._found) > self._most:
            del self._found[1]

    @property
    def levels(self) -> tuple[AtLevel, ...]:
        """The level at the start, and every change."""
        return tuple(self._found)
