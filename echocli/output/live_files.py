"""Files of a live run: each final is on disk, under the file's last name, as soon as it is final.

Most formats are appended to, with one write a final. JSON and pages have an end, so their files are
replaced by whole ones each time: a live run can be killed at any moment and every file can be read.
A segment that fills a gap is appended too, behind what was said after it; at the end such files are
written again in order of time, and replace the old ones when they are whole. A file that cannot be
written catches up as soon as it can, at the latest at the end; one that never does is a part, and
its name says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from io import StringIO
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from echocli.errors import OutputError
from echocli.events import Backfill, Event, Final
from echocli.output.files import partial_name
from echocli.output.growing import GrowingFile, ReplacedFile, explained
from echocli.output.live_writers import REPLACED
from echocli.output.subtitles import WriteOptions
from echocli.output.temporary import remove_leftovers
from echocli.output.text import clean
from echocli.output.writers import FORMATS, Writer, expand_formats, make_writer
from echocli.types import Transcript

LIVE_LAYOUT = WriteOptions(max_line_width=42, max_line_count=2, max_cue_seconds=7.0, runs_on=False)
"""Subtitles nobody gave a layout for: a live final can be 18 s long. Two lines of 42 characters and
seven seconds are the limits of Netflix's Timed Text Style Guide for English."""


@dataclass(slots=True)
class _LiveFile:
    format: str
    path: Path
    writer: Writer
    error: OutputError | None = None
    """Why it lacks something; ``None`` where it does not."""


class LiveFiles:
    """Write ``DIRECTORY/live-YYYYmmdd-HHMMSS.FORMAT`` for each format; a context manager.

    ``now`` names the files; where one of the names is taken, all get ``-2``, ``-3`` and so on.
    Missing directories are made. ``layout`` without limits stands for :data:`LIVE_LAYOUT`; cues
    never run on into the next final. Entering raises ``UsageError`` for an unknown format, and
    ``OutputError`` that names the file for whatever the system refuses; later than that a file that
    cannot be written stops nothing, see ``failing``.
    """

    def __init__(
        self, directory: Path, formats: Sequence[str], now: datetime, layout: WriteOptions
    ) -> None:
        self._directory = directory
        self._formats = expand_formats(formats)
        self._now = now
        self._layout = LIVE_LAYOUT if layout.keeps_segments else replace(layout, runs_on=False)
        self._growing: list[_LiveFile] = []
        self._files = ExitStack()
        self._late = False
        """Whether a segment came behind later ones."""
        self.paths: tuple[Path, ...] = ()
        """The files, once the block is entered."""

    def __enter__(self) -> Self:
        with explained(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            _sweep(self._directory)
            self.paths = _claim(self._directory, self._formats, self._now)
        with ExitStack() as undo, self._files:
            for path in self.paths:
                undo.callback(path.unlink, missing_ok=True)
            self._growing = [
                _LiveFile(name, path, self._writer(name, path))
                for name, path in zip(self._formats, self.paths, strict=True)
            ]
            self._files = self._files.pop_all()
            undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.close()

    @property
    def failing(self) -> dict[Path, OutputError]:
        """The files that lack something, and the error with which that began."""
        return {file.path: file.error for file in self._growing if file.error is not None}

    def event(self, event: Event) -> None:
        """Take the next event; a final or a backfill is in every file when this returns.

        A file that cannot be written is ``failing`` from here on, until it has caught up.
        """
        if isinstance(event, Backfill) and clean(event.segment.text).strip():
            self._late = True
        for file in self._growing:
            error = _attempt(partial(file.writer.event, event))
            if error is not None:
                file.error = file.error or error
            elif isinstance(event, Final):  # of other events some formats write nothing
                file.error = None

    def close(self, transcript: Transcript) -> list[OutputError]:
        """Write what needs the whole transcript, whose segments are in order of time.

        Returns why files are not what they should be; one that still lacks a final has become
        ``<name>.part``.
        """
        ends = [_attempt(partial(file.writer.close, transcript)) for file in self._growing]
        self._files.close()  # an open file cannot be replaced on Windows
        for file, end in zip(self._growing, ends, strict=True):
            file.error = self._finish(file, end, transcript)
        return list(self.failing.values())

    def _finish(
        self, file: _LiveFile, error: OutputError | None, transcript: Transcript
    ) -> OutputError | None:
        """Write a file again where it is not in order or failed; what is wrong with it then."""
        again = None
        if (self._late or error is not None) and FORMATS[file.format].ordered:
            again = _attempt(partial(self._write_again, file.format, file.path, transcript))
            if again is None:
                return None
        if error is not None and file.error is not None:
            return _as_part(file.path)
        return error or again  # every final is there

    def _write_again(self, name: str, path: Path, transcript: Transcript) -> None:
        text = StringIO()
        writer = make_writer(name, text, self._layout)
        for segment in transcript.segments:
            writer.event(Final(segment))
        writer.close(transcript)
        file = ReplacedFile(path)
        file.write(text.getvalue())
        file.flush()

    def _writer(self, name: str, path: Path) -> Writer:
        if name in REPLACED:
            return REPLACED[name](ReplacedFile(path), self._layout)
        with explained(path):
            file = self._files.enter_context(path.open("ab", buffering=0))
        sink = GrowingFile(path, file)
        writer = make_writer(name, sink, self._layout)
        sink.flush()  # the header
        return writer


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


def _attempt(step: Callable[[], None]) -> OutputError | None:
    """Do a step of the end; what kept it from being done."""
    try:
        step()
    except OutputError as error:
        return error
    return None


def _as_part(path: Path) -> OutputError:
    """Have the name of a file say that it is a part; the error that says where that is.

    A file that holds nothing is removed.
    """
    part = partial_name(path)
    try:
        if path.stat().st_size:
            path.replace(part)
            what = f"; what there was is in {part}"
        else:
            path.unlink()
            what = ""
    except OSError:
        what = "; it is only a part"
    return OutputError(f"{path} could not be finished{what}")


def _sweep(directory: Path) -> None:
    """Remove what live runs that were killed in the middle of a replacement left."""
    for leftover in directory.glob(".live-*.part"):
        # .NAME.XXXX.part
        remove_leftovers(directory / leftover.name[1:].rsplit(".", 2)[0])
