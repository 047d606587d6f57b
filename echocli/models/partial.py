"""A file while it comes over the network: what is here, of what it is a part, and its digests.

The bytes lie in ``<target>.part``; a note beside them says of what they are a part, so that nothing
is joined that does not belong together. Two processes must not fetch one file at the same time:
the caller has a lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from echocli.errors import ModelError
from echocli.models.http import Trouble

BLOCK = 1 << 20
"""Bytes read at a time at most."""

COMES_THE_SAME = "try again; if it comes the same, the server has another file"
"""Hint where the digest is wrong."""

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
"""``Content-Range`` of RFC 9110, section 14.4."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a file must be, as far as that is known."""

    bytes: int | None = None
    sha256: str | None = None
    """Lower-case hexadecimal."""
    git_sha1: str | None = None
    """Name of git's blob: SHA-1 of ``blob SIZE``, a zero byte and the content."""

    @property
    def digest(self) -> str | None:
        """What tells this content from any other."""
        return self.sha256 or self.git_sha1


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file as it came."""

    bytes: int
    sha256: str


class PartialFile:
    """``<target>.part`` and what is known about it. Everything raises ``OSError`` besides."""

    def __init__(self, target: Path, wanted: Wanted, url: str) -> None:
        self._target = target
        self._wanted = wanted
        self._of = wanted.digest or url
        self.directory = target.parent
        self._path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        self._validator: str | None = None
        self._stream: BinaryIO
        self.size = 0

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: what has come is on its way to the disk even if this process is killed.
        self._stream = self._path.open("a+b", buffering=0)
        try:
            self._reset_digests()
            if self._belongs():
                self._take_up()
            else:
                self.start_over()
        except BaseException:
            self._stream.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._stream.close()
            if not self.size:  # nothing has come: nothing stays
                self._path.unlink(missing_ok=True)
                self._note.unlink(missing_ok=True)

    @property
    def is_whole(self) -> bool:
        """Tell whether all bytes are here, where it is known how many there are."""
        return self.size > 0 and self.size == self._wanted.bytes

    def range_headers(self) -> dict[str, str]:
        """Return what to ask for: the rest, if it is still the same file, else all of it."""
        if self.size and self._wanted.digest is None and self._validator is None:
            self.start_over()
        if not self.size:
            return {}
        headers = {"Range": f"bytes={self.size}-"}
        if self._wanted.digest is None and self._validator is not None:
            headers["If-Range"] = self._validator
        return headers

    def expect(self, answer: HTTPResponse) -> int | None:
        """Prepare for an answer and return how many bytes the file has, ``None`` if unsaid."""
        if answer.status == 206:
            self._check_version(answer)
            total = self._continued(answer.headers["Content-Range"] or "")
        else:
            if self.size:
                self.start_over()  # it knows no ranges, or has another file by now
            length = answer.headers["Content-Length"] or ""
            total = int(length) if length.isdecimal() else None
            self._write_note(_validator(answer))
        if self._wanted.bytes is not None and total not in (None, self._wanted.bytes):
            text = f"the server offers {total} bytes instead of {self._wanted.bytes}"
            raise Trouble(text, again=False)
        return self._wanted.bytes if total is None else total

    def write(self, block: bytes) -> None:
        """Append bytes."""
        while block:  # an unbuffered file may take less than all
            taken = self._stream.write(block)
            self._count(block[:taken])
            block = block[taken:]

    def start_over(self) -> None:
        """Forget what is here."""
        self._stream.truncate(0)
        self._reset_digests()

    def finish(self) -> Fetched:
        """Check the digest and give the file its name; remove it and raise if it is wrong."""
        found, wanted = self._sha256.hexdigest(), self._wanted
        if wanted.bytes is not None and self.size != wanted.bytes:
            self._refuse(f"{self.size} bytes instead of {wanted.bytes}")
        if wanted.sha256 and found != wanted.sha256:
            self._refuse(f"SHA-256 {found} instead of {wanted.sha256}")
        if wanted.git_sha1 and self._git_sha1.hexdigest() != wanted.git_sha1:
            self._refuse(f"git's SHA-1 {self._git_sha1.hexdigest()} instead of {wanted.git_sha1}")
        os.fsync(self._stream.fileno())
        self._stream.close()  # an open file keeps its name on Windows
        self._path.replace(self._target)
        self._note.unlink(missing_ok=True)
        return Fetched(self.size, found)

    def _refuse(self, why: str) -> None:
        self._stream.close()
        self._path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        raise ModelError(
            f"{self._target.name} came damaged: {why}",
            hint=COMES_THE_SAME,
        )

    def _continued(self, content_range: str) -> int | None:
        """Return the size that a partial answer tells; raise if it starts elsewhere."""
        match = _RANGE.fullmatch(content_range)
        if match is None or int(match[1]) != self.size:
            self.start_over()
            raise Trouble(f"the server sends another range than asked for: {content_range!r}")
        return None if match[2] == "*" else int(match[2])

    def _check_version(self, answer: HTTPResponse) -> None:
        """Raise if the rest is of another version: a server may not know ``If-Range``.

        A right answer repeats the tag, but not the date (RFC 9110, section 15.3.7). Where the
        digest is known it tells at the end.
        """
        stored = self._validator
        if self._wanted.digest is not None or stored is None:
            return
        tag, date = answer.headers["ETag"], answer.headers["Last-Modified"]
        if tag != stored if stored.startswith('"') else date not in (None, stored):
            self.start_over()
            raise Trouble("the server has another version of the file by now")

    def _belongs(self) -> bool:
        """Tell whether the bytes that lie here are of this very file, and note its validator."""
        try:
            note = json.loads(self._note.read_bytes())
            self._validator = note["validator"]
            return bool(note["of"] == self._of)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _take_up(self) -> None:
        """Count what an earlier call brought; more than there can be is worth nothing."""
        self._stream.seek(0)
        while block := self._stream.read(BLOCK):
            self._count(block)
        if self._wanted.bytes is not None and self.size > self._wanted.bytes:
            self.start_over()

    def _write_note(self, validator: str | None) -> None:
        self._validator = validator
        self._note.write_text(json.dumps({"of": self._of, "validator": validator}), "utf-8")

    def _reset_digests(self) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        blob = f"blob {self._wanted.bytes}\0".encode()
        self._git_sha1 = hashlib.sha1(blob, usedforsecurity=False)

    def _count(self, block: bytes) -> None:
        self.size += len(block)
        self._sha256.update(block)
        if self._wanted.git_sha1:
            self._git_sha1.update(block)


def _validator(answer: HTTPResponse) -> str | None:
    """Return what ``If-Range`` can name: a strong tag, else a date (RFC 9110, section 13.1.5)."""
    tag = answer.headers["ETag"]
    if tag and not tag.startswith("W/"):
        return str(tag)
    date = answer.headers["Last-Modified"]
    return str(date) if date else None
