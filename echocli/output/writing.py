"""What the writers of all formats share: where they write, and what they are told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from echocli.events import Backfill, Event, Final
from echocli.output.subtitles import WriteOptions
from echocli.output.text import clean
from echocli.types import Segment, Transcript


class TextSink(Protocol):
    """Where a writer writes: a file, standard output, a string buffer."""

    def write(self, text: str, /) -> object:
        """Take some text."""
        ...

    def flush(self) -> object:
        """Let everybody see what was written."""
        ...


@runtime_checkable
class Placed(Protocol):
    """A sink that is a file, so that what it says can link to its neighbours."""

    path: Path


class Writer(ABC):
    """Write one input's result in one format.

    A subclass states its ``name`` (also the file's extension), a ``summary`` for the help, whether
    the output of several inputs may follow each other on one stream (``joinable``), and whether it
    should be written again where segments came late (``ordered``: by time), and whether ``-f all``
    means it too (``in_all``).
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    joinable: ClassVar[bool] = False
    ordered: ClassVar[bool] = False
    in_all: ClassVar[bool] = True

    def __init__(self, sink: TextSink, options: WriteOptions) -> None:
        self._sink = sink
        self._options = options
        self._begin()

    @abstractmethod
    def event(self, event: Event) -> None:
        """Take the next event; what can be written now is flushed before this returns."""

    def close(self, transcript: Transcript) -> None:
        """Write what is left, once; after an interruption the transcript holds what was final."""
        self._end(transcript)
        self._sink.flush()

    def _begin(self) -> None:
        """Write what stands before the first segment."""
        return

    def _end(self, transcript: Transcript) -> None:
        """Write what stands after the last segment."""
        del transcript


class SegmentWriter(Writer):
    """What the formats share that write segment by segment."""

    ordered = True

    def event(self, event: Event) -> None:
        """Write a final or, where it comes, a backfill; other events have no place here."""
        match event:
            case Final():
                self._segment(event.segment)
                self._sink.flush()
            case Backfill() if clean(event.segment.text).strip():
                self._late(event.segment)
                self._sink.flush()

    @abstractmethod
    def _segment(self, segment: Segment) -> None: ...

    def _late(self, segment: Segment) -> None:
        """Write a segment that lies before what is written, with its true time."""
        self._segment(segment)
