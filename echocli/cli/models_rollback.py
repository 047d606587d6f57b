"""``echocli models rollback``: go back to the revision before the last update."""

from __future__ import annotations

from pathlib import Path

import typer

from echocli.cli.models_chosen import FormatName, ModelDir, ModelName, open_store, stored
from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import previous
from echocli.models.identity import revision_of
from echocli.models.store import Store
from echocli.output.stdout import StdoutSink


def command(
    ctx: typer.Context, model: ModelName, format: FormatName = None, model_dir: ModelDir = None
) -> None:
    """Put the revision before the last update back and print where it is.

    The newer one is kept in its place: the same command again returns to it. Nothing is downloaded.
    """
    environment: Environment = ctx.obj
    store = open_store(environment, model_dir)
    path = previous.rollback(store.directory, _entry(store, model, format))
    (found,) = (copy for copy in store.everything() if copy.path == path)
    sink = StdoutSink(environment.stdout)
    sink.write(f"{found.name} is revision {revision_of(found) or 'unknown'} again: {path}\n")
    sink.flush()


def _entry(store: Store, model: str, format: str | None) -> str:
    """Return the entry of the store that has an earlier revision, of any form unless one is named.

    Raises ``ModelError`` where none has.
    """
    found = stored(store, model, format)
    kept = [copy.path.name for copy in found if _has_previous(store.directory, copy.path)]
    if not kept:
        raise ModelError(
            f"no earlier revision of model '{model}' is kept",
            hint=f"echocli models pull {model} --revision REVISION brings one",
        )
    return kept[0]


def _has_previous(store: Path, path: Path) -> bool:
    return path.parent == store and previous.kept(store, path.name) is not None
