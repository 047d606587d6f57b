"""What a tool wrote to standard output, file by file, and when.

Two dialects are understood: the JSON lines of ``echocli transcribe -f jsonl``, which the runners of
``benchmarks/runners`` print too, and the lines of ``whisper-ctranslate2``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.processes import Line

TIMED = re.compile(r"\[[\d:.]+ --> [\d:.]+\] {1,2}(.*)")
"""A segment as whisper-ctranslate2 prints it (``transcribe.py``, ``_get_text``)."""


class Dialect(StrEnum):
    """How a tool says what it hears."""

    JSON_LINES = "json-lines"
    """One object a line: ``final`` for a segment, ``end`` after each file."""
    CTRANSLATE2 = "whisper-ctranslate2"
    """``[00:00.000 --> 00:01.000]  text``; ``File: …`` before each file if there are several."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The text of each file, when each was done, and when the very first text came.

    Times are seconds since the start of the process; ``first`` is ``None`` without any text.
    """

    texts: tuple[str, ...]
    ends: tuple[float, ...]
    first: float | None

    @property
    def durations(self) -> tuple[float, ...]:
        """Seconds from the end of one file to the end of the next; one fewer than files."""
        return tuple(end - start for start, end in zip(self.ends[:-1], self.ends[1:], strict=True))


@dataclass(frozen=True, slots=True)
class _Said:
    at: float
    text: str | None
    """A segment, or ``None`` for the end of a file."""


def listen(dialect: Dialect, lines: Sequence[Line]) -> Heard:
    """Return what was said in ``dialect``."""
    said = _json_lines(lines) if dialect is Dialect.JSON_LINES else _ctranslate2(lines)
    texts: list[list[str]] = [[]]
    ends: list[float] = []
    for item in said:
        if item.text is None:
            ends.append(item.at)
            texts.append([])
        else:
            texts[-1].append(item.text)
    first = next((item.at for item in said if item.text is not None), None)
    return Heard(tuple(" ".join(pieces) for pieces in texts[:-1]), tuple(ends), first)


def _json_lines(lines: Sequence[Line]) -> list[_Said]:
    said = []
    for line in lines:
        event = json.loads(line.text)
        if event["type"] == "final":
            said.append(_Said(line.at, event["text"].strip()))
        elif event["type"] == "end":
            said.append(_Said(line.at, None))
    return said


def _ctranslate2(lines: Sequence[Line]) -> list[_Said]:
    """A file ends where the next begins; its last line of all says where the results are."""
    said = []
    headings = 0
    for line in lines:
        if found := TIMED.match(line.text):
            said.append(_Said(line.at, found[1].strip()))
        elif line.text.startswith("File: "):
            headings += 1
            if headings > 1:
                said.append(_Said(line.at, None))
        elif line.text.startswith("Transcription results written to"):
            said.append(_Said(line.at, None))
    return said
