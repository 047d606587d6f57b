"""``echocli models path``: where a model is, alone on a line for scripts."""

from __future__ import annotations

import typer

from echocli.cli.models_chosen import Format, FormatName, ModelDir, ModelName, copies, open_store
from echocli.cli.options import Json
from echocli.environment import Environment
from echocli.models.store import Found
from echocli.output.jsonable import dump
from echocli.output.stdout import StdoutSink


def command(
    ctx: typer.Context,
    model: ModelName,
    format: FormatName = None,
    as_json: Json = False,
    model_dir: ModelDir = None,
) -> None:
    """Print where a model is.

    The directory of a ct2 model, the file of a ggml one. Of several copies it is the one that would
    be used. A model that is not here is an error, 4.
    """
    environment: Environment = ctx.obj
    store = open_store(environment, model_dir)
    if format is Format.GGML:  # not one that has still to be made
        path = min(copies(store, model, format), key=_is_quantised).path
    else:
        path = store.where(model, format)
    where = str(path.absolute())
    sink = StdoutSink(environment.stdout)
    sink.write((dump({"model": model, "path": where}, indent=2) if as_json else where) + "\n")
    sink.flush()


def _is_quantised(copy: Found) -> bool:
    return copy.quantisation != "float16"
