"""``echocli shell-init``: print the shell function that makes `echo transcribe` work."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from echocli.cli.app import COMMANDS
from echocli.cli.shell_functions import FUNCTIONS
from echocli.environment import Environment


class Shell(StrEnum):
    """The shells there is a function for."""

    BASH = "bash"
    """For ``~/.bashrc``."""
    ZSH = "zsh"
    """For ``~/.zshrc``."""
    FISH = "fish"
    """For ``~/.config/fish/config.fish``; ends in ``| source`` instead of ``eval``."""


def command(
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print the `echo` function for your shell.

    Put eval "$(echocli shell-init bash)" into ~/.bashrc, or the same with zsh into ~/.zshrc, or
    echocli shell-init fish | source into ~/.config/fish/config.fish.

    At the prompt `echo detect`, `echo transcribe talk.wav` and the other subcommands then run
    echocli, also without further words; `builtin echo` prints them. Every other use of echo is the
    builtin, and so are all in functions, sourced files, scripts and subshells: write echocli there.
    """
    environment: Environment = ctx.obj
    environment.stdout.write(function(shell))


def function(shell: Shell) -> str:
    """Return the source text of a shell's function, for the subcommands there are."""
    separator = " " if shell is Shell.FISH else "|"
    return FUNCTIONS[shell].replace("@COMMANDS@", separator.join(COMMANDS))
