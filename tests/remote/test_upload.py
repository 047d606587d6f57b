"""Inputs on their way to a server: what was there when they were opened, as often as it takes."""

from __future__ import annotations

import errno
import io
import os
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pytest

from echocli.environment import Environment
from echocli.errors import InputError, OutputError
from echocli.remote.upload import Upload, opened
from tests.remote.disk import files_of_at_most

pytestmark = pytest.mark.unit

SOUND = b"0123456789"

with_fifos = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


@dataclass
class Piped(Environment):
    """A process that somebody pipes something into."""

    holds: BinaryIO = field(default_factory=io.BytesIO)

    @property
    def stdin(self) -> BinaryIO:
        return self.holds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "talk.wav"
    made.write_bytes(SOUND)
    return made


def fifo(path: Path, holds: bytes) -> threading.Thread:
    """Make a pipe with a name, and somebody who writes to it; the writer, begun."""
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(holds,))
    writer.start()
    return writer


def test_it_can_be_read_again_and_in_pieces(path: Path) -> None:
    with opened(str(path), Environment()) as upload:
        assert upload.read() == SOUND
        assert upload.read() == b""
        assert upload.seek(0) == 0
        assert [upload.read(6), upload.read(6), upload.tell()] == [b"012345", b"6789", 10]


def test_what_is_written_to_a_file_meanwhile_is_left_out(path: Path) -> None:
    with opened(str(path), Environment()) as upload:
        with path.open("ab") as file:
            file.write(b"more")
        assert upload.seek(0, os.SEEK_END) == len(SOUND)
        upload.seek(0)
        assert upload.read(100) == SOUND
        assert upload.read(100) == b""


def test_a_file_that_becomes_shorter_is_an_error_of_that_file(path: Path) -> None:
    with opened(str(path), Environment()) as upload:
        upload.read(6)
        os.truncate(path, 4)
        with pytest.raises(InputError, match=r"talk\.wav: became shorter"):
            upload.read(6)


class Torn(io.BytesIO):
    """What gives an error where there should be sound."""

    def read(self, _: int | None = -1) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_file_that_cannot_be_read_on_is_an_error_of_that_file() -> None:
    with pytest.raises(InputError, match=r"talk\.wav: Input/output error"):
        Upload(Torn(SOUND), "talk.wav").read()


@with_fifos
def test_a_pipe_with_a_name_is_sent_as_often_as_a_file(tmp_path: Path) -> None:
    writer = fifo(tmp_path / "pipe", SOUND)
    with opened(str(tmp_path / "pipe"), Environment()) as upload:
        for _ in range(2):
            upload.seek(0)
            assert upload.read() == SOUND
    writer.join()


@with_fifos
def test_a_pipe_that_holds_nothing_is_an_error_of_that_input(tmp_path: Path) -> None:
    writer = fifo(tmp_path / "pipe", b"")
    with (
        pytest.raises(InputError, match="pipe: nothing arrived"),
        opened(str(tmp_path / "pipe"), Environment()),
    ):
        pass
    writer.join()


def test_a_pipe_that_cannot_be_read_on_is_an_error_of_that_input() -> None:
    with (
        pytest.raises(InputError, match="stdin: Input/output error"),
        opened("-", Piped(holds=Torn(SOUND))),
    ):
        pass


@pytest.mark.parametrize("room", [0, 100_000, 2_000_000])
def test_a_full_disk_is_an_error_of_the_directory_for_copies(room: int) -> None:
    tempfile.gettempdir()  # which writes, to see whether it can be used
    pipe = Piped(holds=io.BytesIO(bytes(room + 3500)))
    with (
        files_of_at_most(room),
        pytest.raises(OutputError, match=f"stdin: .* copied to {tempfile.tempdir}: ") as caught,
        opened("-", pipe),
    ):
        pass
    assert "TMPDIR" in (caught.value.hint or "")


def test_no_more_of_a_pipe_is_copied_than_may_be() -> None:
    class Endless(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return bytes(size or 0)

    with (
        pytest.raises(InputError, match="stdin: holds more than the 3 MB"),
        opened("-", Piped(holds=Endless()), 3 * 2**20),
    ):
        pass
    with opened("-", Piped(holds=io.BytesIO(SOUND)), len(SOUND)) as upload:
        assert upload.read() == SOUND
