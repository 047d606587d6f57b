"""``echocli shell-init``: print the shell function that makes `echo transcribe` work."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from echocli.cli.app import COMMANDS
from echocli.cli.shell_functions import ECHO, function
from echocli.cli.shells import ShellName
from echocli.environment import APP, Environment
from echocli.errors import UsageError
from echocli.output.stdout import StdoutSink

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

TAKEN = frozenset(
    f"{APP} and begin break builtin case command complete compdef contains continue coproc count"
    " declare do done elif else end esac eval exec exit export fi for foreach function functions"
    " if in local nocorrect not or read repeat return select set source status string switch"
    " test then time trap type typeset unset until whence while".split()
)
"""Words of the shells' own languages, and what the functions themselves are written with."""


def command(
    ctx: typer.Context,
    shell: ShellName,
    name: Annotated[
        str, typer.Option("--cmd", metavar="NAME", help="What the function is called.")
    ] = ECHO,
    scripts: Annotated[
        bool,
        typer.Option("--scripts", help="Let it act wherever it is defined, not at prompts only."),
    ] = False,
) -> None:
    """Print the `echo` function for your shell.

    Put eval "$(echocli shell-init bash)" into ~/.bashrc, or the same with zsh into ~/.zshrc, or
    echocli shell-init fish | source into ~/.config/fish/config.fish.

    At the prompt `echo detect`, `echo transcribe talk.wav` and the other subcommands then run
    echocli, also without further words; `builtin echo` prints them. Every other use of echo is the
    builtin, and so are all in functions, sourced files, scripts and subshells: write echocli there.
    Tab completes the function, too.

    With another NAME, what is no subcommand goes to the builtin or program of that name, or to
    echocli where there is none.
    """
    environment: Environment = ctx.obj
    sink = StdoutSink(environment.stdout)
    sink.write(function(shell, checked(name), tuple(COMMANDS), scripts=scripts))
    sink.flush()


def checked(name: str) -> str:
    """Return the name of a function; raise ``UsageError`` for what is none in some shell."""
    if not _NAME.fullmatch(name) or name in TAKEN:
        raise UsageError(
            f"--cmd: {name!r} cannot be the name of the function",
            hint="letters, digits, - and _, and no word of the shell's own language",
        )
    return name
