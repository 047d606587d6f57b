"""Write completion scripts that hardly ever start the program.

Starting Python on every Tab takes a noticeable part of a second; these scripts hold the whole table
of commands, options and closed lists instead, and ask the program only for what differs from
machine to machine: see :mod:`tools.completions.asked`. ``make docs`` writes them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tools.commands import Command
from tools.completions.bash import bash
from tools.completions.fish import fish
from tools.completions.zsh import zsh

__all__ = ["SHELLS", "bash", "fish", "zsh"]

SHELLS: dict[str, Callable[[Command, Sequence[Command]], str]] = {
    "bash": bash,
    "zsh": zsh,
    "fish": fish,
}
"""Shell name → the function that writes its script."""
