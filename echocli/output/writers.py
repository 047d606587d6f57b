"""The output formats, in one registry: a format is one class here and nothing anywhere else.

A writer takes the events of one input and writes text to a stream, each final at once, so that what
is done is never lost; ``close`` takes the whole transcript and writes what needs all of it.
"""

from __future__ import annotations

import difflib
import re
from abc import abstractmethod
from collections.abc import Iterable

from echocli.errors import UsageError
from echocli.events import Event, Progress
from echocli.output.html import HtmlWriter
from echocli.output.jsonable import dump, event_to_dict, transcript_to_dict
from echocli.output.subtitles import (
    Cue,
    CueLayout,
    Timeline,
    WriteOptions,
    clock_time,
    milliseconds,
    stamp,
)
from echocli.output.text import clean
from echocli.output.writing import SegmentWriter, TextSink, Writer
from echocli.types import Segment, Transcript

__all__ = ["ALL", "FORMATS", "JsonWriter", "TextSink", "Writer", "expand_formats", "make_writer"]

ALL = "all"
"""The name that stands for every format but the page, as ``all`` of whisper is text and data."""


FORMATS: dict[str, type[Writer]] = {}
"""Name → writer, in the order the help lists them."""


def output_format(writer: type[Writer]) -> type[Writer]:
    """Add a writer to the registry."""
    FORMATS[writer.name] = writer
    return writer


@output_format
class TxtWriter(SegmentWriter):
    """One line a segment; ``[m:ss]`` tells where one belongs that comes late."""

    name = "txt"
    summary = "plain text, one line a segment"
    joinable = True

    def _segment(self, segment: Segment) -> None:
        if text := clean(segment.text).strip():
            self._sink.write(f"{text}\n")

    def _late(self, segment: Segment) -> None:
        self._sink.write(f"[{clock_time(segment.start)}] ")
        self._segment(segment)


class SubtitleWriter(SegmentWriter):
    """What SubRip and WebVTT share: laid-out cues."""

    def _begin(self) -> None:
        self._layout = CueLayout(self._options)

    def _segment(self, segment: Segment) -> None:
        for cue in self._layout.feed(segment):
            self._cue(cue)

    def _late(self, segment: Segment) -> None:
        """Write cues of their own; players take them in any order."""
        layout = CueLayout(self._options)
        for cue in (*layout.feed(segment), *layout.finish()):
            self._cue(cue)

    def _end(self, transcript: Transcript) -> None:
        del transcript
        for cue in self._layout.finish():
            self._cue(cue)

    @abstractmethod
    def _cue(self, cue: Cue) -> None: ...


@output_format
class SrtWriter(SubtitleWriter):
    """SubRip: it has no escapes, so an arrow in a text becomes a shorter one, as in whisper."""

    name = "srt"
    summary = "SubRip subtitles"

    def _begin(self) -> None:
        super()._begin()
        self._number = 0

    def _cue(self, cue: Cue) -> None:
        self._number += 1
        start, end = (stamp(ms, ",", hours=True) for ms in (cue.start_ms, cue.end_ms))
        text = re.sub("-{2,}>", "->", cue.text)
        self._sink.write(f"{self._number}\n{start} --> {end}\n{text}\n\n")


@output_format
class VttWriter(SubtitleWriter):
    """WebVTT: ``&``, ``<`` and ``>`` are escaped (W3C WebVTT, "cue text")."""

    name = "vtt"
    summary = "WebVTT subtitles"

    _ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

    def _begin(self) -> None:
        super()._begin()
        self._sink.write("WEBVTT\n\n")

    def _cue(self, cue: Cue) -> None:
        start, end = (stamp(ms, ".", hours=False) for ms in (cue.start_ms, cue.end_ms))
        self._sink.write(f"{start} --> {end}\n{cue.text.translate(self._ESCAPES)}\n\n")


@output_format
class TsvWriter(SegmentWriter):
    """A table of start and end in milliseconds and text; tabs in the text become spaces."""

    name = "tsv"
    summary = "tab-separated start, end (ms) and text"

    def _begin(self) -> None:
        self._sink.write("start\tend\ttext\n")

    def _segment(self, segment: Segment) -> None:
        start = milliseconds(segment.start)
        end = max(milliseconds(segment.end), start)
        self._sink.write(f"{start}\t{end}\t{clean(segment.text).strip()}\n")


@output_format
class LrcWriter(SegmentWriter):
    """Lyrics: ``[mm:ss.xx]text``; minutes go on past 59, because the format has no hours."""

    name = "lrc"
    summary = "lyrics with the start of each line"

    _TAG = re.compile(r"[\[<](\d+:[\d.:]*)[\]>]")

    def _begin(self) -> None:
        self._timeline = Timeline()

    def _segment(self, segment: Segment) -> None:
        self._line(segment, self._timeline)

    def _late(self, segment: Segment) -> None:
        self._line(segment, Timeline())

    def _line(self, segment: Segment, timeline: Timeline) -> None:
        if text := clean(segment.text).strip():
            cue = timeline.place(segment.start, segment.end, text)
            minutes, ms = divmod(cue.start_ms, 60_000)
            # A time in brackets inside the text would be read as one more tag.
            spoken = self._TAG.sub(r"(\1)", text)
            self._sink.write(f"[{minutes:02d}:{ms // 1000:02d}.{ms % 1000 // 10:02d}]{spoken}\n")


@output_format
class JsonlWriter(Writer):
    """The stream of events, one object a line; live and server speak the same."""

    name = "jsonl"
    summary = "events as JSON, one object a line"
    joinable = True

    def event(self, event: Event) -> None:
        """Write any event but ``Progress``, which is for the terminal only."""
        if not isinstance(event, Progress):
            self._sink.write(dump(event_to_dict(event)) + "\n")
            self._sink.flush()


@output_format
class JsonWriter(Writer):
    """The whole transcript as one object, written at the end."""

    name = "json"
    summary = "the whole transcript as one JSON object"

    def event(self, event: Event) -> None:
        """Wait: the transcript of ``close`` has it all."""

    def _end(self, transcript: Transcript) -> None:
        self._sink.write(dump(transcript_to_dict(transcript), indent=2) + "\n")


output_format(HtmlWriter)


def make_writer(name: str, sink: TextSink, options: WriteOptions | None = None) -> Writer:
    """Make the writer of a format; raises ``UsageError`` for a name there is not."""
    return FORMATS[_known(name)](sink, options or WriteOptions())


def expand_formats(names: Iterable[str]) -> tuple[str, ...]:
    """Return the formats meant by names such as ``srt``, ``srt,vtt`` or ``all``, each once.

    Raises ``UsageError`` for a name that is none.
    """
    wanted = [part.strip().lower() for name in names for part in name.split(",")]
    found: dict[str, None] = {}
    for name in wanted:
        found |= dict.fromkeys(_all() if name == ALL else [_known(name)])
    return tuple(found)


def _all() -> list[str]:
    return [name for name, writer in FORMATS.items() if writer.in_all]


def _known(name: str) -> str:
    if name in FORMATS:
        return name
    near = difflib.get_close_matches(name, [*FORMATS, ALL], n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    choices = ", ".join([*FORMATS, ALL])
    raise UsageError(f"there is no output format {name!r}", hint=f"{guess}formats: {choices}")
