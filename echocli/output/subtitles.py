"""Lay segments out as subtitle cues, and write the time stamps of every text format.

The layout options mean what they mean in openai-whisper (``SubtitlesWriter`` in
``whisper/utils.py``): a width alone wraps each segment's text; a width together with a line count
lets cues run across segments and ends them at a full cue or a long pause; a word count ends a cue
after that many words. Words with times give cues their true times; without them the pieces of a
text share its segment's time by their length, and cues stay inside their segment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from echocli.errors import UsageError
from echocli.output.text import clean, display_width, pieces
from echocli.types import Segment, Word

MIN_CUE_MS = 10
"""Shortest cue, one step of the coarsest format (LRC): players drop cues of no length."""

LONG_PAUSE = 3.0
"""Seconds between the starts of two words that end a cue; the figure of openai-whisper."""

_UNLIMITED = 10**9


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How subtitles are laid out; ``None`` means no limit.

    Raises ``UsageError`` for a limit below one.
    """

    max_line_width: int | None = None
    """Columns of a line; wide (CJK) characters count as two."""
    max_line_count: int | None = None
    """Lines of a cue."""
    max_words_per_line: int | None = None
    """Words of a cue, as in openai-whisper."""
    max_cue_seconds: float | None = None
    """Seconds from the start of a cue's first word to the end of its last."""
    runs_on: bool = True
    """Whether a cue may go on into the next segment, and so is held back until that one comes."""

    def __post_init__(self) -> None:
        for name in ("max_line_width", "max_line_count", "max_words_per_line"):
            value = getattr(self, name)
            if value is not None and value < 1:
                option = "--" + name.replace("_", "-")
                raise UsageError(f"{option} is {value}", hint="give a whole number from 1 up")

    @property
    def reflows(self) -> bool:
        """Whether cues are filled by width and count, and end at a long pause."""
        return self.max_line_width is not None and self.max_line_count is not None

    @property
    def keeps_segments(self) -> bool:
        """Whether nothing is asked for: each segment is one cue of one line."""
        return self == WriteOptions()


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: ``[start_ms, end_ms)`` in milliseconds, lines separated by newlines."""

    start_ms: int
    end_ms: int
    text: str


class Timeline:
    """Keep cues in order: none starts before the last one ended, none is negative or empty."""

    def __init__(self) -> None:
        self._end_ms = 0

    def place(self, start: float, end: float, text: str) -> Cue:
        """Make a cue from times in seconds, moved as little as the rules allow."""
        start_ms = max(milliseconds(start), self._end_ms)
        self._end_ms = max(milliseconds(end), start_ms + MIN_CUE_MS)
        return Cue(start_ms, self._end_ms, text)


class CueLayout:
    """Turn segments into cues as they come; ``finish`` gives the one still open, if any."""

    def __init__(self, options: WriteOptions) -> None:
        self._options = options
        self._timeline = Timeline()
        self._lines: list[str] = []
        self._words: list[Word] = []

    def feed(self, segment: Segment) -> Iterator[Cue]:
        """Yield the cues that this segment completes."""
        if self._options.keeps_segments:
            yield from self._whole(segment)
            return
        runs_on = self._options.reflows and self._options.runs_on and bool(segment.words)
        if not runs_on:
            yield from self.finish()
        for word in timed_words(segment):
            if self._must_end_before(word):
                yield from self.finish()
            self._add(word)
        if not runs_on:
            yield from self.finish()

    def finish(self) -> Iterator[Cue]:
        """Yield the open cue and start afresh."""
        if self._words:
            text = "\n".join(line.rstrip() for line in self._lines)
            yield self._timeline.place(self._words[0].start, self._words[-1].end, text)
        self._lines, self._words = [], []

    def _whole(self, segment: Segment) -> Iterator[Cue]:
        if text := clean(segment.text).strip():
            yield self._timeline.place(segment.start, segment.end, text)

    def _must_end_before(self, word: Word) -> bool:
        if not self._words:
            return False
        if len(self._words) >= (self._options.max_words_per_line or _UNLIMITED):
            return True
        if self._options.reflows and word.start - self._words[-1].start > LONG_PAUSE:
            return True
        if word.end - self._words[0].start > (self._options.max_cue_seconds or math.inf):
            return True
        full = len(self._lines) >= (self._options.max_line_count or _UNLIMITED)
        return full and not self._has_room(word)

    def _has_room(self, word: Word) -> bool:
        width = display_width(self._lines[-1]) + display_width(word.text.rstrip())
        return width <= (self._options.max_line_width or _UNLIMITED)

    def _add(self, word: Word) -> None:
        if self._lines and self._has_room(word):
            self._lines[-1] += word.text
        else:
            self._lines.append(word.text.lstrip())
        self._words.append(word)


def timed_words(segment: Segment) -> list[Word]:
    """Return the segment's words, cleaned; without any, its text cut where lines may break.

    Pieces of a text share its time in proportion to their length in characters.
    """
    words = segment.words or _shared_time(segment)
    cleaned = (Word(word.start, word.end, clean(word.text), word.probability) for word in words)
    return [word for word in cleaned if word.text.strip()]


def _shared_time(segment: Segment) -> list[Word]:
    text = clean(segment.text).strip()
    per_char = (segment.end - segment.start) / max(len(text), 1)
    words, done = [], 0
    for piece in pieces(text):
        start, done = done, done + len(piece)
        first, last = (segment.start + at * per_char for at in (start, done))
        words.append(Word(first, last, piece, segment.confidence))
    return words


def milliseconds(secs: float) -> int:
    """Convert seconds to the nearest millisecond, never negative; what is no number gives 0."""
    return max(round(secs * 1000), 0) if math.isfinite(secs * 1000) else 0


def stamp(ms: int, separator: str, *, hours: bool) -> str:
    """Write ``HH:MM:SS<separator>mmm``; without ``hours`` they are left out while they are 0."""
    minutes, ms = divmod(ms, 60_000)
    hour, minutes = divmod(minutes, 60)
    head = f"{hour:02d}:" if hours or hour else ""
    return f"{head}{minutes:02d}:{ms // 1000:02d}{separator}{ms % 1000:03d}"


def clock_time(secs: float) -> str:
    """Write seconds as ``m:ss`` or ``h:mm:ss``, as players do."""
    minutes, rest = divmod(milliseconds(secs) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
