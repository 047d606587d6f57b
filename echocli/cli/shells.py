"""The shells there is something for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Shell(StrEnum):
    """The shells there is a function and a completion for."""

    BASH = "bash"
    """For ``~/.bashrc``."""
    ZSH = "zsh"
    """For ``~/.zshrc``."""
    FISH = "fish"
    """For ``~/.config/fish/config.fish``; reads ``| source`` instead of ``eval``."""


ShellName = Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]
