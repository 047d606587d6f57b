"""What a soak found: what grew, what drifted, and whether that is too much."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import tables
from echocli.events import Event, Final, Gap, Notice
from echocli.runtime.stats import MOST

HOUR = 3600.0
SETTLING = 0.2
"""Share of the run in which memory may still grow."""
MOST_GROWTH = 0.05
MOST_DRIFT = 0.05
"""Seconds by which a final may begin elsewhere than in the second loop."""
FEW = 64
"""Entries by which a container may differ from look to look."""
FIGURES = ("hangover", "finalising", "first_partial", "commit")
"""Lists of latencies: they fill up to a bound of their own."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was there at ``position`` simulated seconds.

    ``sizes`` has the most entries a container had since the look before, by where it is.
    """

    position: float
    parent_mb: float
    worker_mb: float
    sizes: dict[str, int]


@dataclass(slots=True)
class Found:
    """What a run gave; ``starts`` of all finals are in seconds."""

    period: float
    looks: list[Look] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    gaps: int = 0
    notices: list[str] = field(default_factory=list)
    wall_seconds: float = 0.0

    def take(self, events: Sequence[Event]) -> None:
        """Note the events that matter."""
        for event in events:
            if isinstance(event, Final):
                self.starts.append(event.segment.start)
            elif isinstance(event, Gap):
                self.gaps += 1
            elif isinstance(event, Notice):
                self.notices.append(event.message)


def growths(found: Found) -> list[str]:
    """Return what grew after the first fifth of the run, in words."""
    settled = [look for look in found.looks if look.position >= SETTLING * found.looks[-1].position]
    first, rest = settled[0], settled[1:]
    grown = []
    for name in ("parent_mb", "worker_mb"):
        before, after = getattr(first, name), max(getattr(look, name) for look in rest)
        if after > before * (1 + MOST_GROWTH):
            grown.append(f"{name} grew from {before:.1f} to {after:.1f}")
    half = rest[len(rest) // 2 :]
    for name in sorted({name for look in half for name in look.sizes}):
        before = max(look.sizes.get(name, 0) for look in settled if look not in half)
        after = max(look.sizes.get(name, 0) for look in half)
        if _too_many(name, before, after):
            grown.append(f"{name} grew from {before} to {after}")
    return grown


def _too_many(name: str, before: int, after: int) -> bool:
    if name.rpartition(".")[2] in FIGURES:
        return after > MOST
    return after > 2 * before + FEW


@dataclass(frozen=True, slots=True)
class Drift:
    """How far finals begin from where they began in the second loop, at most, in seconds.

    ``missing`` and ``extra`` are finals of later loops; a text that is not believed is no final.
    """

    worst: float
    missing: int
    extra: int


def drift(found: Found) -> Drift | None:
    """Compare whole loops with the second, whose beginning is not special; ``None`` without one."""
    loops: dict[int, list[float]] = {}
    for start in found.starts:
        loops.setdefault(int(start // found.period), []).append(start % found.period)
    whole = range(2, max(loops, default=0))
    if not loops.get(1) or not len(whole):
        return None
    wanted, worst, missing, extra = loops[1], 0.0, 0, 0
    for number in whole:
        offs = [_nearest(start, wanted) for start in loops.get(number, [])]
        worst = max([worst, *offs])
        missing += max(0, len(wanted) - len(offs))
        extra += max(0, len(offs) - len(wanted))
    return Drift(worst, missing, extra)


def _nearest(start: float, wanted: Sequence[float]) -> float:
    at = bisect_left(wanted, start)
    return min(abs(start - one) for one in wanted[max(0, at - 1) : at + 1])


HEADS = ("simulated min", "parent MB", "worker MB", "containers", "entries", "largest", "its size")


def rows(looks: Sequence[Look]) -> list[list[str]]:
    """Return a row of the table for each look."""
    return [_row(look) for look in looks]


def _row(look: Look) -> list[str]:
    largest = max(look.sizes, key=lambda name: look.sizes[name])
    cells = [f"{look.position / 60:.0f}", f"{look.parent_mb:.1f}", f"{look.worker_mb:.1f}"]
    total = str(sum(look.sizes.values()))
    return [*cells, str(len(look.sizes)), total, largest, str(look.sizes[largest])]


def line(look: Look, elapsed: float) -> str:
    """Say in a line how far it is, after so many seconds."""
    memory = f"parent {look.parent_mb:.1f} MB, worker {look.worker_mb:.1f} MB"
    return f"{look.position / 60:.0f} min after {elapsed:.0f} s: {memory}"


def faults(found: Found) -> list[str]:
    """Return everything that is wrong with a run, in words."""
    wrong = growths(found) if len(found.looks) > 1 else ["too short to see anything grow"]
    off = drift(found)
    if off is None:
        wrong.append("too short to see times drift")
    elif off.worst > MOST_DRIFT:
        wrong.append(f"a final begins {1000 * off.worst:.0f} ms off")
    if found.gaps:
        wrong.append(f"{found.gaps} gaps")
    return wrong


def report(provider: str, found: Found) -> list[str]:
    """Print what was found and return what is wrong with it."""
    hours, wrong = found.looks[-1].position / HOUR if found.looks else 0.0, faults(found)
    print(f"## {provider}: {hours:.2f} h in loops of {found.period:.1f} s\n")
    print(tables.table(HEADS, rows(found.looks)))
    off = drift(found)
    if off is not None:
        print(
            f"\n{len(found.starts)} finals, at most {1000 * off.worst:.0f} ms from where they "
            f"began in the second loop; {off.missing} missing, {off.extra} extra."
        )
    print(f"{found.wall_seconds:.0f} s; notices: {'; '.join(found.notices) or 'none'}.")
    verdict = "\n".join(f"FAILED: {what}" for what in wrong)
    print(f"\n{verdict or 'Nothing grew and nothing drifted.'}\n", flush=True)
    return wrong
