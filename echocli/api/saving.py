"""A transcript as text in any output format, and as a file."""

from __future__ import annotations

import io
from pathlib import Path

from echocli.errors import UsageError
from echocli.events import Final
from echocli.output.files import AtomicFile
from echocli.output.subtitles import WriteOptions
from echocli.output.writers import TextSink, expand_formats, make_writer
from echocli.types import Transcript


def render(
    transcript: Transcript,
    output_format: str = "txt",
    *,
    max_line_width: int | None = None,
    max_line_count: int | None = None,
    max_words_per_line: int | None = None,
) -> str:
    """Return a transcript as ``txt``, ``srt``, ``vtt``, … as the program writes it.

    Raises ``UsageError`` for a format there is not.
    """
    sink = io.StringIO()
    layout = WriteOptions(max_line_width, max_line_count, max_words_per_line)
    _write(transcript, sink, output_format, layout)
    return sink.getvalue()


def save(
    transcript: Transcript,
    path: str | Path,
    *,
    output_format: str | None = None,
    max_line_width: int | None = None,
    max_line_count: int | None = None,
    max_words_per_line: int | None = None,
) -> None:
    """Write a transcript to a file, which appears when it is whole; its suffix names the format.

    Raises ``UsageError`` for a format there is not, ``OutputError`` where it cannot be written.
    """
    path = Path(path)
    name, *more = expand_formats([output_format or path.suffix.removeprefix(".")])
    if more:
        raise UsageError(
            f"a file has one format, not {1 + len(more)}", hint="save it once for each"
        )
    layout = WriteOptions(max_line_width, max_line_count, max_words_per_line)
    with AtomicFile(path, "path") as file:
        _write(transcript, file, name, layout)


def _write(transcript: Transcript, sink: TextSink, name: str, layout: WriteOptions) -> None:
    writer = make_writer(name, sink, layout)
    for segment in transcript.segments:
        writer.event(Final(segment))
    writer.close(transcript)
