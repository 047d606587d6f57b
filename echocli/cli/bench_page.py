"""The file that ``bench --html`` writes: found to be writable before anything is measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from echocli.errors import UsageError
from echocli.output.files import STDIN, AtomicFile

OPTION = "--html"


@contextmanager
def page_file(path: Path | None, inputs: Iterable[str]) -> Iterator[AtomicFile | None]:
    """Give the page's file, which appears when it is committed, and not where anything fails.

    Raises ``OutputError`` where it cannot be written, ``UsageError`` where it would replace one of
    ``inputs``: what is measured, and the texts it is held against.
    """
    if path is None:
        yield None
        return
    if str(path) == STDIN:
        raise UsageError(
            "--html writes a file, not standard output", hint="name one: --html b.html"
        )
    if path.resolve() in {Path(name).resolve() for name in inputs}:
        raise UsageError(f"--html {path} would replace what is read", hint="choose another name")
    with AtomicFile(path, OPTION) as file:
        try:
            yield file
        except BaseException:
            file.discard()
            raise
        file.discard()  # nothing where it was settled before
