"""``echocli models verify``: are the bytes of a model those that were published?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap
from typing import Annotated

import typer

from echocli.cli.chosen import chosen_by, console_of
from echocli.cli.models_chosen import (
    FormatName,
    MaybeNames,
    ModelDir,
    chosen,
    with_damaged,
)
from echocli.cli.options import Json, Profile
from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import leftovers
from echocli.models.store import Found, Store
from echocli.models.verify import Checked, Outcome, require_sound, verify
from echocli.output.jsonable import dump
from echocli.output.stdout import StdoutSink

_ORDER = (Outcome.CORRUPT, Outcome.UNKNOWN, Outcome.OK)
"""The worst first."""


def command(
    ctx: typer.Context,
    models: MaybeNames = None,
    format: FormatName = None,
    quiet: Annotated[
        bool, typer.Option("--quiet/--no-quiet", "-q", help="Print nothing but what is damaged.")
    ] = False,
    as_json: Json = False,
    model_dir: ModelDir = None,
    profile: Profile = None,
) -> None:
    """Check every byte of the models that are here.

    One line for each copy: ok, unknown where nobody recorded what it must be, or corrupt. A damaged
    one is an error, 4, that names the file; the others are checked first. In the store that
    includes what is too damaged to be found as a model.
    """
    environment: Environment = ctx.obj
    settings = chosen_by(ctx)
    copies = _copies(Store(environment, settings["model_dir"]), models, format)
    if not copies:
        console_of(environment, settings).notice("no model is here")
    sink = StdoutSink(environment.stdout)
    checked: list[tuple[Found, list[Checked]]] = []
    for copy in copies:
        checked.append((copy, verify(copy, environment)))
        worst = _worst(checked[-1][1])
        if not as_json and (worst is Outcome.CORRUPT or not settings["quiet"]):
            sink.write(f"{worst:<7}  {copy.name}  {copy.path}\n")
            sink.flush()
    if as_json:
        sink.write(dump({"models": list(starmap(_as_object, checked))}, indent=2) + "\n")
        sink.flush()
    _report([pair for pair in checked if _worst(pair[1]) is Outcome.CORRUPT])


def _worst(results: Sequence[Checked]) -> Outcome:
    return min((result.outcome for result in results), key=_ORDER.index)


def _as_object(copy: Found, results: Sequence[Checked]) -> dict[str, object]:
    return {
        "name": copy.name,
        "format": copy.format,
        "path": str(copy.path),
        "outcome": str(_worst(results)),
        "files": list(map(_file_as_object, results)),
    }


def _file_as_object(checked: Checked) -> dict[str, object]:
    return {
        "file": str(checked.file),
        "outcome": str(checked.outcome),
        "expected": checked.expected,
        "found": checked.found,
    }


def _copies(store: Store, names: Sequence[str] | None, format: str | None) -> list[Found]:
    if names:
        return [found for name in names for found in with_damaged(store, name, format)]
    damaged = [it for it in leftovers.damaged(store.directory) if format in (None, it.format)]
    return [*chosen(store, names, format), *damaged]


def _report(damaged: Sequence[tuple[Found, list[Checked]]]) -> None:
    """Raise ``ModelError`` for the first damaged model, saying how many others there are."""
    if not damaged:
        return
    try:
        require_sound(*damaged[0])
    except ModelError as error:
        others = len(damaged) - 1
        more = f", and {others} more cop{'ies are' if others > 1 else 'y is'}" if others else ""
        raise ModelError(f"{error}{more}", hint=error.hint) from error
