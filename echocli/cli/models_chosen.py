"""What the subcommands of ``echocli models`` share: their options, and finding what is meant."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from echocli.config import Settings
from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog, leftovers
from echocli.models.store import Found, Store, install_command


class Format(StrEnum):
    """The forms weights come in."""

    CT2 = "ct2"
    """A directory for CTranslate2, which faster-whisper runs on."""
    GGML = "ggml"
    """A file for whisper.cpp."""


FormatName = Annotated[
    Format | None, typer.Option("--format", metavar="ct2|ggml", help="Only models of this form.")
]
ModelDir = Annotated[
    Path | None, typer.Option("--model-dir", help="Look for models in this directory first.")
]
ModelName = Annotated[str, typer.Argument(metavar="NAME", help="Model name or path.")]
ModelNames = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="Model names.", show_default=False)
]
MaybeNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Model names or paths [default: all that are here]."),
]


def open_store(environment: Environment, model_dir: Path | None) -> Store:
    """Return the store as the settings and ``--model-dir`` have it."""
    return Store(environment, Settings(environment).get("model_dir", model_dir).value)


def copies(store: Store, name: str, format: str | None = None) -> list[Found]:
    """Return every copy of a model, the one that would be used first.

    Raises ``ModelError`` for a name nobody knows and for a model that is not here.
    """
    wanted = catalog.canonical(name)
    every = [copy for copy in store.everything() if copy.name == wanted] or _at_path(store, name)
    found = [copy for copy in every if format in (None, copy.format)]
    if not found:
        form = f" as {format}" if format else ""
        raise ModelError(f"model '{name}' is not installed{form}", hint=_how(name, format, every))
    return found


def _at_path(store: Store, name: str) -> list[Found]:
    """Return the model of a path; raise ``ModelError`` where neither that nor a model is meant."""
    found = store.find(name, Format.GGML)
    return [] if found is None else [found]


def _how(name: str, format: str | None, others: Sequence[Found]) -> str:
    """Return the command that brings a model in a form that is not here."""
    if format == Format.GGML:
        made = any(copy.format == Format.CT2 for copy in others)
        command = f"convert {name} --to ggml" if made else f"pull {name} --format ggml"
        return f"run: echocli models {command}"
    return f"run: {install_command(name)}"


def stored(store: Store, name: str, format: str | None = None) -> list[Found]:
    """Return the copies of a model that are in the store, damaged ones too; all where none is."""
    found = with_damaged(store, name, format)
    return [copy for copy in found if copy.origin == "store"] or found


def chosen(store: Store, names: Sequence[str] | None, format: str | None = None) -> list[Found]:
    """Return the copies of the models that were named, or of all."""
    if not names:
        return [found for found in store.everything() if format in (None, found.format)]
    return [found for name in names for found in copies(store, name, format)]


def with_damaged(store: Store, name: str, format: str | None = None) -> list[Found]:
    """Return every copy of a model, and what the store has under its name that is not whole."""
    wanted = catalog.canonical(name)
    damaged = [
        it for it in leftovers.damaged(store.directory, wanted) if format in (None, it.format)
    ]
    try:
        return [*copies(store, name, format), *damaged]
    except ModelError:
        if damaged:
            return damaged
        raise
