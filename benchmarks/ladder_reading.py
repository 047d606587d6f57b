"""What a run of ``echocli live -f jsonl`` says of levels, of speech that was put off, and of text.

Knows nothing of the program but its JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.processes import Line, ProcessFailed
from benchmarks.timestamps import Utterance

NORMAL = "NORMAL"
LEVELS = (NORMAL, "WARNING", "DEGRADE", "EMERGENCY", "FAILOVER")
SPOOLED, DISCARDED = "spooled", "discarded"


@dataclass(frozen=True, slots=True)
class Gap:
    """Sound without text, in seconds."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What one run wrote."""

    text: str
    """Finals and backfilled ones in the order of speech."""
    levels: tuple[Mapping[str, Any], ...]
    """Every ``level`` event."""
    left: tuple[Gap, ...]
    """Gaps that nothing has filled."""
    stats: Mapping[str, Any]

    @property
    def highest(self) -> str:
        """The level that asks for most among those that were in force."""
        return max((one["to"] for one in self.levels), key=LEVELS.index, default=NORMAL)

    @property
    def back_at(self) -> float | None:
        """From which second on it was back at NORMAL to the end; ``None`` where it was not.

        What is taken back only because no more sound comes does not count.
        """
        if not self.levels:
            return 0.0
        last = self.levels[-1]
        ended = last["position"] >= self.stats["audio_seconds"]
        return last["position"] if last["to"] == NORMAL and not ended else None

    def lost_words(self, said: Sequence[Utterance]) -> float:
        """Return how many words of what is said lie in gaps, by their share of time."""
        return sum(
            len(one.text.split()) * _inside(one, gap) / (one.end - one.start)
            for one in said
            for gap in self.left
        )


def _inside(one: Utterance, gap: Gap) -> float:
    return max(0.0, min(one.end, gap.end) - max(one.start, gap.start))


def read(lines: Sequence[Line]) -> Heard:
    """Read the lines of a run; raise ``ProcessFailed`` where it did not come to its end."""
    events = [json.loads(line.text) for line in lines]
    stats = [event["stats"] for event in events if event["type"] == "stats"]
    if not stats:
        raise ProcessFailed("it gave up before the end of the recording")
    said = [event for event in events if event["type"] in ("final", "backfill")]
    said.sort(key=lambda event: event["start"])
    return Heard(
        text=" ".join(event["text"].strip() for event in said),
        levels=tuple(event for event in events if event["type"] == "level"),
        left=tuple(_left(events)),
        stats=stats[0],
    )


def _left(events: Sequence[Mapping[str, Any]]) -> list[Gap]:
    filled = [event["start"] for event in events if event["type"] == "backfill"]
    gaps = [event for event in events if event["type"] == "gap"]
    given_up = {
        (event["start"], event["end"]) for event in gaps if not event["reason"].startswith(SPOOLED)
    }
    spans = {(event["start"], event["end"]) for event in gaps}
    return [
        Gap(start, end)
        for start, end in sorted(spans)
        if (start, end) in given_up or not any(start <= at < end for at in filled)
    ]
