"""Take a form with a file, piece by piece, into a private temporary file.

Nothing of it is held in memory, its size is looked at while it comes, and what was written is gone
whatever happens. A name that comes with a file is only ever shown.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import psutil
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from echocli.clock import Clock
from echocli.server.limits import Budget, Pace
from echocli.server.problems import AGAIN, Problem

FIELD = 32 * 1024
"""Bytes of all fields that are no file, together; a prompt is the longest."""

FIELDS = 64
"""Parts of a form at most."""

STALL = 30.0
"""Seconds without a byte after which an upload is given up."""

AT_ONCE = 1 << 20
"""Bytes written to the disk together."""

_FOLDER = "echocli-serve-"

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


@dataclass(slots=True)
class Upload:
    """A form as it came."""

    path: Path
    """The file, until it is discarded."""
    budget: Budget
    """Where its bytes are accounted for."""
    fields: dict[str, list[str]] = field(default_factory=dict)
    has_file: bool = False
    name: str = "file"
    """What the client calls it, for messages: never a path that is opened."""
    size: int = 0

    def discard(self) -> None:
        """Remove the file; doing it twice is harmless."""
        self.budget.give(self.size)
        self.size = 0
        with suppress(OSError):
            self.path.unlink()


@dataclass(frozen=True, slots=True)
class Store:
    """Where files go, and how much of them."""

    folder: Path
    largest: int
    """Bytes of one file."""
    budget: Budget
    clock: Clock

    def pace(self) -> Pace:
        """Return that of a file that comes from now on."""
        return Pace(self.clock.now(), self.largest)


async def receive(request: Request, store: Store, pace: Pace) -> Upload:
    """Return the form of a request; whoever takes it discards it.

    Raises :class:`Problem` for what is no form, too large, too slow, or finds no room.
    """
    _check_length(request, store)
    handle, name = tempfile.mkstemp(dir=store.folder)
    upload = Upload(Path(name), store.budget)
    try:
        with os.fdopen(handle, "wb") as sink:
            await _Form(request, store, upload, sink).read(pace)
    except BaseException:
        upload.discard()
        raise
    return upload


def _check_length(request: Request, store: Store) -> None:
    """Refuse what says beforehand that it is too large."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and len(length) < 20 and int(length) > store.largest + FIELD + 16_384:
        raise too_large(store.largest)


def too_large(most: int) -> Problem:
    """Return the problem of a file that is larger than files may be."""
    return Problem(413, "file_too_large", f"the file is larger than {most >> 20} MB", param="file")


def too_slow() -> Problem:
    """Return the problem of a file that holds a place and hardly comes."""
    return Problem(408, "too_slow", "the file comes too slowly")


class _Form:
    """Read one form; what a part holds goes to the file or to a field."""

    def __init__(self, request: Request, store: Store, upload: Upload, sink: BinaryIO) -> None:
        self._request = request
        self._store = store
        self._upload = upload
        self._sink = sink
        self._header = [b"", b""]
        self._disposition = b""
        self._field: bytearray | None = None
        """What the part holds that is read; ``None`` for the file."""
        self._field_name = ""
        self._parts = 0
        self._in_fields = 0
        self._unwritten = bytearray()
        self._ended = False

    async def read(self, pace: Pace) -> None:
        """Read to the end."""
        parser = self._parser()
        chunks = self._request.stream()
        while (chunk := await _next(chunks)) is not None:
            if not pace.keeps(len(chunk), self._store.clock.now()):
                raise too_slow()
            self._feed(parser, chunk)
            if len(self._unwritten) >= AT_ONCE:
                await self._write()
        if not self._ended:
            raise _bad("the form ends in the middle")
        await self._write()

    def _parser(self) -> MultipartParser:
        kind, options = parse_options_header(self._request.headers.get("content-type"))
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise Problem(415, "unsupported_media_type", "send a form: multipart/form-data")
        try:
            return MultipartParser(boundary, self._callbacks())
        except FormParserError as error:
            raise _bad(str(error)) from error

    def _feed(self, parser: MultipartParser, chunk: bytes) -> None:
        try:
            parser.write(chunk)
        except FormParserError as error:
            raise _bad(f"the form cannot be read: {error}") from error

    async def _write(self) -> None:
        """Write what has come, not in the thread that serves everybody."""
        data, self._unwritten = self._unwritten, bytearray()
        try:
            await asyncio.to_thread(self._sink.write, data)
            await asyncio.to_thread(self._sink.flush)
        except OSError as error:
            text = f"the server cannot keep the file: {error.strerror}"
            raise Problem(507, "no_space", text, retry_after=AGAIN) from error

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._add(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._add(1, data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": lambda data, start, end: self._data(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > FIELDS:
            raise _bad(f"the form has more than {FIELDS} parts")
        self._header, self._disposition = [b"", b""], b""

    def _add(self, which: int, data: bytes) -> None:
        self._header[which] += data

    def _header_end(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = value
        self._header = [b"", b""]

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._field_name = options.get(b"name", b"").decode("utf-8", "replace")
        if not self._field_name:
            raise _bad("a part of the form has no name")
        if b"filename" not in options:
            if self._field_name == "file":
                raise _bad("the part 'file' has no file name: send it as a file")
            self._field = bytearray()
            return
        if self._field_name != "file" or self._upload.has_file:
            raise _bad("the form takes one file, called 'file'")
        self._field, self._upload.has_file = None, True
        self._upload.name = shown(options[b"filename"].decode("utf-8", "replace"))

    def _data(self, data: bytes) -> None:
        if self._field is not None:
            self._in_fields += len(data)
            if self._in_fields > FIELD:
                raise _bad(f"the fields hold more than {FIELD >> 10} KB")
            self._field += data
            return
        if self._upload.size + len(data) > self._store.largest:
            raise too_large(self._store.largest)
        if not self._store.budget.take(len(data)):
            raise Problem(503, "overloaded", "too many files come at once", retry_after=AGAIN)
        self._upload.size += len(data)
        self._unwritten += data

    def _end(self) -> None:
        if self._field is not None:
            value = self._field.decode("utf-8", "replace")
            self._upload.fields.setdefault(self._field_name, []).append(value)

    def _finish(self) -> None:
        self._ended = True


def _bad(message: str) -> Problem:
    return Problem(400, "invalid_form", message)


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    """Return the next bytes, ``None`` at the end; raise :class:`Problem` where none come."""
    try:
        async with asyncio.timeout(STALL):
            return await anext(chunks, None)
    except TimeoutError:
        raise Problem(408, "too_slow", f"nothing came for {STALL:.0f} s") from None
    except ClientDisconnect:
        raise Problem(499, "client_closed_request", "the client went away") from None


def shown(name: str) -> str:
    """Return the last word of what a client calls a file, short and without what does not print."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:80].strip() or "file"


def make_folder() -> Path:
    """Make a folder that nobody else can look into, and remove those of servers that were killed.

    What they took would stay for ever otherwise; their process is in the name.
    """
    parent = Path(tempfile.gettempdir())
    for old in parent.glob(f"{_FOLDER}*"):
        number = old.name.removeprefix(_FOLDER).partition("-")[0]
        if number.isdigit() and not psutil.pid_exists(int(number)) and _is_own(old):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))


def _is_own(folder: Path) -> bool:
    """Tell whether it is a directory of this user, and no link to one."""
    with suppress(OSError):
        found = folder.lstat()
        return folder.is_dir() and not folder.is_symlink() and found.st_uid == _user()
    return False


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
