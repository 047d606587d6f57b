"""``echocli completion``: print the completion script of a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import echocli
from echocli.cli.completion_values import Kind, leave_in_time, values
from echocli.cli.shells import Shell, ShellName
from echocli.environment import Environment
from echocli.output.stdout import StdoutSink

FOLDER = "completions"
"""Inside the package where it is installed, beside it in a checkout."""


def _print_values(ctx: typer.Context, kind: Kind | None) -> None:
    if kind is None:
        return
    leave_in_time()
    environment: Environment = ctx.obj
    sink = StdoutSink(environment.stdout)
    sink.write("".join(f"{word}\n" for word in values(kind, environment)))
    sink.flush()
    raise typer.Exit


def command(
    ctx: typer.Context,
    shell: ShellName,
    kind: Annotated[
        Kind | None,
        typer.Option("--values", hidden=True, is_eager=True, callback=_print_values),
    ] = None,
) -> None:
    """Print the completion script for your shell.

    For bash put eval "$(echocli completion bash)" into ~/.bashrc. For zsh write it to a file
    _echocli in a folder of fpath, before compinit. For fish write it to
    ~/.config/fish/completions/echocli.fish.

    The script starts the program only for the names of models, providers and audio inputs. The
    function of echocli shell-init fetches it by itself.
    """
    del kind
    environment: Environment = ctx.obj
    sink = StdoutSink(environment.stdout)
    sink.write(script(shell))
    sink.flush()


def script(shell: Shell) -> str:
    """Return the text of a shell's completion script."""
    package = Path(echocli.__file__).parent
    folder = package / FOLDER
    if not folder.is_dir():
        folder = package.parent / FOLDER
    return (folder / f"echocli.{shell}").read_text(encoding="utf-8")
