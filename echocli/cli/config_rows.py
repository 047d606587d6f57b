"""What ``config show`` says of each setting and of each variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from echocli.config import (
    DEFAULT,
    KEYS,
    RECOMMENDATION,
    VARIABLES,
    Said,
    Settings,
    shown,
    spelled,
)
from echocli.config.variables import OLDER_PREFIX, PREFIX, meant_by, owners
from echocli.environment import Environment

OPEN = ("auto", "default")
"""Values that leave it to the recommendation."""

FREE = ("model", "threads")
"""What is recommended follows the wish, but is not spelled as it is."""


@dataclass(frozen=True, slots=True)
class Row:
    """A setting in force."""

    name: str
    value: Any
    source: str
    line: int | None
    """Where it is in the config file."""
    overridden: tuple[Said, ...]
    """What others say about it, and does not count."""

    @property
    def is_told(self) -> bool:
        """Whether it comes from anywhere."""
        return self.source != DEFAULT

    @property
    def cells(self) -> tuple[str, ...]:
        """What a table shows."""
        others = (f"{spelled(it.value)} ({_place(it.source, it.line)})" for it in self.overridden)
        return self.name, shown(self.value), _place(self.source, self.line), ", ".join(others)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the environment that says something, or looks as if it should."""

    name: str
    setting: str | None
    used: bool
    note: str
    """Whether it counts, for people."""


def rows(settings: Settings, recommended: Mapping[str, Any]) -> list[Row]:
    """Return every setting, with what is recommended where nothing else was said."""
    return [_row(settings, name, recommended.get(name)) for name in KEYS]


def _row(settings: Settings, name: str, recommended: Any) -> Row:
    setting, said = settings.get(name, None, KEYS[name].default), tuple(settings.said(name))
    follows = name in FREE or setting.value == recommended
    if recommended is None or (said and setting.value not in OPEN and follows):
        line = said[0].line if said else None
        return Row(name, setting.value, setting.source, line, said[1:])
    return Row(name, recommended, RECOMMENDATION, None, said)


def _place(source: str, line: int | None) -> str:
    words = "config file" if source.startswith("config ") else source
    return f"{words}, line {line}" if line else words


def variables(environment: Environment, settings: Settings) -> list[Variable]:
    """Return the variables that begin as ours or as the older ones do, by name."""
    prefixes = (PREFIX, OLDER_PREFIX)
    names = sorted(name for name in environment.environ if name.startswith(prefixes))
    return [_variable(name, environment.environ[name], settings) for name in names]


def _variable(name: str, value: str, settings: Settings) -> Variable:
    key = owners().get(name)
    if not value:
        return Variable(name, key, False, "is empty and says nothing")
    if key is not None:
        winner = next(settings.said(key)).source
        used = winner == f"env {name}"
        return Variable(name, key, used, "counts" if used else f"{winner} wins")
    if name in VARIABLES:
        used = "PROFILE" not in name or settings.profile == value
        return Variable(name, None, used, "counts" if used else "--profile wins")
    meant = meant_by(name)
    return Variable(name, None, False, f"unknown; did you mean {meant}?" if meant else "not read")
