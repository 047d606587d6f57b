"""``echocli models update``: newer revisions of what came from the hub, when one asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from echocli.cli.models_chosen import FormatName, MaybeNames, ModelDir, chosen, open_store, stored
from echocli.cli.models_pull import fetch
from echocli.cli.options import Quiet
from echocli.environment import Environment
from echocli.models.pull import Update, update_check
from echocli.models.records import read_record
from echocli.models.store import Found, Store
from echocli.output.console import Console
from echocli.output.stdout import StdoutSink

SHOWN = 12
"""Digits of a revision that are shown."""


def command(
    ctx: typer.Context,
    models: MaybeNames = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what is newer.")] = False,
    format: FormatName = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never use the network.")] = False,
    quiet: Quiet = False,
    model_dir: ModelDir = None,
) -> None:
    """Replace models by newer revisions.

    Of models that were downloaded from the hub. The revision before is kept: models rollback goes
    back to it. Nothing is ever updated unless this command is run, so that the same recording gives
    the same text until you decide otherwise.
    """
    environment: Environment = ctx.obj
    console = Console(environment, quiet=quiet)
    store = open_store(environment, model_dir)
    copies = _meant(store, models, format)
    if not copies:
        console.notice("no model here was downloaded from the hub")
    sink = StdoutSink(environment.stdout)
    for copy in copies:
        update = update_check(copy, environment, offline=offline)
        if update is not None and not check:
            fetch(environment, console, store, copy.name, format=copy.format)
        sink.write(_line(copy, update, done=not check))
        sink.flush()


def _meant(store: Store, names: Sequence[str] | None, format: str | None) -> list[Found]:
    """Return the copies that were named, else those of the store that came from the hub."""
    if names:
        return [copy for name in names for copy in stored(store, name, format)]
    return [copy for copy in chosen(store, None, format) if _is_from_hub(copy)]


def _is_from_hub(copy: Found) -> bool:
    record = read_record(copy.path) if copy.origin == "store" else None
    return record is not None and record.source.startswith("hf:")


def _line(copy: Found, update: Update | None, *, done: bool) -> str:
    what = f"{copy.name} ({copy.format})"
    if update is None:
        return f"{what}: up to date\n"
    step = f"{update.current[:SHOWN]} → {update.newest[:SHOWN]}"
    return f"{what}: {'updated' if done else 'newer'}, {step}\n"
