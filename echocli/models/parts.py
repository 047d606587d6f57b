"""Models that come in parts: packages with a piece of the weights each, joined when one is used.

Looking costs a few ``stat`` calls and imports no package. A file appears under its own name only
when it is whole and has its recorded digest, however many processes want it at the same time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from echocli.errors import ModelError
from echocli.models.catalog import PackagedFile

UNFINISHED = ".echocli-part"
"""End of the hidden directory in which a model is made from others, ``.NAME.echocli-part``."""

_BLOCK = 1 << 20
"""Bytes that are copied at a time."""

_AGAIN = "install the packages that carry it again, with pip install --force-reinstall"


def look(files: Sequence[PackagedFile]) -> Path | None:
    """Return the directory that holds the last part if all files of a model are installed.

    ``None`` when a file is missing or has another size.
    """
    found = [_sources(file) for file in files]
    return found[-1][-1].parent if all(found) else None


def unfinished(directory: Path) -> Path:
    """Return where a model is made that will be in ``directory``."""
    return directory.with_name(f".{directory.name}{UNFINISHED}")


def assemble(
    files: Sequence[PackagedFile], directory: Path, finish: Callable[[Path], None] | None = None
) -> None:
    """Put files that :func:`look` found into ``directory``, which appears when it has all of them.

    Of one that is there, the files are replaced. ``finish`` is given the new directory before it
    gets its name, to add to it. Of several processes one works and the others wait for it. Raises
    ``ModelError``; then nothing has changed.
    """
    made = unfinished(directory)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with PartFile(directory.with_name(f".{directory.name}")):  # for its lock
            if not _has_all(files, directory):
                _fill(files, made, finish)
                _rename(made, directory)
    except OSError as error:
        raise _not_stored(directory, error) from error


def _has_all(files: Sequence[PackagedFile], directory: Path) -> bool:
    """Tell whether another process was faster."""
    return all(_is_whole(directory / file.name, file.sha256, file.bytes) for file in files)


def _fill(files: Sequence[PackagedFile], made: Path, finish: Callable[[Path], None] | None) -> None:
    try:
        for file in files:
            if not (sources := _sources(file)):
                raise ModelError(f"a part of {file.name} for {made} is gone", hint=_AGAIN)
            join(sources, made / file.name, sha256=file.sha256, size=file.bytes)
        if finish is not None:
            finish(made)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _rename(made: Path, directory: Path) -> None:
    """Give a whole directory its name; what is there without being a model is filled up."""
    if not directory.exists():
        made.rename(directory)
        return
    for path in made.iterdir():
        path.replace(directory / path.name)
    made.rmdir()


def join(parts: Sequence[Path], target: Path, *, sha256: str, size: int) -> None:
    """Write the parts one after the other to ``target``; nothing if it is whole already.

    ``sha256`` (lower-case hexadecimal) and ``size`` in bytes are those of the whole; the directory
    is made. Of several processes one writes and the others wait for it. Raises ``ModelError`` for a
    part that cannot be read, for another digest, and when ``target`` cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with PartFile(target) as file:
            if _is_whole(target, sha256, size):
                return  # another process was faster
            _copy(parts, file.stream, target.name, sha256)
            file.finish()
    except OSError as error:
        raise _not_stored(target, error) from error


def _not_stored(target: Path, error: OSError) -> ModelError:
    return ModelError(
        f"{target.name} cannot be stored in {target.parent}: {error.strerror or error}",
        hint="free some space, or set ECHOCLI_DATA_DIR to a directory that can be written",
    )


def digest(file: PackagedFile) -> str:
    """Return the SHA-256 that a file has when it is joined; ``ModelError`` if a part is gone."""
    if not (sources := _sources(file)):
        raise ModelError(f"a part of {file.name} is gone", hint=_AGAIN)
    sha256 = hashlib.sha256()
    for block in _blocks(sources):
        sha256.update(block)
    return sha256.hexdigest()


class PartFile:
    """``<target>.part`` while it is written, ``target`` when it is finished, else nothing.

    A second process that wants the same file waits where the system has ``flock``; after a killed
    one the next starts over. Everything raises ``OSError``.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target.with_name(f"{target.name}.part")
        self._finished = False
        self.stream: BinaryIO

    def __enter__(self) -> Self:
        self.stream = _open_alone(self._path)
        return self

    def finish(self) -> None:
        """Bring the bytes to the disk and give the file its name."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        if sys.platform == "win32":
            self.stream.close()  # an open file keeps its name there
        self._path.replace(self._target)
        self._finished = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Elsewhere the name goes before the lock does: who waits must not get a file that goes.
        if not self._finished and sys.platform != "win32":
            self._path.unlink(missing_ok=True)
        with suppress(OSError):  # closing a full disk's file fails once more
            self.stream.close()
        if not self._finished and sys.platform == "win32":
            self._path.unlink(missing_ok=True)


def _open_alone(path: Path) -> BinaryIO:
    """Open an empty file and lock it; wait for whoever has it."""
    while True:
        stream = path.open("ab")  # does not empty what another process is writing
        try:
            _lock(stream.fileno())
            if _is_at(path, stream.fileno()):
                stream.truncate(0)
                return stream
        except BaseException:
            stream.close()
            raise
        stream.close()  # renamed or removed while this process waited


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        return  # two processes write the same bytes, and the first to rename may fail
    import fcntl

    # A file system without locks is like Windows.
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX)


def _copy(parts: Sequence[Path], stream: BinaryIO, name: str, sha256: str) -> None:
    digest = hashlib.sha256()
    for block in _blocks(parts):
        digest.update(block)
        stream.write(block)
    if digest.hexdigest() != sha256:
        raise ModelError(
            f"the parts of {name} are damaged: SHA-256 {digest.hexdigest()} instead of {sha256}",
            hint=_AGAIN,
        )


def _blocks(parts: Sequence[Path]) -> Iterator[bytes]:
    for part in parts:
        try:
            with part.open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block
        except OSError as error:
            text = f"{part} cannot be read: {error.strerror or error}"
            raise ModelError(text, hint=_AGAIN) from error


def _is_whole(file: Path, sha256: str, size: int) -> bool:
    if not file.is_file() or file.stat().st_size != size:
        return False
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == sha256


def _sources(file: PackagedFile) -> list[Path]:
    """Return the paths of a file's parts; none unless all are here and add up to its size."""
    paths = [path for part in file.parts if (path := _installed(*part))]
    try:
        whole = sum(path.stat().st_size for path in paths) == file.bytes
    except OSError:
        return []
    return paths if whole and len(paths) == len(file.parts) else []


def _installed(package: str, path: str) -> Path | None:
    spec = find_spec(package)
    return Path(spec.origin).parent / path if spec is not None and spec.origin else None
