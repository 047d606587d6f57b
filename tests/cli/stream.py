"""The events of a live run as another program reads them, and what must hold of all of them."""

from __future__ import annotations

import json
import os
import re
import select
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import jiwer
import numpy as np
import soundfile

from tests.cli.conftest import PATIENCE, Running

Event: TypeAlias = dict[str, Any]


class Stream:
    """JSON lines of a running program; each event also has ``at``, the clock when it was read."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.events: list[Event] = []
        self._rest = b""

    def until(self, kind: str, **facts: object) -> Event:
        """Return the next event of a kind with these facts."""
        while (event := self._next()) is not None:
            if event["type"] == kind and facts.items() <= event.items():
                return event
        raise AssertionError((kind, facts, self.running.end()))

    def until_words(self, count: int) -> Event:
        """Return the next partial with at least so many words."""
        while len((event := self.until("partial"))["text"].split()) < count:
            pass
        return event

    def end(self) -> tuple[int, str]:
        """Read the rest; the exit code and what was on stderr."""
        while self._next() is not None:
            pass
        code, _, errors = self.running.end()
        return code, errors

    def of(self, kind: str, source: str | None = None) -> list[Event]:
        """Return the events of a kind so far, of one source if it is named."""
        found = [event for event in self.events if event["type"] == kind]
        return [event for event in found if source in (None, event.get("source"))]

    @property
    def texts(self) -> list[str]:
        """The texts of all finals so far."""
        return [event["text"] for event in self.of("final")]

    @property
    def lost_seconds(self) -> float:
        """Seconds of sound that the statistics count as lost."""
        return float(self.of("stats")[0]["stats"]["lost_seconds"])

    def _next(self) -> Event | None:
        stdout = self.running.process.stdout
        assert stdout is not None
        while b"\n" not in self._rest:
            ready, _, _ = select.select([stdout], [], [], PATIENCE)
            assert ready, "nothing more within the deadline"
            data = os.read(stdout.fileno(), 1 << 16)
            if not data:
                assert not self._rest, "the last line is not whole"
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        self.events.append({**json.loads(line), "at": time.perf_counter()})
        return self.events[-1]


def assert_is_in_order(events: Sequence[Event]) -> None:
    """Play a whole stream again and check what every reader may rely on."""
    kinds = [event["type"] for event in events]
    assert kinds[0] == "ready"
    assert kinds[-2:] == ["stats", "end"]
    assert kinds.count("end") == 1
    of_speech = ("speech_started", "partial", "speech_ended", "final")
    for number in sorted({event["id"] for event in events if event["type"] in of_speech}):
        one = [event for event in events if event.get("id") == number]
        assert_is_one_utterance(one, of_speech)
    finals = [event for event in events if event["type"] == "final"]
    for source in {event["source"] for event in finals}:
        own = [event for event in finals if event["source"] == source]
        assert own == sorted(own, key=lambda event: event["id"])
        assert all(a["end"] <= b["start"] for a, b in pairwise(own))


def assert_is_one_utterance(events: Sequence[Event], order: Sequence[str]) -> None:
    """Check the events of one id: their order, and that what is committed stays."""
    kinds = [event["type"] for event in events]
    assert kinds == sorted(kinds, key=order.index)
    assert [kinds.count(kind) for kind in ("speech_started", "speech_ended")] == [1, 1]
    assert kinds.count("final") <= 1
    committed = ""
    for event in events:
        if event["type"] == "partial":
            assert event["committed"].startswith(committed)
            committed = event["committed"]
        if event["type"] in ("partial", "final"):
            assert event["text"].startswith(committed)
            assert event["start"] <= event["end"]


def share_committed(events: Sequence[Event]) -> float:
    """Return which share of the words of finals was committed before its final."""
    committed = {event["id"]: event["committed"] for event in events if event["type"] == "partial"}
    finals = [event for event in events if event["type"] == "final"]
    early = sum(len(committed.get(event["id"], "").split()) for event in finals)
    return early / sum(len(event["text"].split()) for event in finals)


def plain(text: str) -> str:
    """Return a text without case, punctuation and line ends."""
    return " ".join(re.sub(r"[^\w\s']", "", text.casefold()).split())


def word_errors(reference: str, texts: Sequence[str]) -> float:
    """Return the word error rate of texts put together."""
    rate: float = jiwer.wer(plain(reference), plain(" ".join(texts)))
    return rate


def cut(source: Path, target: Path, start: float, end: float) -> Path:
    """Write a part of a file as 16-bit WAV."""
    rate = soundfile.info(source).samplerate
    sound, _ = soundfile.read(source, dtype="int16", start=int(start * rate), stop=int(end * rate))
    soundfile.write(target, np.asarray(sound), rate, subtype="PCM_16")
    return target
