"""The revision of a model before the present one, kept so that one can go back to it.

``NAME`` in the store is the present one, ``.previous/NAME`` the one before; going back exchanges
them. Only renames under a lock move them, in an order that leaves a whole model under one of the
two names at any moment, and who finds nothing under the first looks under the second
(:func:`places`). Only whole models are kept. So a process that is killed between two steps, or a
machine that loses power, costs nothing; the next change here completes or undoes what was begun.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from echocli.errors import ModelError
from echocli.models.found import is_whole
from echocli.models.lock import held
from echocli.models.records import record_path

DIRECTORY = ".previous"
"""Where they are kept, below the store."""


LOOKS = 4
"""How often one looks for what may be on the move from one place to the other."""


def places(store: Path, entry: str) -> tuple[Path, Path]:
    """Return where an entry of the store is, and where to look if it is not there."""
    return store / entry, store / DIRECTORY / entry


def looks(store: Path, entry: str) -> Iterator[Path]:
    """Yield where to look for an entry until it is found, in turn: it may be on the move.

    A look at a directory takes longer than an exchange, so there are several where there is one.
    """
    present, before = places(store, entry)
    for _ in range(LOOKS):
        yield present
        yield before
        if not any(path.exists() for path in (before, _aside(before))):
            break
    yield present


def kept(store: Path, entry: str) -> Path | None:
    """Return the revision before the present one of ``NAME`` or ``ggml-NAME.bin``, if any."""
    present, before = places(store, entry)
    return before if present.exists() and is_whole(before) else None


def keep(store: Path, entry: str) -> None:
    """Put the present revision aside; the new one then takes its name with one rename.

    Until then the one put aside is found. What was kept before is deleted; but a present one that
    is not whole is deleted itself. Nothing happens if the store has no such entry. Raises
    ``ModelError`` if the store cannot be changed.
    """
    with _changing(store, entry):
        present, before = places(store, entry)
        _put_aside(present, before)


def _put_aside(present: Path, before: Path) -> None:
    if not present.exists():
        return
    if is_whole(present):
        _discard(before)
        _move(present, before)
    else:
        _discard(present)


def rollback(store: Path, entry: str) -> Path:
    """Exchange the present revision and the one before, and return the path of the present one.

    A present one that is not whole is deleted. Raises ``ModelError`` if no whole one is kept or the
    store cannot be changed.
    """
    with _changing(store, entry):
        present, before = places(store, entry)
        if not is_whole(before):
            raise ModelError(
                f"no earlier revision of {entry} is kept in {store}",
                hint="echocli models pull NAME --revision REVISION brings one",
            )
        # A way of three steps; after the first the present one is in place, after the second it
        # is found where it was kept.
        _move(before, _aside(before))
        _put_aside(present, before)
        _move(_aside(before), present)
    return present


def remove(store: Path, entry: str) -> None:
    """Delete an entry of the store and the revision before it, never half; no such one is fine."""
    with _changing(store, entry):
        present, before = places(store, entry)
        _discard(before)
        if present.exists():
            _move(present, before)
            _discard(before)
        if entry.endswith(".bin"):
            record_path(present).unlink(missing_ok=True)  # it may be left without its file


@contextmanager
def _changing(store: Path, entry: str) -> Iterator[None]:
    """Be alone here, with nothing left over from one that was killed."""
    try:
        with held(store / DIRECTORY / ".lock"):
            _settle(*places(store, entry))
            yield
    except OSError as error:
        raise ModelError(
            f"{entry} in {store} cannot be changed: {error.strerror or error}",
            hint="set ECHOCLI_DATA_DIR to a directory that can be written",
        ) from error


def _settle(present: Path, before: Path) -> None:
    """Complete or undo the exchange that a killed process began."""
    aside = _aside(before)
    if not aside.exists():
        return
    if not present.exists():
        _move(aside, present)
    else:
        _discard(before)
        _move(aside, before)


def _move(source: Path, target: Path) -> None:
    """Rename a model; the record of a file lies beside it at any moment, and beside no other."""
    record, there = record_path(source), target.with_name(f"{target.name}.json")
    if not source.is_file():
        source.rename(target)
        return
    there.unlink(missing_ok=True)
    if record.is_file():
        shutil.copyfile(record, there)
    source.rename(target)
    record.unlink(missing_ok=True)


def _discard(path: Path) -> None:
    """Delete a model that may be there; its name goes at once, the bytes after it."""
    gone = path.with_name(f".{path.name}.gone")
    delete(gone)
    if path.exists():
        record = record_path(path)
        if path.is_file():
            record.unlink(missing_ok=True)
        path.rename(gone)
        delete(gone)


def delete(path: Path) -> None:
    """Delete a directory with all that is in it, or a file; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _aside(before: Path) -> Path:
    return before.with_name(f".{before.name}.aside")
