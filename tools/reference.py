"""Write a reference page for each command, and an index with the exit codes."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence

from echocli.errors import ExitCode
from tools.commands import PROGRAM, Command, Parameter

NOTE = "<!-- Written by tools/generate.py from the help texts: change those instead. -->"


def index(program: Command, commands: Sequence[Command]) -> str:
    """Return the page that lists commands, common options and exit codes."""
    lines = [
        NOTE,
        "",
        f"# {PROGRAM} reference",
        "",
        program.description,
        "",
        "| command | does |",
        "|---|---|",
        *(f"| [`{PROGRAM} {c.name}`]({c.name}.md) | {_cell(c.summary)} |" for c in commands),
        "",
        "## Options of the program itself",
        "",
        *_table(program.options),
        "",
        "## Exit codes",
        "",
        "| code | name | means |",
        "|---|---|---|",
        *(f"| {code.value} | {code.name} | {_cell(text)} |" for code, text in exit_codes()),
        "",
    ]
    return "\n".join(lines)


def page(command: Command) -> str:
    """Return the page of one command; the subcommands of a group follow on it."""
    lines = [NOTE, "", *_section(command, "#")]
    for subcommand in command.subcommands:
        lines += _section(subcommand, "##")
    return "\n".join(lines)


def _section(command: Command, mark: str) -> list[str]:
    lines = [
        f"{mark} {PROGRAM} {command.name}",
        "",
        "```text",
        command.usage,
        "```",
        "",
        command.description or command.summary,
        "",
    ]
    for section in dict.fromkeys(parameter.section for parameter in command.parameters):
        rows = [item for item in command.parameters if item.section == section]
        lines += [f"{mark}# {section}", "", *_table(rows), ""]
    return lines


def exit_codes() -> Iterator[tuple[ExitCode, str]]:
    """Yield every exit code with the docstring under it, which only the source has."""
    (definition,) = ast.parse(inspect.getsource(ExitCode)).body
    assert isinstance(definition, ast.ClassDef)
    body = definition.body[1:]
    for assignment, text in zip(body[::2], body[1::2], strict=True):
        match assignment, text:
            case (
                ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(meaning))),
            ):
                yield ExitCode[name], " ".join(meaning.split())


def _table(parameters: Sequence[Parameter]) -> list[str]:
    head = ["| | |", "|---|---|"]
    return head + [f"| `{_cell(item.label)}` | {_cell(item.help)} |" for item in parameters]


def _cell(text: str) -> str:
    """Keep a text inside its table cell."""
    return " ".join(text.split()).replace("|", "\\|")
