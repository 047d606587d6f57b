"""``echocli models verify``: are the bytes of a model those that were published?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from echocli.cli.models_chosen import (
    FormatName,
    MaybeNames,
    ModelDir,
    chosen,
    open_store,
    with_damaged,
)
from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import leftovers
from echocli.models.store import Found, Store
from echocli.models.verify import Checked, Outcome, require_sound, verify
from echocli.output.console import Console
from echocli.output.stdout import StdoutSink

_ORDER = (Outcome.CORRUPT, Outcome.UNKNOWN, Outcome.OK)
"""The worst first."""


def command(
    ctx: typer.Context,
    models: MaybeNames = None,
    format: FormatName = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but what is damaged.")
    ] = False,
    model_dir: ModelDir = None,
) -> None:
    """Check every byte of the models that are here.

    One line for each copy: ok, unknown where nobody recorded what it must be, or corrupt. A damaged
    one is an error, 4, that names the file; the others are checked first. In the store that
    includes what is too damaged to be found as a model.
    """
    environment: Environment = ctx.obj
    copies = _copies(open_store(environment, model_dir), models, format)
    if not copies:
        Console(environment, quiet=quiet).notice("no model is here")
    sink = StdoutSink(environment.stdout)
    damaged: list[tuple[Found, list[Checked]]] = []
    for copy in copies:
        results = verify(copy, environment)
        worst = min((result.outcome for result in results), key=_ORDER.index)
        if worst is Outcome.CORRUPT:
            damaged.append((copy, results))
        if worst is Outcome.CORRUPT or not quiet:
            sink.write(f"{worst:<7}  {copy.name}  {copy.path}\n")
            sink.flush()
    _report(damaged)


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
