"""``echocli models rm``: delete a model from the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from echocli.cli.models_chosen import (
    FormatName,
    ModelDir,
    ModelNames,
    open_store,
    stored,
)
from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog, leftovers
from echocli.models.found import is_path
from echocli.models.removal import give_up, remove
from echocli.models.store import Found, Store
from echocli.output.stdout import StdoutSink
from echocli.output.text import one_line, size


def command(
    ctx: typer.Context,
    models: ModelNames,
    format: FormatName = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask on a terminal.")] = False,
    model_dir: ModelDir = None,
) -> None:
    """Delete models from the store.

    With the revision before that is kept there, the forms it was converted to, and downloads that
    were not finished. The name of one file or directory of the store, such as ggml-base-q5_0.bin,
    means that alone. Asks first on a terminal. What packages brought, and what belongs to other
    programs, is not touched: the error says how that goes.
    """
    environment: Environment = ctx.obj
    store = open_store(environment, model_dir)
    meant = {name: _meant(store, name, format) for name in models}
    sink = StdoutSink(environment.stdout)
    for name, found in meant.items():
        if yes or _agreed(environment, name, found):
            freed = sum(remove(copy, environment) for copy in found)
            if not _is_entry(name, found):
                freed += give_up(store.directory, catalog.canonical(name), format)
            sink.write(f"removed {name}: {size(freed)} freed\n")
            sink.flush()


def _meant(store: Store, name: str, format: str | None) -> list[Found]:
    """Return the copies to delete; none where the store has only what was given up of it."""
    if alone := [it for it in _held(store) if it.path.name == name != it.name]:
        return alone
    begun = leftovers.unfinished(store.directory, catalog.canonical(name), format)
    try:
        found = stored(store, name, format)
    except ModelError as error:
        if begun:
            return []
        if is_path(name):
            raise
        raise _not_in(store, name, format) from error
    return found if not begun else [copy for copy in found if copy.origin == "store"]


def _held(store: Store) -> list[Found]:
    """Return what the store has, damaged or not."""
    whole = [copy for copy in store.everything() if copy.origin == "store"]
    return [*whole, *leftovers.damaged(store.directory)]


def _is_entry(name: str, found: Sequence[Found]) -> bool:
    """Tell whether one file or directory was meant, and not the model in all its forms."""
    return any(copy.path.name == name != copy.name for copy in found)


def _not_in(store: Store, name: str, format: str | None) -> ModelError:
    """Return the error for what the store does not have: what it has instead."""
    form = f" as {format}" if format else ""
    names = dict.fromkeys(copy.name for copy in _held(store))
    hint = f"in it: {', '.join(names)}" if names else "nothing is in it"
    return ModelError(f"model '{name}' is not in the store{form}", hint=hint)


def _agreed(environment: Environment, name: str, found: Sequence[Found]) -> bool:
    """Ask on a terminal; elsewhere nobody can answer, and who wrote the command meant it."""
    if not environment.stdin.isatty():
        return True
    paths = ", ".join(str(copy.path) for copy in found) or "what has come of it"
    environment.stderr.write(f"remove {one_line(name)} ({one_line(paths)})? [y/N] ")
    environment.stderr.flush()
    return environment.stdin.readline().strip().lower() in (b"y", b"yes")
