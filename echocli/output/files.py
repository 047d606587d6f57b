"""Where the output of each input goes, and files that are whole or not there.

A file is written under a hidden temporary name beside its place and renamed when it is complete, so
that nobody ever sees half of one, and a file that was there before stays until then.
"""

from __future__ import annotations

import errno
import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from types import TracebackType
from typing import Self

from echocli.errors import OutputError, UsageError
from echocli.output.temporary import TemporaryFile, create, remove_leftovers
from echocli.output.writers import FORMATS, expand_formats

STDIN = "-"
"""The input that stands for standard input; its output files are called ``stdin``."""

OUTPUT_DIR = "--output-dir"

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space or choose another place with {}",
    errno.EDQUOT: "the quota is used up: free some space or choose another {}",
    errno.EACCES: "check the permissions or choose another place with {}",
    errno.EPERM: "check the permissions or choose another place with {}",
    errno.EROFS: "the file system is read-only: choose another place with {}",
    errno.ENAMETOOLONG: "choose a shorter name for the input or for {}",
    errno.ENOTDIR: "a part of the path is a file: choose another place with {}",
    errno.EEXIST: "a part of the path is a file: choose another place with {}",
    errno.EISDIR: "a directory has that name: move it or choose another {}",
}


def output_error(error: OSError, name: str | Path, option: str = OUTPUT_DIR) -> OutputError:
    """Say which file could not be written, why, and what to do; ``option`` says where it goes."""
    hint = _HINTS.get(error.errno or 0, "choose another place with {}").format(option)
    return OutputError(f"cannot write {name}: {error.strerror or error}", hint=hint)


@dataclass(frozen=True, slots=True)
class Target:
    """One output of one input; ``path`` is ``None`` for standard output."""

    format: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """All outputs of one input."""

    input: str
    targets: tuple[Target, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files among the outputs."""
        return tuple(target.path for target in self.targets if target.path is not None)


def plan_outputs(
    inputs: Sequence[str],
    output_dir: Path | None,
    formats: Sequence[str],
    below: Mapping[str, PurePath] | None = None,
) -> list[OutputPlan]:
    """Decide where each input's outputs go, before any work starts; nothing is created.

    ``below`` has the sub-directory of ``output_dir`` for inputs whose files do not go right there.

    Without a directory everything goes to standard output, which takes one format, and several
    inputs only in a format that can be joined. Raises ``UsageError`` for what cannot work: that, an
    unknown format, inputs whose files would have the same name, an output that is an input.
    """
    names = expand_formats(formats)
    if output_dir is None:
        _check_stdout(inputs, names)
        targets = tuple(Target(name, None) for name in names)
        return [OutputPlan(source, targets) for source in inputs]
    places = [(source, output_dir / (below or {}).get(source, "")) for source in inputs]
    _check_stems(places)
    plans = [_plan_files(source, place, names) for source, place in places]
    _check_overwriting(plans)
    return plans


def is_file(path: Path) -> bool:
    """Tell whether a path is a file that can be seen; a name that is too long is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def missing(plan: OutputPlan) -> OutputPlan:
    """Return the plan without the files that are there; they are renamed when whole, so they are.

    Standard output is never there. Without targets nothing is left to do.
    """
    left = [one for one in plan.targets if one.path is None or not is_file(one.path)]
    return replace(plan, targets=tuple(left))


def stem(source: str) -> str:
    """Return the name of an input's output files without the extension."""
    return "stdin" if source == STDIN else Path(source).stem


def _plan_files(source: str, directory: Path, names: Sequence[str]) -> OutputPlan:
    base = stem(source)
    return OutputPlan(source, tuple(Target(name, directory / f"{base}.{name}") for name in names))


def share_stdout(inputs: Sequence[str], formats: Sequence[str]) -> bool:
    """Tell whether the outputs can go to standard output; ``UsageError`` for an unknown format."""
    names = expand_formats(formats)
    return len(names) == 1 and (len(inputs) < 2 or FORMATS[names[0]].joinable)


def _check_stdout(inputs: Sequence[str], names: Sequence[str]) -> None:
    if len(names) > 1:
        message = f"standard output takes one format, not {len(names)}"
        raise UsageError(message, hint="add --output-dir DIR to write files")
    single = [name for name in names if not FORMATS[name].joinable]
    if len(inputs) > 1 and single:
        message = f"{single[0]} of {len(inputs)} inputs cannot share standard output"
        raise UsageError(message, hint="add --output-dir DIR to write one file each")


def _check_stems(places: Sequence[tuple[str, Path]]) -> None:
    """Refuse names that fall together, also where case or Unicode form do not tell files apart."""
    seen: dict[str, str] = {}
    for source, place in places:
        key = unicodedata.normalize("NFC", str(place / stem(source))).casefold()
        if key in seen:
            message = f"{seen[key]} and {source} would be written to the same file"
            raise UsageError(
                message, hint="rename one, or give them different --output-dir in two runs"
            )
        seen[key] = source


def _check_overwriting(plans: Sequence[OutputPlan]) -> None:
    inputs = {Path(plan.input).resolve() for plan in plans}
    for plan in plans:
        for path in plan.paths:
            if path.resolve() in inputs:
                message = f"the output {path} would replace an input"
                raise UsageError(message, hint="choose another place with --output-dir")


def partial_name(path: Path) -> Path:
    """Return the name beside a file under which a part of it is kept."""
    return path.with_name(f"{path.name}.part")


class AtomicFile:
    """Write a text file that appears when it is whole; a context manager and a text sink.

    Leaving the block normally commits, leaving it by Ctrl-C keeps what was written as
    ``<name>.part``, leaving it by any other error removes it; calling one of the three methods in
    the block settles it earlier, and one that could not be committed can still be kept. UTF-8 with
    plain newlines everywhere. Missing directories are made; what a killed run left of this file is
    removed. Whatever the system refuses is an ``OutputError`` that names the file, and ``option``
    as the way to another place.
    """

    def __init__(self, path: Path, option: str = OUTPUT_DIR) -> None:
        self.path = path
        self._option = option
        self._file: TemporaryFile | None = None

    def __enter__(self) -> Self:
        with self._explained():
            if self.path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            self.path.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self.path)
            self._file = create(self.path)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._file is None:
                return
            if kind is None:
                self.commit()
            elif issubclass(kind, KeyboardInterrupt):
                self.keep_partial()
        finally:
            self.discard()

    def write(self, text: str, /) -> None:
        """Add text; it reaches the disk with ``flush`` or when the buffer is full."""
        with self._explained():
            self._opened().stream.write(text)

    def flush(self) -> None:
        """Hand what was written to the system, for those who follow the file."""
        with self._explained():
            self._opened().stream.flush()

    def commit(self) -> Path:
        """Bring the text to the disk and give the file its name, replacing an older one."""
        with self._explained():
            self._opened().rename(self.path)
        self._file = None
        return self.path

    def keep_partial(self) -> Path | None:
        """Keep what could be written as ``<name>.part`` and return that path.

        ``None`` where there is nothing: an empty file is no help to anybody.
        """
        destination = partial_name(self.path)
        with self._explained():
            kept = self._opened().salvage(destination)
        self._file = None
        return destination if kept else None

    def discard(self) -> None:
        """Remove what was written and is not settled."""
        file, self._file = self._file, None
        if file is not None:
            file.remove()

    def _opened(self) -> TemporaryFile:
        if self._file is None:
            raise ValueError(f"{self.path} is not open")
        return self._file

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise output_error(error, self.path, self._option) from error
