"""Plain help in sections, and what the parser says, readable at 80 columns and in a pipe.

Typer's boxes cut long option pairs at 80 columns; the plain formatter wraps them instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

import typer
from typer.core import TyperCommand

LEAST = 52
"""Columns below which the parser's own formatter does not go."""

NARROWEST = 24
"""Columns below which help is not laid out."""

WIDEST = 30
"""Columns of an option, above which its text begins on a line of its own."""

RANGES = ("int_", "float_", "greater_than", "less_than", "finite_number")
"""How the kinds of complaint begin that say a number is none, or not in its range."""


def normalise(token: str) -> str:
    """Make ``--beam_size`` and ``--beam-size`` the same word."""
    return token.replace("_", "-")


class FittedContext(typer.Context):
    """A context whose help is as narrow as the terminal."""

    def make_formatter(self) -> Any:
        """Say how wide help is where the formatter would not become so narrow."""
        columns = shutil.get_terminal_size().columns
        if columns < LEAST:
            self.terminal_width = max(columns, NARROWEST) - 2
        return super().make_formatter()


def parser_message(error: Any) -> str:
    """Return what the parser says was wrong, with the value where its validator leaves that out."""
    if (value := _no_number(error)) is not None:
        return f"{_name(error.param)}: {value!r} cannot be used"
    if _instead(error) is not None:
        return str(error.message)  # without those that are spelt alike
    message = str(error.format_message()).replace("Value error, ", "")
    value = _detail(error).get("input")
    return message if value is None or repr(value) in message else f"{message}: {value!r}"


def parser_hint(
    error: Any, words: Sequence[str] = (), commands: Collection[str] = frozenset()
) -> str:
    """Return the next step after what was wrong in ``words``, or else where to read on."""
    option = getattr(error, "option_name", None)
    if option is not None and (file := _with_a_dash(words, option)):
        return f"a file whose name begins with a dash: {os.path.join(os.curdir, file)}"  # noqa: PTH118
    if instead := _instead(error):
        return instead
    value = _detail(error).get("input")
    if _no_number(error) is not None:
        return f"{_name(error.param)} takes {_range(error.param.get_runtime_param())}"
    if near := _nearest(error, value):
        return f"did you mean {near}?"
    context = getattr(error, "ctx", None)
    if context is None:
        named = f" {words[0]}" if words and words[0] in commands else ""
        return f"see: echocli{named} --help"
    if context.parent is None and option is not None:
        return f"options stand behind a command, as in: echocli transcribe FILE {option}"
    return f"see: {context.command_path} --help"


def _detail(error: Any) -> dict[str, Any]:
    """Return what the validator found wrong first; nothing where there was none."""
    details: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
    return details[0] if details else {}


def _instead(error: Any) -> str | None:
    """Return what to do instead of an option that only other tools have."""
    from echocli.cli.foreign import HINTS

    return HINTS.get(getattr(error, "option_name", None) or "")


def _no_number(error: Any) -> Any:
    """Return the value that is no number of the right kind or range, else ``None``."""
    detail = _detail(error)
    return detail.get("input") if str(detail.get("type", "")).startswith(RANGES) else None


def _name(param: Any) -> str:
    """Return the long name of an option."""
    return str(max(param.opts, key=len))


def _range(takes: Any) -> str:
    """Return which numbers a parameter takes, in the words that settings have."""
    what = "a whole number" if takes.annotation is int else "a number"
    least, most = takes.parameter_info.min, takes.parameter_info.max
    from_ = "" if least is None else f" from {least:g}"
    return what + from_ + ("" if most is None else f" {'to' if from_ else 'up to'} {most:g}")


def _nearest(error: Any, value: object) -> str | None:
    """Return the choice that a value is most like; ``None`` where there are no choices."""
    param = getattr(error, "param", None)
    kind = param.get_runtime_param().annotation if param is not None and value else None
    choices = map(str, kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else ()
    near = get_close_matches(str(value), list(choices), n=1)
    return near[0] if near else None


def _with_a_dash(words: Sequence[str], option: str) -> str | None:
    """Return the file that was taken for an option."""
    return next((it for it in words if it.startswith(option) and os.path.isfile(it)), None)  # noqa: PTH113


class GroupedCommand(TyperCommand):
    """A command whose options are listed under the heading of their ``rich_help_panel``."""

    context_class = FittedContext

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
                formatter.write_dl(records, col_max=min(WIDEST, formatter.width // 2 - 8))


def _default_heading(param: Any) -> str:
    return "Arguments" if param.param_type_name == "argument" else "Options"
