"""Delete models of the store, and only those."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog, places, previous
from echocli.models.found import Found
from echocli.models.records import read_record


def remove(found: Found, env: Environment, *, all: bool = False) -> int:
    """Delete a model of the store with its record and the revision before it.

    With ``all`` the forms that were made from it go too: the int8 copy and converted GGML files.
    Returns the number of bytes that are free now. Raises ``ModelError`` for a model that is
    somewhere else, and when the store cannot be changed.
    """
    store = env.data_dir / "models"
    if found.origin != "store" or found.path.parent not in (store, store / previous.DIRECTORY):
        raise ModelError(
            f"model '{found.name}' in {found.path} is not in the store", hint=_hint(found)
        )
    entries = [found.path.name, *(_made_from(found, store) if all else ())]
    freed = sum(_bytes(path) for entry in entries for path in previous.places(store, entry))
    for entry in entries:
        previous.remove(store, entry)
    return freed


def _hint(found: Found) -> str:
    if found.origin == "package":
        packages = (wanted.partition("==")[0] for wanted in catalog.requirements(found.name))
        return f"run: pip uninstall {' '.join(packages)}"
    if found.origin == "cache":
        return "delete it with Hugging Face's own tools, or its directory in their cache"
    return "delete it yourself if nothing else needs it"


def _made_from(found: Found, store: Path) -> Iterator[str]:
    if found.format != "ct2":
        return
    yield f"{found.name}{places.INT8}"
    for path in store.glob("ggml-*.bin"):
        record = read_record(path)
        if record and record.is_conversion and record.name == found.name:
            yield path.name


def _bytes(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size if path.exists() else 0
