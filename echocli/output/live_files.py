"""Files of a live run: each final is on disk, under the file's last name, as soon as it is final.

Most formats are appended to, with one write a final. JSON has an end, so its file is replaced by a
whole one each time: a live run can be killed at any moment and every file can be read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from io import FileIO
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from echocli.events import End, Event, Final, Ready
from echocli.output.files import output_error
from echocli.output.jsonable import dump, segment_to_dict, transcript_to_dict
from echocli.output.subtitles import WriteOptions
from echocli.output.temporary import create, remove_leftovers
from echocli.output.writers import JsonWriter, Writer, expand_formats, make_writer
from echocli.types import Segment, Transcript

LIVE_LAYOUT = WriteOptions(max_line_width=42, max_line_count=2, max_cue_seconds=7.0, runs_on=False)
"""Subtitles nobody gave a layout for: a live final can be 18 s long. Two lines of 42 characters and
seven seconds are the limits of Netflix's Timed Text Style Guide for English."""


class LiveFiles:
    """Write ``DIRECTORY/live-YYYYmmdd-HHMMSS.FORMAT`` for each format; a context manager.

    ``now`` names the files; where one of the names is taken, all get ``-2``, ``-3`` and so on.
    Missing directories are made. ``layout`` without limits stands for :data:`LIVE_LAYOUT`; cues
    never run on into the next final. Raises ``UsageError`` for an unknown format, and
    ``OutputError`` that names the file for whatever the system refuses.
    """

    def __init__(
        self, directory: Path, formats: Sequence[str], now: datetime, layout: WriteOptions
    ) -> None:
        self._directory = directory
        self._formats = expand_formats(formats)
        self._now = now
        self._layout = LIVE_LAYOUT if layout.keeps_segments else replace(layout, runs_on=False)
        self._writers: list[Writer] = []
        self._files = ExitStack()
        self.paths: tuple[Path, ...] = ()
        """The files, once the block is entered."""

    def __enter__(self) -> Self:
        with _explained(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            _sweep(self._directory)
            self.paths = _claim(self._directory, self._formats, self._now)
        with self._files:
            for name, path in zip(self._formats, self.paths, strict=True):
                self._writers.append(self._writer(name, path))
            self._files = self._files.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.close()

    def event(self, event: Event) -> None:
        """Take the next event; a final is in every file when this returns."""
        for writer in self._writers:
            writer.event(event)

    def close(self, transcript: Transcript) -> None:
        """Write what needs the whole transcript."""
        for writer in self._writers:
            writer.close(transcript)

    def _writer(self, name: str, path: Path) -> Writer:
        if name == LiveJsonWriter.name:
            return LiveJsonWriter(_ReplacedFile(path), self._layout)
        with _explained(path):
            file = self._files.enter_context(path.open("ab", buffering=0))
        sink = _GrowingFile(path, file)
        writer = make_writer(name, sink, self._layout)
        sink.flush()  # the header
        return writer


class LiveJsonWriter(JsonWriter):
    """Write the transcript so far after each final.

    The text of each segment is kept, because making it is what takes the time: a whole
    ``dump`` of 2,000 finals (three hours) takes most of a second.
    """

    def _begin(self) -> None:
        self._so_far = Transcript("", None, 0.0, (), "", "")
        self._texts: list[str] = []
        self._segments: list[str] = []
        self._replace()

    def event(self, event: Event) -> None:
        """Take what the transcript needs of an event."""
        match event:
            case Ready():
                self._so_far = replace(self._so_far, provider=event.provider, model=event.model)
            case Final():
                self._add(event.segment)
                self._replace()
            case End():
                self._so_far = replace(
                    self._so_far, duration=event.duration, language=event.language
                )

    def _add(self, segment: Segment) -> None:
        self._texts.append(segment.text)
        self._segments.append(
            "    " + dump(segment_to_dict(segment), indent=2).replace("\n", "\n    ")
        )
        self._so_far = replace(
            self._so_far,
            duration=max(self._so_far.duration, segment.end),
            language=self._so_far.language or segment.language,
        )

    def _replace(self) -> None:
        self._sink.write(self._document())
        self._sink.flush()

    def _document(self) -> str:
        """Return what ``dump`` would make of the transcript, from the texts of its segments."""
        head = transcript_to_dict(replace(self._so_far, text=" ".join(self._texts)))
        values = {key: json.dumps(value, ensure_ascii=False) for key, value in head.items()}
        if self._segments:
            values["segments"] = "[\n" + ",\n".join(self._segments) + "\n  ]"
        return "{\n" + ",\n".join(f'  "{key}": {value}' for key, value in values.items()) + "\n}\n"


class _GrowingFile:
    """Append text to a file, whole at each ``flush``; what does not fit leaves nothing behind."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self._path = path
        self._file = file
        self._pending: list[str] = []

    def write(self, text: str, /) -> None:
        self._pending.append(text)

    def flush(self) -> None:
        data = memoryview("".join(self._pending).encode("utf-8", "replace"))
        self._pending.clear()
        with _explained(self._path):
            size = os.fstat(self._file.fileno()).st_size
            try:
                while data:
                    data = data[self._file.write(data) :]
            except OSError:
                with suppress(OSError):
                    self._file.truncate(size)
                raise


class _ReplacedFile:
    """Put text in the place of a whole file at each ``flush``; readers see the old or the new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: list[str] = []

    def write(self, text: str, /) -> None:
        self._pending.append(text)

    def flush(self) -> None:
        text = "".join(self._pending)
        self._pending.clear()
        with _explained(self._path):
            file = create(self._path)
            try:
                file.stream.write(text)
                file.rename(self._path)
            except OSError:
                file.remove()
                raise


def _claim(directory: Path, formats: Sequence[str], now: datetime) -> tuple[Path, ...]:
    """Create the files, empty, under the first stem that is free for all of them."""
    base = f"live-{now:%Y%m%d-%H%M%S}"
    for number in count(1):
        stem = base if number == 1 else f"{base}-{number}"
        paths = tuple(directory / f"{stem}.{name}" for name in formats)
        if _take(paths):
            return paths
    raise AssertionError("count() does not end")


def _take(paths: Sequence[Path]) -> bool:
    """Create all of the files or none; tell whether all names were free."""
    with ExitStack() as undo:
        try:
            for path in paths:
                path.touch(exist_ok=False)
                undo.callback(path.unlink, missing_ok=True)
        except FileExistsError:
            return False
        undo.pop_all()
    return True


def _sweep(directory: Path) -> None:
    """Remove what live runs that were killed in the middle of a replacement left."""
    for leftover in directory.glob(".live-*.json.*.part"):
        # .NAME.XXXX.part
        remove_leftovers(directory / leftover.name[1:].rsplit(".", 2)[0])


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise output_error(error, path) from error
