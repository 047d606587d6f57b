"""``echocli config path``: where the config file is, or would be."""

from __future__ import annotations

import typer

from echocli.config import path
from echocli.environment import Environment
from echocli.output.stdout import StdoutSink


def command(ctx: typer.Context) -> None:
    """Print where the config file is, or would be.

    ECHOCLI_CONFIG_DIR moves it.
    """
    environment: Environment = ctx.obj
    sink = StdoutSink(environment.stdout)
    sink.write(f"{path(environment)}\n")
    sink.flush()
