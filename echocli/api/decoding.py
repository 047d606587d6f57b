"""Turn decoding options as they are typed into values."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from echocli.audio.clip import ENDLESS, WHOLE, Clip
from echocli.errors import UsageError
from echocli.types import Span, to_samples

if TYPE_CHECKING:
    from echocli.config import Chosen


SMALLEST_STEP = 0.01
"""Of the temperature: a hundred tries of one window are more than anybody waits for."""

VOCABULARY = 51866
"""Tokens of the largest vocabulary, that of large-v3 (``tokenizer.py`` of openai/whisper)."""

Part: TypeAlias = "str | tuple[float | None, float | None]"
"""A stretch of an input: ``"1:30-2:00"``, or start and end in seconds, ``None`` for the input's."""

_TIME = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,9}(?:\.\d*)?|\.\d+)", re.ASCII)
_CLIP_HINT = "a time is seconds or [hours:]minutes:seconds, as in --clip 90-2:15.5"


SUBTITLES = frozenset({"srt", "vtt", "lrc"})
"""Formats that are cut at words, at the words' own times."""


SHOW_WORDS = frozenset({"json", "jsonl"})
"""Formats that write every word a segment has."""


RATES_WORDS = "html"
"""The format that is about each word, and gets them whatever else is written."""


@dataclass(frozen=True, slots=True)
class WordTiming:
    """Whether words are aligned with the sound, and whether segments get them."""

    align: bool
    keep: bool

    @classmethod
    def of(cls, chosen: Chosen) -> WordTiming:
        """Return what ``word_timestamps`` says, whatever is written."""
        asked = chosen["word_timestamps"]
        return cls(asked, asked)


def word_timing(formats: Sequence[str], asked: bool) -> WordTiming:
    """Align words where they were asked for, or subtitles or a page need their times.

    Words that were not asked for are kept for a page, and where no format would show them.
    """
    asked = asked or RATES_WORDS in formats
    subtitles = not SUBTITLES.isdisjoint(formats)
    return WordTiming(asked or subtitles, asked or (subtitles and SHOW_WORDS.isdisjoint(formats)))


def parse_clip(parts: Sequence[str], timestamps: str) -> Clip:
    """Return what ``--clip START-END`` and whisper's ``--clip-timestamps START,END,…`` ask for.

    Times are seconds or ``[hh:]mm:ss[.fff]``. A part may lack one of its times, a list its last.
    """
    spans = [_part(text) for text in parts]
    times = [time.strip() for time in timestamps.split(",")] if timestamps.strip() else []
    times += [""] * (len(times) % 2)
    if "" in times[:-1]:
        raise UsageError(
            f"--clip-timestamps '{timestamps}': a time is missing",
            hint="only the last END may be left out",
        )
    spans += [
        _span("--clip-timestamps", timestamps, start, end)
        for start, end in zip(times[::2], times[1::2], strict=True)
    ]
    return Clip.of(spans) if spans else WHOLE


def clip_of(parts: Sequence[Part] | Clip) -> Clip | None:
    """Return the parts that a program asks for; ``None`` where that is everything."""
    if isinstance(parts, Clip):
        return parts
    if isinstance(parts, str):
        raise UsageError(f"clip={parts!r} is no list of parts", hint=f"clip=[{parts!r}]")
    found = parse_clip([part if isinstance(part, str) else _written(part) for part in parts], "")
    return None if found == WHOLE else found


def _written(part: tuple[float | None, float | None]) -> str:
    """Return a part as text; an end at infinity is that of the input."""
    try:
        start, end = part
        times = (start or 0.0, math.inf if end is None else end)
        if not 0 <= times[0] < times[1]:
            raise ValueError
    except (TypeError, ValueError):
        text = f"clip: {part!r} is no stretch of sound"
        raise UsageError(text, hint="its start and end in seconds, as (90, 120.5)") from None
    return f"{times[0]:f}-" + ("" if times[1] == math.inf else f"{times[1]:f}")


def _part(text: str) -> Span:
    start, dash, end = (word.strip() for word in text.partition("-"))
    if not dash or not (start or end):
        raise UsageError(f"--clip '{text}' is not START-END", hint=_CLIP_HINT)
    return _span("--clip", text, start, end)


def _span(option: str, text: str, start: str, end: str) -> Span:
    """Return the samples between two times; an empty one is that of the input."""
    low = _samples(option, text, start) if start else 0
    high = _samples(option, text, end) if end else ENDLESS
    if high <= low:
        raise UsageError(
            f"{option} '{text}': the end, {end}, is not after the start, {start or 0}",
            hint=_CLIP_HINT,
        )
    return Span(low, high)


def _samples(option: str, text: str, time: str) -> int:
    found = _TIME.fullmatch(time)
    hours, minutes, secs = (float(part or 0) for part in found.groups()) if found else (0, 0, 0)
    if found is None or (":" in time and secs >= 60) or (time.count(":") > 1 and minutes >= 60):
        raise UsageError(f"{option} '{text}': '{time}' is not a time", hint=_CLIP_HINT)
    return to_samples(hours * 3600 + minutes * 60 + secs)


def parse_temperatures(first: float, step: str) -> tuple[float, ...]:
    """Return the temperatures to try: ``first``, then ``step`` more each time, up to 1.

    ``None`` as a step, as whisper spells it, tries once.
    """
    if step.strip().lower() == "none":
        return (first,)
    try:
        width = float(step)
    except ValueError:
        width = math.nan
    if not SMALLEST_STEP <= width < math.inf:
        raise UsageError(
            f"--temperature-increment-on-fallback '{step}' is not a step",
            hint=f"give a number from {SMALLEST_STEP}, or None to try once",
        )
    count = int((1.0 - first) / width + 1e-9) if first < 1 else 0
    return tuple(round(first + i * width, 6) for i in range(count + 1))


def parse_tokens(text: str) -> tuple[int, ...]:
    """Return token ids from ``-1,50257``; an empty text suppresses nothing."""
    try:
        tokens = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UsageError(
            f"--suppress-tokens '{text}' is no list of token ids", hint="example: -1,50257"
        ) from None
    wrong = [token for token in tokens if not -1 <= token < VOCABULARY]
    if wrong:
        raise UsageError(
            f"--suppress-tokens: there is no token {wrong[0]}",
            hint=f"ids go from 0 to {VOCABULARY - 1}; -1 stands for the symbols",
        )
    return tokens
