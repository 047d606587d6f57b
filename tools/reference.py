"""Write a reference page for each command, and an index with the exit codes."""

from __future__ import annotations

from collections.abc import Sequence

from tools.commands import PROGRAM, Command, Parameter
from tools.exit_codes import exit_codes
from tools.markdown import NOTE, cell, table

OTHERS = (
    ("settings", "every setting: its name in the config file and in the environment"),
    ("environment", "every environment variable"),
    ("exit-codes", "exit codes, and the errors that lead to them"),
    ("json", "JSON, field by field"),
    ("events", "events, field by field"),
)
"""Pages beside those of the commands → what they have."""


def index(program: Command, commands: Sequence[Command]) -> str:
    """Return the page that lists commands, common options and exit codes."""
    lines = [
        NOTE,
        "",
        f"# {PROGRAM} reference",
        "",
        program.description,
        "",
        *table(
            ("command", "does"),
            ((f"[`{PROGRAM} {one.name}`]({one.name}.md)", one.summary) for one in commands),
        ),
        "",
        "Beside them there are pages of",
        "",
        *(f"- [{text}]({name}.md)" for name, text in OTHERS),
        "",
        "and [JSON Schemas](../schemas) and [manual pages](../man).",
        "",
        "## Options of the program itself",
        "",
        *_table(program.options),
        "",
        "## Exit codes",
        "",
        *table(
            ("code", "name", "means"),
            ((str(code.value), code.name, text) for code, text in exit_codes()),
        ),
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


def _table(parameters: Sequence[Parameter]) -> list[str]:
    head = ["| | |", "|---|---|"]
    return head + [f"| `{cell(item.label)}` | {cell(item.help)} |" for item in parameters]
