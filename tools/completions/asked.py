"""What the three scripts share: who they are, and what they ask the program for."""

from __future__ import annotations

from collections.abc import Sequence

from echocli.cli.completion_values import Kind as Values
from tools.commands import PROGRAM, Command, Parameter

HEADER = f"completion of {PROGRAM}, written by tools/generate.py: change the commands instead"

ASK = f"command {PROGRAM} completion --values"
"""Prints the values of a list, one a line."""

FIRST_FILE = "transcribe"
"""The command that is meant where the first word is none."""

OPTIONS = {
    "--model": Values.MODELS,
    "--provider": Values.PROVIDERS,
    "--input-device": Values.DEVICES,
}
"""Option → the list it takes a value from."""

ARGUMENTS = {
    "models list": Values.INSTALLED,
    "models verify": Values.INSTALLED,
    "models path": Values.INSTALLED,
    "models convert": Values.INSTALLED,
    "models update": Values.STORED,
    "models rollback": Values.STORED,
    "models rm": Values.STORED,
}
"""Command → the list its arguments come from."""

PATHS_TOO = frozenset({Values.MODELS, Values.INSTALLED})
"""Lists instead of whose words a path may stand."""


def asked(command: Command, parameter: Parameter) -> Values | None:
    """Return the list a parameter's values come from, if the program is asked for them."""
    if not parameter.is_option:
        return ARGUMENTS.get(command.name)
    return next((OPTIONS[name] for name in parameter.names if name in OPTIONS), None)


def every(commands: Sequence[Command]) -> list[Command]:
    """Return the commands, each followed by its subcommands."""
    return [found for command in commands for found in (command, *every(command.subcommands))]


def words(commands: Sequence[Command], separator: str = " ") -> str:
    """Return the last words of the commands' names."""
    return separator.join(command.word for command in commands)


def quoted(text: str) -> str:
    """Quote for bash and zsh."""
    return "'" + text.replace("'", "'\\''") + "'"
