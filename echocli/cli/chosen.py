"""From the parameters of a command to the settings that are in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from echocli import log
from echocli.api.setup import MODEL_KEYS
from echocli.config import FLAG, KEYS, Chosen, Settings, describe
from echocli.config.variables import misspelt
from echocli.environment import Environment
from echocli.output.console import Console
from echocli.output.files import share_stdout

PLAIN = ("txt",)
"""What is written without a format."""

TOLD = frozenset({*MODEL_KEYS, "quiet", "verbose"})
"""Settings that are told elsewhere, or by what they do."""


def typed(ctx: typer.Context) -> dict[str, Any]:
    """Return the parameters that stand on the command line, without those left at their default."""
    return {
        name: value
        for name, value in ctx.params.items()
        if (source := ctx.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
    }


def chosen_by(ctx: typer.Context) -> Chosen:
    """Return every setting, as command line, environment and config file say; begin to log.

    Raises ``UsageError`` for a value that makes no sense.
    """
    environment: Environment = ctx.obj
    flags = typed(ctx)
    settings = Settings(environment, profile=flags.get("profile"))
    chosen = settings.choose({name: value for name, value in flags.items() if name in KEYS})
    if chosen["verbose"] and chosen.setting("verbose").source == FLAG and "quiet" not in flags:
        chosen = chosen.but(quiet=False)  # quiet by habit, and now somebody wants to know more
    if chosen["log_level"] is not None or chosen["log_file"] is not None:
        log.configure(chosen["log_file"] or environment.stderr, chosen["log_level"] or "info")
    return chosen


def formats_of(chosen: Chosen, inputs: Sequence[str] = ("-",)) -> tuple[str, ...]:
    """Return the formats to write, text unless something else is asked for.

    Formats that are only configured are for files: standard output gets text where it cannot take
    them. Raises ``UsageError`` for an unknown one.
    """
    formats: tuple[str, ...] = chosen["output_format"] or PLAIN
    typed = chosen.setting("output_format").source == FLAG
    to_files = chosen["output_dir"] is not None
    return formats if typed or to_files or share_stdout(inputs, formats) else PLAIN


def console_of(environment: Environment, chosen: Chosen) -> Console:
    """Return the console, as loud as was asked for; it tells what was set and from where."""
    console = Console(environment, quiet=chosen["quiet"], verbose=chosen["verbose"])
    for line in environment.remarks:
        console.notice(line, "option-ignored")
    for line in misspelt(environment.environ):
        console.notice(line, "variable-unknown")
    for line in describe(chosen, leave_out=TOLD):
        console.detail(line)
    return console
