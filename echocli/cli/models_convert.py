"""``echocli models convert``: the same weights for another library, or on half the disk."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from echocli.cli.models_chosen import ModelDir, ModelName, copies, open_store
from echocli.environment import Environment
from echocli.errors import ModelError, UsageError
from echocli.models.identity import revision_of
from echocli.models.store import Found, Store, expand
from echocli.output.stdout import StdoutSink


class Form(StrEnum):
    """What a model can be written as."""

    GGML = "ggml"
    """One file for whisper.cpp."""
    INT8 = "int8"
    """A directory for CTranslate2 with 8-bit weights."""


class Quantisation(StrEnum):
    """What the matrices of a GGML file are."""

    FLOAT16 = "float16"
    """As exact as the source."""
    Q8_0 = "q8_0"
    """Blocks of 8 bits; about half the size."""
    Q5_0 = "q5_0"
    """Blocks of 5 bits; about a third."""
    Q5_1 = "q5_1"
    """The same with a second number a block: a little larger and more exact."""


def command(
    ctx: typer.Context,
    model: ModelName,
    to: Annotated[
        Form, typer.Option("--to", metavar="ggml|int8", help="For whisper.cpp, or smaller.")
    ],
    quantize: Annotated[
        str | None,  # not the enum: the parser would show it with dashes
        typer.Option(
            "--quantize",
            metavar="float16|q8_0|q5_0|q5_1",
            help="How exact a ggml file is [default: float16].",
        ),
    ] = None,
    output: Annotated[
        str | None,  # not a path, which forgets that it ended in a slash
        typer.Option(
            "--output", "-o", metavar="PATH", help="Write it there [default: into the store]."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what --output names.")] = False,
    model_dir: ModelDir = None,
) -> None:
    """Write a model in another form and print where it is.

    From a model for CTranslate2, by name or directory. ggml is one file for whisper.cpp; --provider
    whisper-cpp makes it by itself where it is missing. int8 takes half the disk and loads sooner,
    and is then used for the compute type int8.
    """
    if to is Form.INT8 and quantize is not None:
        raise UsageError("--quantize is for --to ggml", hint="--to int8 has one form only")
    quantisation = _quantisation(quantize)
    target = None if output is None else _target(output, to, force=force)
    environment: Environment = ctx.obj
    store = open_store(environment, model_dir)
    found = _source(store, model)
    if to is Form.INT8:
        made = _int8(store, found, target)
    else:
        made = _ggml(store, found, quantisation, target)
    sink = StdoutSink(environment.stdout)
    sink.write(f"{made.absolute()}\n")
    sink.flush()


def _quantisation(text: str | None) -> Quantisation:
    try:
        return Quantisation((text or Quantisation.FLOAT16).lower().replace("-", "_"))
    except ValueError:
        hint = f"choose one of: {', '.join(Quantisation)}"
        raise UsageError(f"unknown quantisation '{text}'", hint=hint) from None


def _target(text: str, to: Form, *, force: bool) -> Path:
    """Return where to write; raise ``ModelError`` where nothing can or may be written."""
    path = expand(text)
    folder = path.absolute().parent
    if to is Form.GGML and (path.is_dir() or text.endswith(("/", os.sep))):
        raise ModelError(f"{text} is a directory", hint="name the file in it: --output DIR/FILE")
    if not folder.is_dir():
        raise ModelError(f"there is no directory {folder}", hint="make it, or name another one")
    if not os.access(folder, os.W_OK):
        raise ModelError(f"{folder} cannot be written to", hint="name another directory")
    if path.exists() and not force:
        raise ModelError(f"{path} is there already", hint="add --force to replace it")
    return path


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let Ctrl-C and a request to end wait until libraries are imported.

    In the middle of it numpy makes an ``ImportError`` of the interrupt.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _source(store: Store, name: str) -> Found:
    """Return the CTranslate2 model that was named; raise ``ModelError`` for anything else."""
    if not any(copy.format == "ct2" for copy in copies(store, name)):
        raise ModelError(
            f"model '{name}' is here only as a GGML file, which cannot be converted",
            hint="name a model for CTranslate2: echocli models pull NAME brings one",
        )
    found = store.require(name, "ct2")
    if found.quantisation not in ("", "float16", "float32"):
        raise ModelError(
            f"the model in {found.path} is {found.quantisation} already",
            hint="name the model it was made from"
            if found.origin == "path"
            else f"bring the whole one first: echocli models pull {found.name}",
        )
    return found


def _ggml(store: Store, found: Found, quantisation: Quantisation, output: Path | None) -> Path:
    with _undisturbed():
        import numpy  # noqa: F401

        from echocli.models.converted import QUANTISATIONS, ggml_of
        from echocli.models.ggml import convert

    if output is None:
        return ggml_of(
            found.path,
            found.name,
            store.directory,
            quantisation=quantisation,
            revision=revision_of(found),
        )
    convert(found.path, output, dtype=QUANTISATIONS[quantisation])
    return output


def _int8(store: Store, found: Found, output: Path | None) -> Path:
    with _undisturbed():
        import ctranslate2.specs  # noqa: F401

        from echocli.models.quantised import quantise, target_of

    name = None if found.origin == "path" else found.name
    target = output or target_of(found.path, name, store.directory)
    quantise(found.path, target, store=store.directory, revision=revision_of(found))
    return target
