"""The outputs of one input of a batch; a file that cannot be written does not stop the others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from echocli.errors import OutputError
from echocli.events import Event
from echocli.output.files import AtomicFile, OutputPlan, Target
from echocli.output.subtitles import WriteOptions
from echocli.output.writers import TextSink, Writer, make_writer
from echocli.types import Transcript


@dataclass(frozen=True, slots=True)
class _Output:
    writer: Writer
    file: AtomicFile | None
    """``None`` for standard output."""


class BatchOutput:
    """Write the events of one input to all its outputs; a context manager.

    ``stdout`` makes the sink of an output that is no file. A file that cannot be written is
    dropped: what there is of it stays as ``<name>.part``, ``tell`` gets the error, and the others
    go on. Raises ``OutputError`` when no output is left. A file has its own name only when the
    input was read to its end; leaving the block before that works as with ``AtomicFile``.
    """

    def __init__(
        self,
        plan: OutputPlan,
        layout: WriteOptions,
        stdout: Callable[[], TextSink],
        tell: Callable[[OutputError], None],
    ) -> None:
        self._plan = plan
        self._layout = layout
        self._stdout = stdout
        self._tell = tell
        self._files = ExitStack()
        self._outputs: list[_Output] = []
        self.written: list[Path] = []
        """The files that are whole."""

    def __enter__(self) -> Self:
        with self._files:
            self._outputs = [self._open(target) for target in self._plan.targets]
            self._files = self._files.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.__exit__(kind, error, trace)

    def event(self, event: Event) -> None:
        """Take the next event; what can be written now is written when this returns."""
        for output in list(self._outputs):
            try:
                output.writer.event(event)
            except OutputError as error:
                self._drop(output, error)

    def finish(self, transcript: Transcript) -> None:
        """Write what needs the whole transcript, and give the files their names."""
        for output in list(self._outputs):
            try:
                output.writer.close(transcript)
                if output.file is not None:
                    self.written.append(output.file.commit())
            except OutputError as error:
                self._drop(output, error)

    def keep(self, transcript: Transcript) -> list[Path]:
        """Keep what is a part of the transcript as parts of the files, and return those."""
        parts = []
        for output in self._outputs:
            try:
                output.writer.close(transcript)
                if output.file is not None and (part := output.file.keep_partial()) is not None:
                    parts.append(part)
            except OutputError as error:
                self._tell(_salvaged(output.file, error))
        return parts

    def discard(self) -> None:
        """Remove what was written to files."""
        for output in self._outputs:
            if output.file is not None:
                output.file.discard()

    def _open(self, target: Target) -> _Output:
        if target.path is None:
            return _Output(make_writer(target.format, self._stdout(), self._layout), None)
        file = self._files.enter_context(AtomicFile(target.path))
        return _Output(make_writer(target.format, file, self._layout), file)

    def _drop(self, output: _Output, error: OutputError) -> None:
        """Go on without an output; those that are whole count among the others."""
        self._outputs.remove(output)
        problem = _salvaged(output.file, error)
        if not self._outputs:
            raise problem
        self._tell(problem)


def _salvaged(file: AtomicFile | None, error: OutputError) -> OutputError:
    """Keep what there is of a file that failed, and return the error that says where."""
    if file is None:
        return error
    part = None
    with suppress(OutputError):  # the first error says why
        part = file.keep_partial()
    file.discard()
    if part is None:
        return error
    return OutputError(f"{error}; what there was is in {part}", hint=error.hint)
