"""``echocli models update``: newer revisions of what came from the hub, when one asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from echocli.cli.chosen import chosen_by, console_of
from echocli.cli.models_chosen import FormatName, MaybeNames, ModelDir, chosen, stored
from echocli.cli.models_pull import Offline, fetch
from echocli.cli.options import Json, Profile, Quiet
from echocli.environment import Environment
from echocli.errors import EchoError
from echocli.models.pull import Update, update_check
from echocli.models.records import read_record
from echocli.models.store import Found, Store
from echocli.output.console import Console
from echocli.output.jsonable import dump
from echocli.output.stdout import StdoutSink

SHOWN = 12
"""Digits of a revision that are shown."""


def command(
    ctx: typer.Context,
    models: MaybeNames = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what is newer.")] = False,
    format: FormatName = None,
    offline: Offline = None,
    quiet: Quiet = False,
    as_json: Json = False,
    model_dir: ModelDir = None,
    profile: Profile = None,
) -> None:
    """Replace models by newer revisions.

    Of models that were downloaded from the hub. The revision before is kept: models rollback goes
    back to it. Nothing is ever updated unless this command is run, so that the same recording gives
    the same text until you decide otherwise.
    """
    environment: Environment = ctx.obj
    settings = chosen_by(ctx)
    console = console_of(environment, settings)
    store = Store(environment, settings["model_dir"])
    copies = _meant(store, models, format)
    if not copies:
        console.notice("no model here was downloaded from the hub")
    sink = StdoutSink(environment.stdout)
    failed: list[EchoError] = []
    found: list[dict[str, object]] = []
    for copy in copies:
        try:
            update = update_check(copy, environment, offline=settings["offline"])
            if update is not None and not check:
                fetch(environment, console, store, copy.name, format=copy.format)
        except EchoError as error:  # the others may be brought all the same
            failed.append(error)
            continue
        found.append(_as_object(copy, update, done=not check))
        if not as_json:
            sink.write(_line(copy, update, done=not check))
            sink.flush()
    if as_json:
        sink.write(dump({"models": found}, indent=2) + "\n")
        sink.flush()
    _report(console, failed)


def _report(console: Console, failed: list[EchoError]) -> None:
    """Print every error but the worst, which is raised."""
    if not failed:
        return
    worst = max(failed, key=lambda error: error.exit_code)
    for error in failed:
        if error is not worst:
            console.error(error)
    raise worst


def _meant(store: Store, names: Sequence[str] | None, format: str | None) -> list[Found]:
    """Return the copies that were named, else those of the store that came from the hub."""
    if names:
        return [copy for name in names for copy in _named(store, name, format)]
    return [copy for copy in chosen(store, None, format) if _is_from_hub(copy)]


def _named(store: Store, name: str, format: str | None) -> list[Found]:
    """Return the copies of a name that came from elsewhere; all where each was made here."""
    found = stored(store, name, format)
    came = [copy for copy in found if not _is_conversion(copy)]
    return came or found


def _is_conversion(copy: Found) -> bool:
    record = read_record(copy.path)
    return record is not None and record.is_conversion


def _is_from_hub(copy: Found) -> bool:
    record = read_record(copy.path) if copy.origin == "store" else None
    return record is not None and record.source.startswith("hf:")


def _as_object(copy: Found, update: Update | None, *, done: bool) -> dict[str, object]:
    return {
        "name": copy.name,
        "format": copy.format,
        "current": update.current if update else None,
        "newest": update.newest if update else None,
        "updated": done and update is not None,
    }


def _line(copy: Found, update: Update | None, *, done: bool) -> str:
    what = f"{copy.name} ({copy.format})"
    if update is None:
        return f"{what}: up to date\n"
    step = f"{update.current[:SHOWN]} → {update.newest[:SHOWN]}"
    return f"{what}: {'updated' if done else 'newer'}, {step}\n"
