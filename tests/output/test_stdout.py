from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from echocli.errors import OutputError
from echocli.output.stdout import ReaderGone, StdoutSink, fit

pytestmark = pytest.mark.unit

SCRIPT = """
import sys
from echocli.output.stdout import ReaderGone, StdoutSink
sink = StdoutSink(sys.stdout)
try:
    for _ in range(10000):
        sink.write("na\\u00efve \\u65e5\\u672c \\ud800\\n")
        sink.flush()
except ReaderGone:
    sys.stderr.write("reader gone")
"""


class Terminal(io.StringIO):
    """A buffer that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_text_is_written_whole_at_each_flush() -> None:
    stream = io.StringIO()
    sink = StdoutSink(stream)
    sink.write("one ")
    sink.write("two\n")
    assert stream.getvalue() == ""
    sink.flush()
    assert stream.getvalue() == "one two\n"


def test_terminal_is_shown_escapes_and_a_pipe_gets_them() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        sink = StdoutSink(stream)
        sink.write("a\x1b[2J\u202eb\n")
        sink.flush()
    assert terminal.getvalue() == "a\\u001b[2J\\u202eb\n"
    assert pipe.getvalue() == "a\x1b[2J\u202eb\n"


def test_write_happens_while_the_bar_is_away() -> None:
    steps: list[str] = []

    @contextmanager
    def above() -> Iterator[None]:
        steps.append("away")
        yield
        steps.append(f"back after {stream.getvalue()!r}")

    stream = io.StringIO()
    sink = StdoutSink(stream, above)
    sink.write("x")
    sink.flush()
    assert steps == ["away", "back after 'x'"]


def test_process_without_stdout_is_told_so() -> None:
    with pytest.raises(OutputError, match="standard output is closed"):
        StdoutSink(None)


def test_reader_that_went_away_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        sink = StdoutSink(stream)
        sink.write("x")
        with pytest.raises(ReaderGone):
            sink.flush()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_disk_behind_stdout_is_an_error() -> None:
    with Path("/dev/full").open("w") as stream:
        sink = StdoutSink(stream)
        sink.write("x")
        with pytest.raises(OutputError, match="No space left") as caught:
            sink.flush()
    assert "disk is full" in str(caught.value.hint)


def test_other_failures_name_stdout() -> None:
    class Broken(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OutputError, match="standard output: Input/output error"):
        StdoutSink(Broken()).flush()


@pytest.mark.skipif(os.name == "nt", reason="locales as on Unix")
def test_utf8_comes_out_in_any_locale_and_the_exit_is_quiet() -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().decode() == "naïve 日本 \ufffd\n"
        process.stdout.close()
        assert process.stderr.read() == b"reader gone"
    assert process.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals here")
@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-8", "é日×"), ("cp437", "é\\u65e5\\xd7"), ("ascii", "\\xe9\\u65e5\\xd7")],
)
def test_a_terminal_keeps_its_encoding_and_shows_what_that_lacks(encoding: str, shown: str) -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, "w", encoding=encoding, errors="strict") as stream:
        fit(stream)
        stream.write("é日×")
        stream.flush()
        assert os.read(master, 100).decode(encoding) == shown
    os.close(master)


def test_a_file_gets_utf8_whatever_the_code_page(tmp_path: Path) -> None:
    path = tmp_path / "text"
    with path.open("w", encoding="cp1252") as stream:
        fit(stream)
        stream.write("é日×")
    assert path.read_text(encoding="utf-8") == "é日×"
