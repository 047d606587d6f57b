"""What the store holds that is no whole model: damaged ones, and what was begun and given up.

The search for models passes over both. Who checks or deletes must see them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from echocli.models import catalog, previous
from echocli.models.found import REQUIRED, VOCABULARIES, Found, whole_directory, whole_file
from echocli.models.parts import UNFINISHED
from echocli.models.places import INT8, PREFIX, is_shown, name_of
from echocli.models.records import FILE, read_record
from echocli.models.staging import INCOMING

_PART = ".part"
"""End of what was written beside its target."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What was begun of a model and is not finished, or not yet."""

    name: str
    format: str
    """``ct2`` or ``ggml``."""
    bytes: int
    path: Path


def begun(store: Path) -> list[Begun]:
    """Return what lies in the store of models that somebody is at, or was."""
    found = [
        Begun(own, _kind(entry), size_of(path), path)
        for path, entry in _unfinished(store)
        if (own := _of_entry(store, entry.removeprefix(".")))
    ]
    return [it for it in found if it.bytes]  # the others are locks


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files of a directory; 0 if there is nothing."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size if path.exists() else 0


def damaged(store: Path, name: str | None = None) -> Iterator[Found]:
    """Yield what has the place or the record of a model called ``name``, or of any, and is none.

    Its size is that of the weights there are.
    """
    for path in _directories(store):
        own = _of_entry(store, path.name) if _is_meant(path) else None
        if own and name in (None, own) and whole_directory(own, path, "store") is None:
            yield _found(own, path, path / "model.bin", "ct2")
    for path in _files(store):
        own = name_of(path)
        if own and name in (None, own) and whole_file(own, path, "store") is None:
            yield _found(own, path, path, "ggml")


def _is_meant(path: Path) -> bool:
    """Tell whether a directory was to be a model."""
    names = (FILE, *REQUIRED, *VOCABULARIES)
    own = _of_entry(path.parent, path.name)
    return catalog.known(own or "") is not None or any((path / it).exists() for it in names)


def unfinished(store: Path, name: str, format: str | None = None) -> list[Path]:
    """Return what was begun of a model, in one format or any, and is not finished (yet)."""
    found = _unfinished(store)
    return [path for path, entry in found if _is_of(store, entry, name, format)]


def _unfinished(store: Path) -> list[tuple[Path, str]]:
    """Return what is not finished, each with the entry of the store that it is to be."""
    kinds = (
        (store / INCOMING, "*", ""),
        (store, f"*{_PART}", _PART),
        (store, f".*{UNFINISHED}", UNFINISHED),
    )
    return [
        (path, path.name.removesuffix(end))
        for directory, pattern, end in kinds
        for path in sorted(directory.glob(pattern))
    ]


def _is_of(store: Path, entry: str, name: str, format: str | None) -> bool:
    hidden = entry.startswith(".")
    own = _of_entry(store, entry.removeprefix("."))
    kind = _kind(entry)
    return own == name and format in (None, kind) and (not hidden or kind == "ct2")


def _kind(entry: str) -> str:
    return "ggml" if entry.endswith(".bin") else "ct2"


def _of_entry(store: Path, entry: str) -> str | None:
    """Return the model that an entry of the store is of."""
    if entry.endswith(".bin"):
        return name_of(store / entry)
    return catalog.canonical(entry.removesuffix(INT8).removeprefix(PREFIX))


def _directories(store: Path) -> list[Path]:
    return sorted(path for path in store.glob("*") if path.is_dir() and is_shown(path))


def _files(store: Path) -> list[Path]:
    """Return the GGML files, with those of which only the record is left."""
    recorded = {path.with_suffix("") for path in store.glob("ggml-*.bin.json")}
    gone = {path for path in recorded if not previous.places(store, path.name)[1].exists()}
    return sorted({path for path in store.glob("ggml-*.bin") if path.is_file()} | gone)


def _found(name: str, path: Path, weights: Path, format: str) -> Found:
    record = read_record(path)
    size = weights.stat().st_size if weights.is_file() else 0
    return Found(name, path, "store", size, format, record.quantisation if record else "")
