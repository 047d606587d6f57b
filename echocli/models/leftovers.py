"""What the store holds that is no whole model: damaged ones, and what was begun and given up.

The search for models passes over both. Who checks or deletes must see them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from echocli.models import catalog, previous
from echocli.models.found import REQUIRED, VOCABULARIES, Found, whole_directory, whole_file
from echocli.models.parts import UNFINISHED
from echocli.models.places import INT8, PREFIX, is_shown, name_of
from echocli.models.records import FILE, read_record

INCOMING = ".incoming"
"""Where downloads lie until they are whole, below the store."""

_PART = ".part"
"""End of what was written beside its target."""


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
    kinds = (
        (store / INCOMING, "*", ""),
        (store, f"*{_PART}", _PART),
        (store, f".*{UNFINISHED}", UNFINISHED),
    )
    return [
        path
        for directory, pattern, end in kinds
        for path in sorted(directory.glob(pattern))
        if _is_of(store, path.name.removesuffix(end), name, format)
    ]


def _is_of(store: Path, entry: str, name: str, format: str | None) -> bool:
    hidden = entry.startswith(".")
    own = _of_entry(store, entry.removeprefix("."))
    kind = "ggml" if entry.endswith(".bin") else "ct2"
    return own == name and format in (None, kind) and (not hidden or kind == "ct2")


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
