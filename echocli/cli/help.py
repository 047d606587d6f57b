"""Plain help in sections, and what the parser says, readable at 80 columns and in a pipe.

Typer's boxes cut long option pairs at 80 columns; the plain formatter wraps them instead.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


def normalise(token: str) -> str:
    """Make ``--beam_size`` and ``--beam-size`` the same word."""
    return token.replace("_", "-")


def parser_message(error: Any) -> str:
    """Return what the parser says was wrong, with the value where its validator leaves that out."""
    message = str(error.format_message()).replace("Value error, ", "")
    details: list[dict[str, object]] = getattr(error.__cause__, "errors", list)()
    value = details[0].get("input") if details else None
    return message if value is None or repr(value) in message else f"{message}: {value!r}"


class GroupedCommand(TyperCommand):
    """A command whose options are listed under the heading of their ``rich_help_panel``."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Name arguments as they are listed below; Typer adds braces and dots to them."""
        words = [self.options_metavar or ""]
        for param in self.get_params(ctx):
            if param.param_type_name == "argument":
                word = str(param.metavar or param.name).upper()
                words.append(word if param.required or word.startswith("[") else f"[{word}]")
        return words

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one definition list a section, in order of first use."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                heading = getattr(param, "rich_help_panel", None) or _default_heading(param)
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def _default_heading(param: Any) -> str:
    return "Arguments" if param.param_type_name == "argument" else "Options"
