"""Delete models of the store, and only those."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog, leftovers, previous
from echocli.models.found import Found
from echocli.models.leftovers import size_of
from echocli.models.lock import held
from echocli.models.parts import UNFINISHED
from echocli.models.pull import LOCKS


def remove(found: Found, env: Environment) -> int:
    """Delete a model of the store, whole or damaged, with its record and the revision before it.

    Returns the number of bytes that are free now. Raises ``ModelError`` for a model that is
    somewhere else, and when the store cannot be changed.
    """
    store = env.data_dir / "models"
    if found.origin != "store" or found.path.parent not in (store, store / previous.DIRECTORY):
        raise ModelError(
            f"model '{found.name}' in {found.path} is not in the store", hint=_hint(found)
        )
    entry = found.path.name
    freed = sum(size_of(path) for path in previous.places(store, entry))
    previous.remove(store, entry)
    return freed


def give_up(store: Path, name: str, format: str | None = None) -> int:
    """Delete what was begun of a model and not finished; return the bytes that are free now.

    Raises ``ModelError`` while somebody is at it, and when it cannot be deleted.
    """
    freed = 0
    for path in leftovers.unfinished(store, name, format):
        size = size_of(path)
        try:
            lock = _lock(store, path)
            with held(lock, waiting=_refusal(name, path)):
                previous.delete(path)
                if lock.parent == path.parent:
                    lock.unlink(missing_ok=True)
        except OSError as error:
            text = f"{path} cannot be deleted: {error.strerror or error}"
            raise ModelError(text, hint="delete it yourself") from error
        freed += size
    return freed


def _lock(store: Path, path: Path) -> Path:
    """Return the lock of who would be writing there."""
    if path.name.endswith(UNFINISHED):
        return path.with_name(f"{path.name.removesuffix(UNFINISHED)}.part")
    if path.is_file():  # it is its own
        return path
    return store / LOCKS / f"{path.name.removesuffix('.part')}.lock"


def _refusal(name: str, path: Path) -> Callable[[], None]:
    def refuse() -> None:
        text = f"model '{name}' is being fetched or converted at this moment: {path}"
        raise ModelError(text, hint="wait for it, or end it with Ctrl-C")

    return refuse


def _hint(found: Found) -> str:
    if found.origin == "package":
        packages = (wanted.partition("==")[0] for wanted in catalog.requirements(found.name))
        return f"run: pip uninstall {' '.join(packages)}"
    if found.origin == "cache":
        return "delete it with Hugging Face's own tools, or its directory in their cache"
    return "delete it yourself if nothing else needs it"
