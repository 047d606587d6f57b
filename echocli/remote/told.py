"""What the server told of one file, as events: once, however often the file is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from echocli.events import End, Event, Final, Notice, Progress, Ready, StatsEvent
from echocli.remote.answer import Problem, language_of, segment_of
from echocli.remote.exchange import Failed
from echocli.remote.policy import Loss

if TYPE_CHECKING:
    from echocli.providers.base import LoadSpec
    from echocli.types import Segment

SHIFT = 0.2
"""Seconds by which a cut may lie elsewhere when a file is sent again."""


class Told:
    """What was told of one input, once however often it is sent.

    A file that is sent again may be cut otherwise. Then a segment that ends where the told text
    ends, or 0.2 s behind it, is not told; one that begins there, or 0.2 s before it, is. Of one
    that lies on both sides the words behind that place are told; the whole of it where its words
    have no times: better a word twice than a word lost.
    """

    def __init__(self, sound: str, spec: LoadSpec, *, keep_words: bool) -> None:
        self.over = False
        self._sound = sound
        self._spec = spec
        self._keep_words = keep_words
        self._ready = False
        self._end = 0.0
        """Where the last segment ends."""
        self._known = 0.0
        """Where the text ends that came before it was sent again."""

    def begin(self) -> None:
        """Take note that the input is sent, perhaps again."""
        self._known = self._end

    def take(self, message: dict[str, Any]) -> Iterator[Event]:
        """Yield the events of a message; raises :class:`Failed` for what is not understood."""
        if not self._ready:
            self._ready = True
            yield Ready(self._sound, self._spec.provider, self._spec.model)
        try:
            if message.get("type") == "transcript.text.delta":
                yield from self._final(message)
            elif message.get("type") == "transcript.text.done":
                yield from self._done(message)
        except (KeyError, TypeError, ValueError) as error:
            said = "its answer is not understood"
            raise Failed(Problem(said, blames_us=True), Loss(said)) from error

    def _final(self, message: dict[str, Any]) -> Iterator[Event]:
        segment = self._rest(segment_of(message["segment"]))
        if segment is None:
            return
        self._end = max(self._end, segment.end)
        yield Final(segment if self._keep_words else replace(segment, words=None))
        yield Progress(segment.end, None)

    def _rest(self, segment: Segment) -> Segment | None:
        """Return what was not told of a segment, ``None`` where all was."""
        known = self._known
        is_told = segment.end <= known or (
            segment.start < known - SHIFT and segment.end <= known + SHIFT
        )
        if known and is_told:
            return None
        if segment.start >= known - SHIFT or segment.words is None:
            return segment
        words = tuple(one for one in segment.words if one.start + one.end > 2 * known)
        if not words:
            return None
        text = "".join(one.text for one in words)
        return replace(segment, start=words[0].start, text=text, words=words)

    def _done(self, message: dict[str, Any]) -> Iterator[Event]:
        self.over = True
        duration = float(message.get("duration") or self._end)
        for found in message.get("notices") or ():
            yield self._notice(found)
        yield StatsEvent({})
        yield End(duration, language_of(message.get("language")))

    def _notice(self, found: dict[str, Any]) -> Notice:
        """Return what the server says of the file, which it knows by its last name only."""
        code, text = str(found["code"]), str(found["message"])
        begins = f"{Path(self._sound).name}: "
        if text.startswith(begins):
            text = f"{self._sound}: {text.removeprefix(begins)}"
        return Notice(code, text)
