"""When to do less so that nothing is lost, and when to do more again: a pure policy.

Five levels, from ``NORMAL`` to ``FAILOVER``. The ladder is told the RTF and the backlog and says
when the level changes; what a level means is :mod:`.operating`'s. Overload moves it as many levels
as it is worth, after at least :attr:`LadderOptions.dwell` seconds where it is; recovery moves it
one level after :attr:`LadderOptions.calm` seconds without load. The gap between the RTF of recovery
and that of the first level keeps it from swinging.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from echocli.errors import UsageError


class Rung(IntEnum):
    """A level of the ladder."""

    NORMAL = 0
    """Everything as it was asked for."""
    WARNING = 1
    """Open speech is decoded less often, and greedily."""
    DEGRADE = 2
    """A smaller model, no partials."""
    EMERGENCY = 3
    """Every other utterance is kept for later."""
    FAILOVER = 4
    """The fallback provider."""


@dataclass(frozen=True, slots=True)
class LadderOptions:
    """Thresholds; times in seconds. Raises ``UsageError`` for an order that makes no sense."""

    rtf: tuple[float, float, float] = (0.8, 1.0, 1.2)
    """RTF from which WARNING, DEGRADE and EMERGENCY are due."""
    backlog: tuple[float, float, float] = (2.0, 5.0, 10.0)
    """Seconds of speech that waits from which they are due."""
    recovery: float = 0.7
    """RTF below which the load counts as over."""
    calm: float = 30.0
    """How long it must be over before one level is taken back; twice as long after each relapse."""
    longest_calm: float = 480.0
    dwell: float = 10.0
    """How long every level lasts at least."""
    hopeless: float = 2.0
    """RTF above which EMERGENCY does not suffice …"""
    patience: float = 60.0
    """… when it lasts so long."""

    def __post_init__(self) -> None:
        """Refuse thresholds out of order."""
        rtfs = (self.recovery, *self.rtf, self.hopeless)
        if not all(low < high for low, high in pairwise(rtfs)):
            text = " < ".join(f"{value:g}" for value in rtfs)
            raise UsageError(
                f"the RTFs of the ladder must rise: {text} do not",
                hint="recovery < the three of rtf < hopeless, as in "
                "recovery=0.6,rtf=0.7/0.9/1.1,hopeless=2",
            )
        if not all(low < high for low, high in pairwise((0.0, *self.backlog))):
            text = "/".join(f"{value:g}" for value in self.backlog)
            raise UsageError(f"the backlogs of the ladder must rise: {text} do not")


@dataclass(frozen=True, slots=True)
class Load:
    """How busy it is: ``rtf`` is busy seconds by seconds of sound, ``None`` before any decode."""

    rtf: float | None
    backlog: float = 0.0
    short_of_memory: bool = False
    waiting: float = 0.0
    """Seconds of speech without text, what is being decoded included."""


@dataclass(frozen=True, slots=True)
class Move:
    """The level changes, or within WARNING and above the interval grows once more (``stretch``)."""

    before: Rung
    after: Rung
    stretch: int
    reason: str


class Ladder:
    """Follow the load; ``now`` must never run backwards."""

    def __init__(self, options: LadderOptions | None = None, *, top: Rung = Rung.FAILOVER) -> None:
        self.options = options or LadderOptions()
        self.rung = Rung.NORMAL
        self.stretch = 0
        """How many times the interval was made longer at this level and above NORMAL."""
        self._top = top
        self._since = float("-inf")
        """When the last move was."""
        self._calm_since: float | None = None
        self._hopeless_since: float | None = None
        self._calm_needed = self.options.calm
        self._recovered_at: float | None = None

    def is_hopeless(self, now: float) -> bool:
        """Tell whether EMERGENCY has not sufficed for as long as the options say."""
        since = self._hopeless_since
        return since is not None and now - since >= self.options.patience

    def observe(
        self, now: float, load: Load, *, rescue: bool = False, settled: bool = True
    ) -> Move | None:
        """Take the load at ``now``; the move it leads to, if any.

        ``rescue`` says that the fallback provider is there and predicted to be faster; while the
        last move is not ``settled``, nothing is taken back.
        """
        self._follow(now, load)
        if now - self._since < self.options.dwell:
            return None
        due, reason = self._due(load)
        if due > self.rung:
            return self._move(now, due, reason)
        if self.is_hopeless(now) and rescue and self._top is Rung.FAILOVER:
            return self._move(now, Rung.FAILOVER, f"RTF above {self.options.hopeless:g}")
        if due >= Rung.WARNING and self.rung > Rung.NORMAL:
            return self._stretch(now, reason)
        calm = self._calm_since is not None and now - self._calm_since >= self._calm_needed
        if calm and settled and self.rung > Rung.NORMAL:
            return self._move(now, Rung(self.rung - 1), "the load is over")
        return None

    def _follow(self, now: float, load: Load) -> None:
        """Note since when the load is over, or hopeless."""
        options, rtf = self.options, load.rtf or 0.0
        calm = rtf < options.recovery and load.backlog < options.backlog[0]
        calm = calm and load.waiting < options.backlog[0] and not load.short_of_memory
        self._calm_since = _since(self._calm_since, now) if calm else None
        hopeless = rtf > options.hopeless and self.rung is Rung.EMERGENCY
        self._hopeless_since = _since(self._hopeless_since, now) if hopeless else None

    def _due(self, load: Load) -> tuple[Rung, str]:
        """Return the level that a load asks for, at most EMERGENCY, and why."""
        rtf = load.rtf or 0.0
        by_rtf = sum(rtf >= step for step in self.options.rtf)
        by_backlog = sum(load.backlog >= step for step in self.options.backlog)
        if load.short_of_memory and max(by_rtf, by_backlog) < Rung.DEGRADE:
            return min(Rung.DEGRADE, self._top), "memory is short"
        rung = Rung(min(max(by_rtf, by_backlog), self._top, Rung.EMERGENCY))
        if by_backlog > by_rtf:
            return rung, f"{load.backlog:.1f} s of speech wait"
        return rung, f"RTF {rtf:.2f}"

    def _move(self, now: float, rung: Rung, reason: str) -> Move:
        before, self.rung = self.rung, rung
        self._learn(now, recovers=rung < before)
        self.stretch = 0 if rung is Rung.NORMAL else self.stretch
        self._since, self._hopeless_since = now, None
        # A recovery is one level: the next needs as long a calm again.
        self._calm_since = now if self._calm_since is not None else None
        return Move(before, rung, self.stretch, reason)

    def _learn(self, now: float, *, recovers: bool) -> None:
        """Wait longer before taking back what had to be done again soon after the last time."""
        if recovers:
            self._recovered_at = now
            return
        if self._recovered_at is None:
            return  # further up in the same overload
        soon = now - self._recovered_at <= self._calm_needed + self.options.dwell
        doubled = min(2 * self._calm_needed, self.options.longest_calm)
        self._calm_needed = max(self.options.calm, doubled) if soon else self.options.calm
        self._recovered_at = None

    def _stretch(self, now: float, reason: str) -> Move:
        self.stretch += 1
        self._since = now
        return Move(self.rung, self.rung, self.stretch, reason)


def _since(before: float | None, now: float) -> float:
    return now if before is None else before
