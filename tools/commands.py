"""Read the program's commands as plain values; pages and completions are made of these."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tools.values import known_values

PROGRAM = "echocli"


class Kind(StrEnum):
    """What a shell may offer as the value of a parameter."""

    FLAG = "flag"
    """It takes no value."""
    FILE = "file"
    """Names of files."""
    DIRECTORY = "directory"
    """Names of directories."""
    CHOICE = "choice"
    """One of a closed list."""
    FREE = "free"
    """A number or text nobody can guess."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One option or argument."""

    names: tuple[str, ...]
    """Every spelling of an option, negations included; the label of an argument."""
    kind: Kind
    choices: tuple[str, ...]
    repeatable: bool
    section: str
    label: str
    """What the help page shows on the left."""
    help: str
    """One line with the default, as the help page shows it."""

    @property
    def is_option(self) -> bool:
        """Tell options from arguments."""
        return self.names[0].startswith("-")

    @property
    def summary(self) -> str:
        """The first sentence of the help, without its full stop, for a completion menu."""
        first, _, _ = self.help.partition(" [default")
        return first.partition(". ")[0].rstrip(". ")


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand, or the program itself under the name ``""``."""

    name: str
    """With the group it belongs to before it: ``models pull``."""
    summary: str
    usage: str
    description: str
    parameters: tuple[Parameter, ...]
    subcommands: tuple[Command, ...] = ()

    @property
    def word(self) -> str:
        """The last word of the name."""
        return self.name.rpartition(" ")[2]

    @property
    def options(self) -> tuple[Parameter, ...]:
        """What starts with a dash."""
        return tuple(parameter for parameter in self.parameters if parameter.is_option)

    @property
    def arguments(self) -> tuple[Parameter, ...]:
        """What is told by its place."""
        return tuple(parameter for parameter in self.parameters if not parameter.is_option)


def read_program() -> Command:
    """Return the options of the program itself."""
    from echocli.cli.app import group

    return _read("", group(), "")


def read_commands() -> tuple[Command, ...]:
    """Return every command in the order of the program's own list."""
    from echocli.cli.app import COMMANDS

    return _read_table("", COMMANDS)


def _read_table(group: str, table: Mapping[str, tuple[str, str]]) -> tuple[Command, ...]:
    from echocli.cli.groups import LazyGroup, load

    found = []
    for word, (_, summary) in table.items():
        name, command = f"{group} {word}".strip(), load(word, dict(table))
        below = _read_table(name, command.table) if isinstance(command, LazyGroup) else ()
        found.append(replace(_read(name, command, summary), subcommands=below))
    return tuple(found)


def _read(name: str, command: Any, summary: str) -> Command:
    context = command.make_context(f"{PROGRAM} {name}".strip(), [], resilient_parsing=True)
    parameters = (_parameter(parameter, context) for parameter in command.get_params(context))
    return Command(
        name=name,
        summary=summary,
        usage=" ".join([context.command_path, *command.collect_usage_pieces(context)]),
        description=(command.help or "").partition("\f")[0].strip(),
        parameters=tuple(parameter for parameter in parameters if parameter is not None),
    )


def _parameter(parameter: Any, context: Any) -> Parameter | None:
    record = parameter.get_help_record(context)
    if record is None:
        return None
    label, text = record
    is_argument = parameter.param_type_name == "argument"
    default_section = "Arguments" if is_argument else "Options"
    choices = _choices(parameter, context)
    return Parameter(
        names=(label,) if is_argument else _spellings(parameter),
        kind=_kind(parameter, choices),
        choices=choices,
        repeatable=bool(parameter.nargs == -1 or getattr(parameter, "multiple", False)),
        section=getattr(parameter, "rich_help_panel", None) or default_section,
        label=label,
        help=" ".join(text.split(" ")),
    )


def _spellings(option: Any) -> tuple[str, ...]:
    """Return every name, long ones first; sorted, as the parser keeps those of --help in a set."""
    names = [*option.opts, *option.secondary_opts]
    return tuple(sorted(names, key=lambda name: (not name.startswith("--"), name)))


def _choices(parameter: Any, context: Any) -> tuple[str, ...]:
    """Return the closed list of a parameter: its own, or one the program keeps for its name."""
    own = tuple(item.value for item in parameter.shell_complete(context, "") if item.value)
    known = (known_values().get(name) for name in parameter.opts)
    return own or next((values for values in known if values), ())


def _kind(parameter: Any, choices: tuple[str, ...]) -> Kind:
    """Tell what completes a parameter; paths are known by type, or by the word FILE or DIR."""
    if getattr(parameter, "is_flag", False) or getattr(parameter, "count", False):
        return Kind.FLAG
    if choices:
        return Kind.CHOICE
    text = " ".join([*parameter.opts, parameter.metavar or ""])
    words = set(re.findall("[A-Z]+", text.upper()))
    if words & {"DIR", "DIRS", "DIRECTORY"}:
        return Kind.DIRECTORY
    if words & {"FILE", "FILES", "PATH"} or parameter.type_descriptor.is_path:
        return Kind.FILE
    return Kind.FREE
