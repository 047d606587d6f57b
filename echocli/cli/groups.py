"""Parsers made from tables of commands; a command's module is imported only to run it.

A row's module has a function ``command``, or it is a group: then it has a table ``SUBCOMMANDS`` as
well, whose rows are read in the same way, and the name ``DEFAULT`` of the subcommand that is meant
where none is written.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup

from echocli.cli.help import FittedContext, GroupedCommand, normalise

Table: TypeAlias = "dict[str, tuple[str, str]]"
"""Command name → its module and its line in the list of commands."""

CONTEXT: dict[str, Any] = {
    "token_normalize_func": normalise,
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
}


class LazyGroup(TyperGroup):
    """List commands from the table; import a command's module only to run it."""

    context_class = FittedContext
    table: Table
    default: str | None = None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command before words that name none."""
        named = args and (args[0] in ctx.help_option_names or not args[0].startswith("-"))
        if self.default is not None and not named:
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command named by the first argument and load the real one."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(str(name), self.table), rest


def load(name: str, table: Table) -> TyperCommand | LazyGroup:
    """Import one command's module and make the parser of its function."""
    path, summary = table[name]
    module = import_module(path)
    if subcommands := getattr(module, "SUBCOMMANDS", None):
        return make(name, module.command, subcommands, module.DEFAULT)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name=name, cls=GroupedCommand, short_help=summary, context_settings=CONTEXT)(
        module.command
    )
    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand)
    return command


def make(
    name: str, function: Callable[..., None], table: Table, default: str | None = None
) -> LazyGroup:
    """Make the parser of a group with a stub for each command."""
    app = typer.Typer(
        name=name,
        cls=LazyGroup,
        add_completion=False,
        rich_markup_mode=None,
        context_settings=CONTEXT,
        subcommand_metavar="[COMMAND]..." if default else None,
    )
    app.callback()(function)
    parser = typer.main.get_command(app)
    assert isinstance(parser, LazyGroup)
    parser.table = table
    parser.default = default
    for stub, (_, summary) in table.items():
        parser.add_command(
            TyperCommand(name=stub, callback=lambda: None, short_help=summary, help=summary)
        )
    return parser
