"""``echocli models rollback``: go back to the revision before the last update."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import typer

from echocli.cli.chosen import chosen_by, console_of
from echocli.cli.models_chosen import FormatName, ModelDir, ModelName, stored
from echocli.cli.options import Profile, Quiet
from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import previous
from echocli.models.hints import earlier
from echocli.models.identity import revision_of
from echocli.models.store import Found, Store
from echocli.output.stdout import StdoutSink


def command(
    ctx: typer.Context,
    model: ModelName,
    format: FormatName = None,
    quiet: Quiet = False,
    model_dir: ModelDir = None,
    profile: Profile = None,
) -> None:
    """Put the revision before the last update back and print where it is.

    The newer one is kept in its place: the same command again returns to it. Nothing is downloaded.
    Of several forms it is the first that has an earlier revision, unless --format says which.
    """
    environment: Environment = ctx.obj
    settings = chosen_by(ctx)
    store = Store(environment, settings["model_dir"])
    first, *others = _with_previous(store, model, format)
    path = previous.rollback(store.directory, first.path.name)
    revision = revision_of(replace(first, path=path)) or "unknown"
    sink = StdoutSink(environment.stdout)
    sink.write(f"{first.name} ({first.format}) is revision {revision} again: {path}\n")
    sink.flush()
    for other in others:
        text = f"{other.path.name} stays as it is; it has an earlier revision too"
        console_of(environment, settings).notice(f"{text}: --format {other.format}")


def _with_previous(store: Store, model: str, format: str | None) -> list[Found]:
    """Return the copies that have an earlier revision; raise ``ModelError`` where none has."""
    found = stored(store, model, format)
    kept = [copy for copy in found if _has_previous(store.directory, copy.path)]
    if not kept:
        raise ModelError(
            f"no earlier revision of model '{model}' is kept",
            hint=earlier(found[0]),
        )
    return kept


def _has_previous(store: Path, path: Path) -> bool:
    return path.parent == store and previous.kept(store, path.name) is not None
