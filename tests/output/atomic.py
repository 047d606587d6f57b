"""Files that are written for a test."""

from __future__ import annotations

from pathlib import Path

from echocli.output.files import AtomicFile


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def write_file(path: Path, *texts: str, failure: BaseException | None = None) -> None:
    """Write texts, each flushed, and fail inside the block if told to."""
    with AtomicFile(path) as file:
        for text in texts:
            file.write(text)
            file.flush()
        if failure is not None:
            raise failure
