"""Formats that have an end, while a live run grows: the whole so far after each final.

The text of each segment is kept, because making it is what takes the time: a whole ``dump`` of
2,000 finals (three hours) takes most of a second.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from bisect import bisect_right
from dataclasses import replace
from itertools import count

from echocli.events import Backfill, End, Event, Final, Ready
from echocli.output.html import HtmlWriter
from echocli.output.jsonable import dump, segment_to_dict, transcript_to_dict
from echocli.output.markup import Piece, piece
from echocli.output.text import clean
from echocli.output.writers import JsonWriter
from echocli.output.writing import Writer
from echocli.types import Segment, Transcript


class LiveWriter(Writer):
    """Keep the transcript so far, in order of time; a subclass keeps its segments its own way."""

    def _begin(self) -> None:
        super()._begin()
        self._so_far = Transcript("", None, 0.0, (), "", "")
        self._starts: list[float] = []
        self._replace()

    def event(self, event: Event) -> None:
        """Take what the transcript needs of an event."""
        match event:
            case Ready():
                self._so_far = replace(
                    self._so_far,
                    provider=event.provider,
                    model=event.model,
                    model_revision=event.model_revision,
                    model_sha256=event.model_sha256,
                )
            case Final():
                self._add(event.segment)
                self._replace()
            case Backfill() if clean(event.segment.text).strip():
                self._add(event.segment)
                self._replace()
            case End():
                self._so_far = replace(
                    self._so_far, duration=event.duration, language=event.language
                )

    def _add(self, segment: Segment) -> None:
        at = bisect_right(self._starts, segment.start)
        self._starts.insert(at, segment.start)
        self._keep(at, segment)
        self._so_far = replace(
            self._so_far,
            duration=max(self._so_far.duration, segment.end),
            language=self._so_far.language or segment.language,
        )

    def _replace(self) -> None:
        self._sink.write(self._whole())
        self._sink.flush()

    @abstractmethod
    def _keep(self, at: int, segment: Segment) -> None:
        """Keep a segment as the one in this place."""

    @abstractmethod
    def _whole(self) -> str:
        """Return the whole file as of now."""


class LiveJsonWriter(LiveWriter, JsonWriter):
    """Write the transcript so far after each final."""

    def _begin(self) -> None:
        self._texts: list[str] = []
        self._segments: list[str] = []
        super()._begin()

    def _keep(self, at: int, segment: Segment) -> None:
        self._texts.insert(at, segment.text)
        lines = dump(segment_to_dict(segment), indent=2).replace("\n", "\n    ")
        self._segments.insert(at, f"    {lines}")

    def _whole(self) -> str:
        """Return what ``dump`` would make of the transcript, from the texts of its segments."""
        head = transcript_to_dict(replace(self._so_far, text=" ".join(self._texts)))
        values = {key: json.dumps(value, ensure_ascii=False) for key, value in head.items()}
        if self._segments:
            values["segments"] = "[\n" + ",\n".join(self._segments) + "\n  ]"
        return "{\n" + ",\n".join(f'  "{key}": {value}' for key, value in values.items()) + "\n}\n"


class LiveHtmlWriter(LiveWriter, HtmlWriter):
    """Write the page so far after each final."""

    def _begin(self) -> None:
        self._pieces: list[Piece | None] = []
        self._numbers = count()
        super()._begin()

    def event(self, event: Event) -> None:
        """Take what the page and what the transcript need of an event."""
        HtmlWriter.event(self, event)
        LiveWriter.event(self, event)

    def _keep(self, at: int, segment: Segment) -> None:
        self._pieces.insert(at, piece(segment, next(self._numbers)))

    def _whole(self) -> str:
        return self._document(self._so_far, [one for one in self._pieces if one is not None])


REPLACED: dict[str, type[LiveWriter]] = {
    writer.name: writer for writer in (LiveJsonWriter, LiveHtmlWriter)
}
"""Formats that a live run replaces as a whole, and how."""
