"""Where the events of a live run go: the terminal, standard output, files that grow."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from echocli.api.collected import Collected
from echocli.cli.chosen import PLAIN
from echocli.environment import Environment
from echocli.errors import EchoError, OutputError
from echocli.events import Event, Ready
from echocli.output.console import Console
from echocli.output.live_files import LIVE_LAYOUT, LiveFiles
from echocli.output.live_view import LiveFigures, LiveView
from echocli.output.stdout import ReaderGone, StdoutSink
from echocli.output.subtitles import WriteOptions
from echocli.output.writers import Writer, make_writer

if TYPE_CHECKING:
    from echocli.providers.base import LoadSpec


class LiveOutput:
    """Hand every event to the view, to standard output and to the files.

    ``rescue`` makes what writes the text to standard output once no file can be written; ``None``
    where it is shown there anyway.
    """

    def __init__(
        self,
        view: LiveView,
        console: Console,
        writer: Writer | None,
        files: LiveFiles | None,
        spec: Callable[[], LoadSpec],
        rescue: Callable[[], Writer] | None = None,
    ) -> None:
        self.collected = Collected()
        self._view = view
        self._console = console
        self._writer = writer
        self.errors: list[OutputError] = []
        """Why a file is not what it should be at the end; they are told already."""
        self._files = files
        self._begun = False
        self._spec = spec
        self._rescue = rescue
        self._rescued: Writer | None = None

    def event(self, event: Event, figures: LiveFigures) -> None:
        """Take the next event; a final is out everywhere when this returns."""
        self.collected.take(event)
        self._begun = self._begun or isinstance(event, Ready)
        if self._files is not None:
            self._to_files(self._files, event)
        if self._writer is not None:
            self._writer.event(event)
        self._view.event(event, figures)

    def close(self) -> None:
        """Write what needs the whole; files of a run in which nothing began are removed."""
        transcript = self.collected.transcript(self._spec())
        if self._files is not None and self._begun:
            before = self._files.failing
            self.errors = self._files.close(transcript)
            for error in self.errors:
                self._console.error(error)
            self._tell_working(before, self._files.failing)
        elif self._files is not None:
            for path in self._files.paths:
                path.unlink(missing_ok=True)
        if self._writer is not None:
            self._writer.close(transcript)

    def _to_files(self, files: LiveFiles, event: Event) -> None:
        """Write to the files; a disk that is full is no reason to stop listening."""
        before = files.failing
        files.event(event)
        now = files.failing
        for path, error in now.items():
            if path not in before:
                text = f"{error}; going on without it until that works again"
                self._console.error(OutputError(text, hint=error.hint))
        self._tell_working(before, now)
        if len(now) == len(files.paths):
            self._start_rescue()
        self._to_stdout(event)

    def _tell_working(self, before: Iterable[Path], now: Container[Path]) -> None:
        for path in before:
            if path not in now:
                self._console.notice(f"{path} is written again and lacks nothing", "output_works")

    def _start_rescue(self) -> None:
        if self._rescue is None:
            return
        self._console.notice(
            "no file can be written: from here on the text goes to standard output", "output_failed"
        )
        with suppress(OutputError):  # it is closed
            self._rescued = self._rescue()
        self._rescue = None

    def _to_stdout(self, event: Event) -> None:
        if self._rescued is None:
            return
        try:
            self._rescued.event(event)
        except (OutputError, ReaderGone):  # nobody asked for it there
            self._rescued = None


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
        sink = partial(StdoutSink, environment.stdout, console.above)
        plain = tuple(formats) == PLAIN or directory is not None
        finals = plain and (directory is None or environment.stdout.isatty())
        view = LiveView(environment, console, sources, finals=finals)
        stack.callback(view.close)
        writer = None if plain else make_writer(formats[0], sink(), layout)
        rescue = None if finals else lambda: make_writer(*PLAIN, sink(), layout)
        try:
            yield LiveOutput(view, console, writer, files, spec, rescue)
        except (KeyboardInterrupt, EchoError):
            view.tell_left()
            raise
