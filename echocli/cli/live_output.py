"""Where the events of a live run go: the terminal, standard output, files that grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from echocli.api.collected import Collected
from echocli.cli.chosen import PLAIN
from echocli.environment import Environment
from echocli.errors import EchoError, OutputError
from echocli.events import Event, Notice, Ready
from echocli.output.console import Console
from echocli.output.live_files import LIVE_LAYOUT, LiveFiles
from echocli.output.live_view import LiveFigures, LiveView
from echocli.output.stdout import StdoutSink
from echocli.output.subtitles import WriteOptions
from echocli.output.writers import Writer, make_writer
from echocli.types import Transcript

if TYPE_CHECKING:
    from echocli.providers.base import LoadSpec


class LiveOutput:
    """Hand every event to the view, to standard output and to the files."""

    def __init__(
        self,
        view: LiveView,
        writer: Writer | None,
        files: LiveFiles | None,
        spec: Callable[[], LoadSpec],
    ) -> None:
        self.collected = Collected()
        self._view = view
        self._writer = writer
        self.errors: list[OutputError] = []
        """Why a file holds only a part; the run went on without it."""
        self._files = files
        self._begun = False
        self._spec = spec

    def event(self, event: Event, figures: LiveFigures) -> None:
        """Take the next event; a final is out everywhere when this returns."""
        self.collected.take(event)
        self._begun = self._begun or isinstance(event, Ready)
        self._write(event)
        if self._writer is not None:
            self._writer.event(event)
        self._view.event(event, figures)

    def close(self) -> None:
        """Write what needs the whole; files of a run in which nothing began are removed."""
        transcript = self.collected.transcript(self._spec())
        if self._files is not None and self._begun:
            self._close_files(self._files, transcript)
        elif self._files is not None:
            for path in self._files.paths:
                path.unlink(missing_ok=True)
        if self._writer is not None:
            self._writer.close(transcript)

    def _close_files(self, files: LiveFiles, transcript: Transcript) -> None:
        try:
            files.close(transcript)
        except OutputError as error:
            self.errors.append(error)

    def _write(self, event: Event) -> None:
        """Write to the files; a disk that is full is no reason to stop listening."""
        if self._files is None:
            return
        try:
            self._files.event(event)
        except OutputError as error:
            self.errors.append(error)
            self._files = None
            self._view.event(Notice("output_failed", f"{error}; going on without files"))


@contextmanager
def outputs(
    environment: Environment,
    console: Console,
    sources: Sequence[str],
    formats: Sequence[str],
    directory: Path | None,
    layout: WriteOptions,
    spec: Callable[[], LoadSpec],
) -> Iterator[LiveOutput]:
    """Open everything; ``spec`` tells at the end who served, and then nothing is drawn any more.

    Without a directory one format goes to standard output; with one, the text does only where
    somebody sees it.
    """
    layout = LIVE_LAYOUT if layout.keeps_segments else layout
    with ExitStack() as stack:
        files = None
        if directory is not None:
            files = stack.enter_context(
                LiveFiles(directory, formats, datetime.now().astimezone(), layout)
            )
            for path in files.paths:
                console.detail(f"writing {path}")
        plain = tuple(formats) == PLAIN or directory is not None
        finals = plain and (directory is None or environment.stdout.isatty())
        view = LiveView(environment, console, sources, finals=finals)
        stack.callback(view.close)
        writer = None
        if not plain:
            writer = make_writer(formats[0], StdoutSink(environment.stdout, console.above), layout)
        try:
            yield LiveOutput(view, writer, files, spec)
        except (KeyboardInterrupt, EchoError):
            view.tell_left()
            raise
