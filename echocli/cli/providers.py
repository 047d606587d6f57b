"""``echocli providers``: what can run a model here, and why something cannot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import typer

from echocli.api.report import ProviderState
from echocli.api.sources import Sources
from echocli.capability.tiers import Overrides
from echocli.cli.columns import fitting
from echocli.cli.options import Json, ModelDir
from echocli.config import Settings
from echocli.environment import Environment
from echocli.errors import ProviderError
from echocli.models import catalog
from echocli.models.store import Store
from echocli.output.console import width_of
from echocli.output.jsonable import dump
from echocli.output.stdout import StdoutSink
from echocli.output.table import Column
from echocli.output.text import one_line
from echocli.providers import registry
from echocli.providers.base import ProviderInfo

COLUMNS = (
    Column("name"),
    Column("here"),
    Column("devices", rank=1),
    Column("reads", rank=3),
    Column("can", rank=4, least=12),
    Column("models here", rank=2, least=12),
)

READS: dict[str, tuple[str, ...]] = {"ggml": ("ggml", "ct2"), "none": ()}
"""Formats a provider takes where they are not the one it wants: CTranslate2's become GGML."""


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """One provider as far as it can be known without its library."""

    name: str
    built_in: bool
    info: ProviderInfo | None
    """``None`` where its class cannot be loaded; the reason is in ``state``."""
    state: ProviderState
    models: tuple[str, ...] = ()
    """Names of the installed models it can run."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Formats of weights it takes."""
        if self.info is None:
            return ()
        wanted = self.info.model_format
        return READS.get(wanted, (wanted,))


def command(ctx: typer.Context, as_json: Json = False, model_dir: ModelDir = None) -> None:
    """Show what can run a model here, and why something cannot.

    Choose one with --provider. Packages may add providers by the entry point group
    echocli.providers; they come after the built-in ones.
    """
    environment: Environment = ctx.obj
    if model_dir is not None:
        environment = environment.with_variable("ECHOCLI_MODEL_DIR", str(model_dir))
    found = rows(environment, Store(environment, Settings(environment).get("model_dir").value))
    sink = StdoutSink(environment.stdout)
    if as_json:
        sink.write(dump({"providers": list(map(as_object, found))}, indent=2) + "\n")
    else:
        sink.write(table(found, width_of(environment, environment.stdout)))
    sink.flush()


def rows(environment: Environment, store: Store) -> list[ProviderRow]:
    """Return every provider, the built-in ones first; a broken plug-in is a row with its error."""
    sources = Sources(Settings(environment).choose({}), store)
    infos = {name: _info(name) for name in registry.names()}
    whole = [name for name, info in infos.items() if info is not None]
    _, ct2, own = sources.models(Overrides(), whole)
    return [
        ProviderRow(
            name,
            name in registry.BUILTIN,
            info,
            sources.state(name),
            () if info is None else by_size(own.get(name, ct2)),
        )
        for name, info in infos.items()
    ]


def _info(name: str) -> ProviderInfo | None:
    try:
        return registry.get(name).info
    except ProviderError:  # its row says why
        return None


def by_size(names: Iterable[str]) -> tuple[str, ...]:
    """Return models in the order of the catalogue, smallest first, then the others."""
    order = list(catalog.MODELS)
    return tuple(
        sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))
    )


def as_object(row: ProviderRow) -> dict[str, object]:
    """Return a provider as JSON has it; what a broken one would say of itself is null or empty."""
    info = row.info
    live = None if info is None else info.live_devices
    return {
        "name": row.name,
        "summary": info.summary if info else "",
        "built_in": row.built_in,
        "available": row.state.available,
        "reason": row.state.reason,
        "hint": row.state.hint,
        "install": info.install if info else "",
        "devices": info.devices if info else (),
        "live_devices": live if live is not None or info is None else info.devices,
        "model_formats": row.reads,
        "models": row.models,
        "word_timestamps": info.word_timestamps if info else None,
        "native_streaming": info.native_streaming if info else None,
        "experimental": info.experimental if info else None,
    }


def table(found: Sequence[ProviderRow], width: int | None = None) -> str:
    """Return headings and a line for each provider, and below why some are not here."""
    lines = fitting(COLUMNS, map(_cells, found), width)
    missing = [row for row in found if not row.state.available]
    return lines + "".join("\n" + _why_not(row) for row in missing)


def _cells(row: ProviderRow) -> tuple[str, ...]:
    return (
        row.name,
        "yes" if row.state.available else "no",
        ", ".join(row.info.devices) if row.info else "",
        ", ".join(row.reads),
        ", ".join(_abilities(row.info)) if row.info else "",
        ", ".join(row.models),
    )


def _abilities(info: ProviderInfo) -> list[str]:
    found = ["word times"] * info.word_timestamps + ["streaming"] * info.native_streaming
    if info.live_devices is not None:
        found.append(f"live on {' or '.join(info.live_devices)} only")
    return found + ["experimental"] * info.experimental


def _why_not(row: ProviderRow) -> str:
    state = row.state
    hint = f"  {one_line(state.hint)}\n" if state.hint else ""
    return f"{row.name} is not available: {one_line(state.reason)}\n{hint}"
