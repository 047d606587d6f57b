"""What a reader of ``echocli live -f jsonl`` waits for, from when its lines arrive.

Knows nothing of the program but its JSON, and holds it against what is really said and when.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from benchmarks.processes import Line
from benchmarks.timestamps import TimedWord, Utterance
from echocli.bench.accuracy import Normaliser, normalise

NEAR = 0.7
"""Seconds an edge may be off to be taken for a true one; pauses are not shorter."""


@dataclass(slots=True)
class Said:
    """One utterance as it was written; times are seconds since the source began."""

    start: float = math.inf
    end: float = math.inf
    reason: str = ""
    ended_at: float = math.inf
    partial_at: float | None = None
    committed: list[tuple[str, float]] = field(default_factory=list)
    """Words that were promised, each with when."""
    text: str | None = None
    final_at: float = math.inf

    @property
    def words(self) -> list[tuple[str, float]]:
        """The words of the final, each with when it was settled."""
        known = [at for _, at in self.committed]
        words = (self.text or "").split()
        return [(word, at) for word, at in zip(words, _filled(known, self.final_at), strict=False)]

    @property
    def shown_at(self) -> float | None:
        """When its first text came, ``None`` without any."""
        known = self.final_at if self.text is not None else None
        return known if self.partial_at is None else self.partial_at

    @property
    def kept(self) -> bool:
        """Whether the final begins with every word that was promised."""
        words = [_bare(word) for word in (self.text or "").split()]
        return [_bare(word) for word, _ in self.committed] == words[: len(self.committed)]


def _filled(times: Sequence[float], last: float) -> list[float]:
    return [*times, *[last] * 10_000]


def _bare(word: str) -> str:
    return "".join(char for char in word.casefold() if char.isalnum())


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything one run wrote; ``stats`` is what it says of itself at the end."""

    said: tuple[Said, ...]
    stats: Mapping[str, Any]

    @property
    def text(self) -> str:
        """All finals."""
        return " ".join(one.text.strip() for one in self.said if one.text)


def read(lines: Sequence[Line]) -> Reading:
    """Read the lines; the source began when the earliest of them says so.

    A line that tells of the position ``p`` cannot come before the source has given ``p`` seconds;
    meters come four times a second, so the least of arrival less position is when it began.
    """
    events = [(line.at, json.loads(line.text)) for line in lines]
    reached = [
        at - event.get("position", 0.0)
        for at, event in events
        if event["type"] in ("ready", "meter")
    ]
    origin = min(reached, default=0.0)
    said: dict[int, Said] = {}
    stats: Mapping[str, Any] = {}
    for at, event in events:
        if event["type"] == "stats":
            stats = event["stats"]
        elif "id" in event:
            _take(said.setdefault(event["id"], Said()), event, at - origin)
    return Reading(tuple(said.values()), stats)


def _take(one: Said, event: Mapping[str, Any], at: float) -> None:
    match event["type"]:
        case "speech_started":
            one.start = event["start"]
        case "partial":
            one.partial_at = at if one.partial_at is None else one.partial_at
            words = event["committed"].split()
            one.committed += [(word, at) for word in words[len(one.committed) :]]
        case "speech_ended":
            one.end, one.reason, one.ended_at = event["end"], event["reason"], at
        case "final":
            one.text, one.final_at = event["text"], at


@dataclass(frozen=True, slots=True)
class Waits:
    """What was waited for, in seconds, and what it is counted over."""

    ttfs: tuple[float, ...]
    """True end of speech to the final, where an utterance ends there."""
    hangover: tuple[float, ...]
    """True end of speech to ``speech_ended``."""
    finalising: tuple[float, ...]
    """``speech_ended`` to the final, of every utterance."""
    first_partial: tuple[float, ...]
    """True start of speech to the first partial, where an utterance begins there and has one."""
    first_text: tuple[float, ...]
    """The same to the first partial or the final, whichever there is."""
    commit: tuple[float, ...]
    """End of a word to its appearance in ``committed`` or in the final; may be negative."""
    edges: int
    """Utterances there are in truth."""
    words: int
    committed: int
    broken: int
    """Finals that do not begin with what was promised."""


def waits(reading: Reading, true: Sequence[Utterance], aligned: Sequence[TimedWord]) -> Waits:
    """Hold a run against the truth; ``aligned`` are words with the times they are said at."""
    finals = [one for one in reading.said if one.text is not None]
    ends = [(one, edge.end) for edge in true if (one := _ending(finals, edge.end)) is not None]
    starts = [
        (one, edge.start)
        for edge in true
        if (one := _starting(reading.said, edge.start)) is not None
    ]
    words = [pair for one in finals for pair in one.words]
    return Waits(
        ttfs=tuple(one.final_at - end for one, end in ends),
        hangover=tuple(one.ended_at - end for one, end in ends),
        finalising=tuple(one.final_at - one.ended_at for one in finals),
        first_partial=tuple(
            one.partial_at - start for one, start in starts if one.partial_at is not None
        ),
        first_text=tuple(at - start for one, start in starts if (at := one.shown_at) is not None),
        commit=tuple(_lags(words, aligned)),
        edges=len(true),
        words=len(words),
        committed=sum(min(len(one.committed), len(one.words)) for one in finals),
        broken=sum(not one.kept for one in finals),
    )


def _ending(finals: Sequence[Said], end: float) -> Said | None:
    found = [one for one in finals if one.reason == "silence" and abs(one.end - end) <= NEAR]
    return min(found, key=lambda one: abs(one.end - end), default=None)


def _starting(said: Sequence[Said], start: float) -> Said | None:
    found = [one for one in said if abs(one.start - start) <= NEAR]
    return min(found, key=lambda one: abs(one.start - start), default=None)


def _lags(words: Sequence[tuple[str, float]], aligned: Sequence[TimedWord]) -> list[float]:
    """Pair equal words in order and return how long after its end each was settled."""
    shown = [(token, at) for text, at in words for token in _tokens(text)]
    spoken = [(token, word.end) for word in aligned for token in _tokens(word.text)]
    sides = [token for token, _ in spoken], [token for token, _ in shown]
    blocks = SequenceMatcher(None, *sides, autojunk=False).get_matching_blocks()
    return [
        shown[block.b + n][1] - spoken[block.a + n][1]
        for block in blocks
        for n in range(block.size)
    ]


def _tokens(text: str) -> list[str]:
    return normalise(text, Normaliser.BASIC).split()
