"""Inputs on their way to a server: what was there when they were opened, as often as it takes."""

from __future__ import annotations

import errno
import io
import os
import threading
from pathlib import Path

import pytest

from echocli.environment import Environment
from echocli.errors import InputError
from echocli.remote.upload import Upload, opened

pytestmark = pytest.mark.unit

SOUND = b"0123456789"

with_fifos = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


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


def test_a_file_that_cannot_be_read_on_is_an_error_of_that_file() -> None:
    class Torn(io.BytesIO):
        def read(self, _: int | None = -1) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

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
