"""What each setting is, in the words of the option of the same name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from echocli.config import KEYS

_USUAL = re.compile(r"\[default: ([^\]]*)\]")

OTHER = "Other"
"""Heading of settings no option has."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A setting as the help explains it."""

    section: str
    text: str

    @property
    def usual(self) -> str:
        """What happens where nobody says anything, as the help has it; nothing if it has not."""
        return "; with live: ".join(_USUAL.findall(self.text))


def explained() -> dict[str, Explained]:
    """Return every setting by name: what ``transcribe`` says, and ``live`` where that differs.

    ``serve`` explains what is its own.
    """
    files, live = _options("transcribe"), _options("live")
    found = (
        _options("serve")
        | live
        | {name: _both(one, live.get(name, one)) for name, one in files.items()}
    )
    return {name: found.get(name, Explained(OTHER, key.about)) for name, key in KEYS.items()}


def _both(files: Explained, live: Explained) -> Explained:
    if files.text == live.text:
        return files
    return Explained(files.section, f"{files.text} With live: {live.text}")


def _options(command: str) -> dict[str, Explained]:
    from echocli.cli.app import load_command

    parameters = load_command(command).params
    return {name: _explained(one) for one in parameters if (name := setting_of(one))}


def setting_of(parameter: Any) -> str | None:
    """Return the setting that a parameter of a command is about; ``None`` for none."""
    names = (name.removeprefix("--").replace("-", "_") for name in parameter.opts)
    return next((name for name in names if name in KEYS), None)


def _explained(parameter: Any) -> Explained:
    return Explained(parameter.rich_help_panel or OTHER, " ".join(parameter.help.split()))
