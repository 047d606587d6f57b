"""``echocli models list``: the models that are here, and those there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from echocli.capability.advice import Recommendation
from echocli.cli.columns import in_columns
from echocli.cli.detect import survey
from echocli.cli.models_chosen import MaybeNames, ModelDir, chosen, open_store, size
from echocli.cli.options import Json
from echocli.cli.providers import ProviderRow, rows
from echocli.environment import Environment
from echocli.models import catalog
from echocli.models.catalog import Model
from echocli.models.identity import Identity, identity
from echocli.models.store import Found, install_command
from echocli.models.verify import Outcome, at_a_glance, is_stale
from echocli.output.jsonable import dump
from echocli.output.stdout import StdoutSink

HEADINGS = (
    "name",
    "format",
    "holds",
    "size",
    "verified",
    "revision",
    "sha256",
    "runs with",
    "",
    "from",
    "path",
)
FIGURES = frozenset({3})
CATALOGUE_HEADINGS = ("name", "languages", "parameters", "download", "ggml", "memory", "get it by")
CATALOGUE_FIGURES = frozenset({2, 3, 4, 5})

SHOWN = 12
"""Digits of a revision or digest that a table shows; JSON has all."""


@dataclass(frozen=True, slots=True)
class Row:
    """One copy of a model on this machine."""

    found: Found
    identity: Identity
    verified: str
    """``yes``, ``no``, ``stale`` or ``unknown``."""
    providers: tuple[str, ...]
    """Those that are available and can run it."""
    recommended: bool


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
    advice = survey(environment, {"provider": "auto", "model": "auto"}).recommendation
    providers = rows(environment, store)
    here = [_row(environment, copy, providers, advice) for copy in chosen(store, models)]
    lacking = not_here(store.everything()) if everything else []
    sink = StdoutSink(environment.stdout)
    if as_json:
        sink.write(dump(as_object(here, lacking, advice), indent=2) + "\n")
    else:
        sink.write(table(here, lacking, advice))
    sink.flush()


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

    What was made from weights that have changed since is ``stale``.
    """
    outcome = at_a_glance(copy, environment)
    if outcome is Outcome.CORRUPT:
        return "no"
    if is_stale(copy, environment):
        return "stale"
    return "yes" if outcome is Outcome.OK else "unknown"


def not_here(here: Iterable[Found]) -> list[Model]:
    """Return the rows of the catalogue of which there is no copy."""
    names = {copy.name for copy in here}
    return [model for model in catalog.MODELS.values() if model.name not in names]


def as_object(
    here: Sequence[Row], lacking: Sequence[Model], advice: Recommendation
) -> dict[str, object]:
    """Return the lists as JSON has them; see ``docs/models.md`` for the fields."""
    return {
        "models": list(map(_copy_object, here)),
        "available": list(map(_model_object, lacking)),
        "recommended": advice.model,
        "used": advice.usable_model,
    }


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
        "install": install_command(model.name),
    }


def table(here: Sequence[Row], lacking: Sequence[Model], advice: Recommendation) -> str:
    """Return the lists for people, and what to get where something would suit better."""
    parts = []
    if here:
        parts.append(in_columns(HEADINGS, map(_copy_cells, here), FIGURES))
    else:
        parts.append("no model is here\n")
    if lacking:
        cells = map(_model_cells, lacking)
        parts.append("Not here:\n" + in_columns(CATALOGUE_HEADINGS, cells, CATALOGUE_FIGURES))
    if not advice.installed:
        parts.append(f"recommended here: {advice.model}; run: {install_command(advice.model)}\n")
    return "\n".join(parts)


def _copy_cells(row: Row) -> tuple[str, ...]:
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
        str(copy.path),
    )


def _model_cells(model: Model) -> tuple[str, ...]:
    return (
        model.name,
        model.languages,
        f"{model.parameters} M",
        _megabytes(model.ct2_mb),
        _megabytes(model.ggml.mb if model.ggml else None),
        f"{model.memory_gb} GB",
        install_command(model.name),
    )


def _megabytes(count: int | None) -> str:
    return "" if count is None else size(count * 10**6)
