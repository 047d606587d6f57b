"""What the server told of one file, as events: once, however often the file is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from echocli.events import End, Event, Final, Notice, Progress, Ready, StatsEvent
from echocli.remote.answer import done_of, language_of, segment_of
from echocli.remote.exchange import not_understood
from echocli.wire.codes import Malformed

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

    ``spec`` says what serves; it is asked when there is an answer.
    """

    def __init__(self, sound: str, spec: Callable[[], LoadSpec], *, keep_words: bool) -> None:
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
        """Yield the events of a message; raises ``Failed`` for what is not understood."""
        if not self._ready:
            self._ready = True
            spec = self._spec()
            yield Ready(self._sound, spec.provider, spec.model)
        try:
            if message.get("type") == "transcript.text.delta":
                yield from self._final(message)
            elif message.get("type") == "transcript.text.done":
                yield from self._done(message)
        except Malformed as error:
            raise not_understood(str(error)) from error

    def _final(self, message: dict[str, Any]) -> Iterator[Event]:
        segment = self._rest(segment_of(message.get("segment")))
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
        done = done_of(message)
        self.over = True
        for notice in done.notices:
            yield self._named(notice)
        yield StatsEvent({})
        yield End(done.duration or self._end, language_of(done.language))

    def _named(self, notice: Notice) -> Notice:
        """Return what the server says of the file, which it knows by its last name only."""
        begins = f"{Path(self._sound).name}: "
        if not notice.message.startswith(begins):
            return notice
        return Notice(notice.code, f"{self._sound}: {notice.message.removeprefix(begins)}")
