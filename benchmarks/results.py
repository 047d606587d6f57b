"""From single trials to what is said of a configuration: medians, ratios, who is beaten. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from echocli.bench.accuracy import Errors

FACTOR = 2.0
"""A preset beats a peer when it is so many times as fast …"""
SLACK = 0.1
"""… and its word error rate is at most so many points higher."""


class Way(StrEnum):
    """What a time covers."""

    WARM = "warm"
    """One process that has loaded the model and transcribed something before the clock starts."""
    WHOLE = "whole"
    """A fresh process from its start to its end."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration, once, on one material.

    ``first``, ``peak_mb`` and ``cpu_seconds`` are of whole processes only.
    """

    configuration: str
    material: str
    way: Way
    round: int
    seconds: float
    texts: tuple[str, ...]
    first: float | None = None
    peak_mb: float | None = None
    cpu_seconds: float | None = None
    others: float = 0.0
    """Cores that other work on the machine kept busy meanwhile."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds over the rounds."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """What is said of one configuration on one material; medians over the rounds.

    ``texts_vary``: not every trial heard the same.
    """

    name: str
    ours: bool
    audio_seconds: float
    errors: Errors
    times: dict[Way, Times]
    first: float | None
    peak_mb: float | None
    cpu_seconds: float | None
    texts_vary: bool

    @property
    def wer(self) -> float:
        """Word error rate in percent."""
        return self.errors.rate or 0.0

    def speed(self, way: Way) -> float | None:
        """Return seconds of audio ÷ median seconds."""
        times = self.times.get(way)
        return self.audio_seconds / times.middle if times else None


def row(trials: Sequence[Trial], *, ours: bool, audio_seconds: float, errors: Errors) -> Row:
    """Sum up the trials of one configuration on one material; there is at least one."""
    found = {
        way: times([trial.seconds for trial in trials if trial.way is way])
        for way in Way
        if any(trial.way is way for trial in trials)
    }
    return Row(
        name=trials[0].configuration,
        ours=ours,
        audio_seconds=audio_seconds,
        errors=errors,
        times=found,
        first=_middle([trial.first for trial in trials]),
        peak_mb=_middle([trial.peak_mb for trial in trials]),
        cpu_seconds=_middle([trial.cpu_seconds for trial in trials]),
        texts_vary=len({trial.texts for trial in trials}) > 1,
    )


def times(seconds: Sequence[float]) -> Times:
    """Return median, least and most."""
    return Times(median(seconds), min(seconds), max(seconds))


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def ratio(mine: Row, peer: Row, way: Way) -> float | None:
    """Return how many times as fast ``mine`` is; ``None`` where one of the two has no time."""
    if way not in mine.times or way not in peer.times:
        return None
    return peer.times[way].middle / mine.times[way].middle


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which of our rows stands best beside a peer's, and whether that beats it.

    ``speed`` is the ratio of the medians, ``wer`` the difference in points; a negative one is
    fewer errors than the peer's.
    """

    peer: str
    best: str
    speed: float
    wer: float

    @property
    def dominated(self) -> bool:
        """Whether the peer is beaten by :data:`FACTOR` at no more than :data:`SLACK`."""
        return self.speed >= FACTOR and _accurate(self.wer)


def _accurate(difference: float) -> bool:
    return difference <= SLACK + 1e-9  # a difference of two rounded rates may miss by a hair


def verdict(peer: Row, ours: Sequence[Row], way: Way) -> Verdict | None:
    """Return the best of ours beside a peer; ``None`` where there is nothing to compare.

    Best is the fastest of those that are accurate enough; if none is, the most accurate.
    """
    found = [
        Verdict(peer.name, mine.name, speed, mine.wer - peer.wer)
        for mine in ours
        if (speed := ratio(mine, peer, way)) is not None
    ]
    if accurate := [one for one in found if _accurate(one.wer)]:
        return max(accurate, key=lambda one: one.speed)
    return min(found, key=lambda one: (one.wer, -one.speed), default=None)
