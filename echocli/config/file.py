"""The config file: TOML with settings at the top and a table for each profile.

Every complaint names the file, and the line where that is known.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from echocli.config.keys import KEYS
from echocli.config.once import ONCE
from echocli.errors import UsageError

PROFILES = "profile"
"""The table of profiles."""

NAME = "config.toml"

_HEADER = re.compile(r"\s*\[(?P<table>[^\[\]]+)\]")
_KEY = re.compile(r"""\s*["']?(?P<key>[\w-]+)["']?\s*[=.]""")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What a config file says; nothing where there is none."""

    path: Path
    text: str = ""
    exists: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def line(self, key: str, profile: str | None = None) -> int | None:
        """Return the line where a setting is, from 1; ``None`` where that is not plain to see."""
        table = f"{PROFILES}.{profile}" if profile else ""
        return _line(self.text, key, table)

    def profile(self, name: str, source: str) -> Mapping[str, Any]:
        """Return the settings of a profile; ``source`` is who asked for it."""
        if name in self.profiles:
            return self.profiles[name]
        message = f"{source}: there is no profile '{name}' in {self.path}"
        if not self.exists:
            message, known = f"{message}, as there is no such file", ""
        elif not self.profiles:
            known = ", which has none"
        else:
            known = f"; there are: {', '.join(self.profiles)}"
        near = get_close_matches(name, self.profiles, n=1)
        hint = f"did you mean {near[0]}?" if near else f"add a table [{PROFILES}.{name}] to it"
        raise UsageError(message + known, hint=hint)


def load(path: Path, *, required: bool = False) -> ConfigFile:
    """Read a config file; one that is not there says nothing unless it is ``required``.

    Raises ``UsageError`` for one that cannot be read, is no TOML or has a key nobody knows.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = tomllib.loads(text)
    except FileNotFoundError:
        if not required:
            return ConfigFile(path)
        raise UsageError(f"there is no config file {path}", hint=_INIT) from None
    except OSError as error:
        message = f"config file {path} cannot be read: {error.strerror}"
        raise UsageError(message, hint="see: echocli config path") from error
    except (ValueError, RecursionError) as error:  # bad TOML, bad UTF-8, brackets without end
        message = f"config file {path} is not valid TOML: {error}"
        raise UsageError(message, hint=_mended(str(error))) from error
    return _checked(path, text, found)


_INIT = "run: echocli config init"


def _mended(complaint: str) -> str:
    """Return the next step for what ``tomllib`` complains about."""
    if "Cannot overwrite a value" in complaint:
        return "a setting is there twice: delete one of the two lines"
    if "Cannot declare" in complaint:
        return "a table is there twice: write its settings below one heading"
    if "Invalid value" in complaint:
        return 'text needs quotes, as in model = "base.en"'
    return 'settings are lines such as model = "base.en"; see: echocli config init --help'


def _checked(path: Path, text: str, found: dict[str, Any]) -> ConfigFile:
    tables = found.pop(PROFILES, {})
    if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
        where = _place(path, _line(text, PROFILES, ""))
        hint = f"write a table, as in [{PROFILES}.meeting]; choose one with --profile"
        raise UsageError(f"{where}: '{PROFILES}' is no setting", hint=hint)
    profiles = {
        name: _settings(path, text, table, f"{PROFILES}.{name}") for name, table in tables.items()
    }
    return ConfigFile(path, text, True, _settings(path, text, found, ""), profiles)


def _settings(path: Path, text: str, found: Mapping[str, Any], table: str) -> dict[str, Any]:
    """Return the values of a table by the names of their settings."""
    settings: dict[str, Any] = {}
    for key, value in found.items():
        name = key.replace("-", "_")
        if name not in KEYS:
            _refuse(key, name, f"{_place(path, _line(text, key, table))}: ", table)
        if name in settings:
            where = _place(path, _line(text, key, table))
            raise UsageError(f"{where}: '{name}' is there twice", hint="delete one of them")
        settings[name] = value
    return settings


def _refuse(key: str, name: str, where: str, table: str) -> NoReturn:
    message = f"{where}unknown key '{key}'" + (f" in [{table}]" if table else "")
    positive = name.removeprefix("no_")
    near = get_close_matches(name, [*KEYS, *([] if table else [PROFILES])], n=1)
    if name in ONCE:
        hint = f"--{name.replace('_', '-')} is no setting: it {ONCE[name]}"
    elif positive in KEYS:
        hint = f"write {positive} = false"
    elif near:
        hint = f"did you mean {near[0]}?"
    else:
        hint = "see: echocli config show --all"
    raise UsageError(message, hint=hint)


def _place(path: Path, line: int | None) -> str:
    return f"config file {path}" + (f", line {line}" if line else "")


def _line(text: str, key: str, table: str) -> int | None:
    """Return the line of a key in a table (``""`` is the top): the first that says ``key =`` there.

    A line in the middle of a longer value does not count: what stands before it is no whole TOML.
    """
    lines, inside = text.split("\n"), ""
    wanted = _bare(f"{table}.{key}".strip("."))
    for number, line in enumerate(lines):
        here = ""
        if header := _HEADER.match(line):
            inside = here = _bare(header["table"])
        elif found := _KEY.match(line):
            here = _bare(f"{inside}.{found['key']}".strip("."))
        if f"{here}.".startswith(f"{wanted}.") and _is_whole(lines[:number]):
            return number + 1
    return None


def _bare(name: str) -> str:
    """Return a name without quotes and blanks, and with one spelling of the dash."""
    return re.sub(r"""[\s"']""", "", name).replace("-", "_")


def _is_whole(lines: list[str]) -> bool:
    try:
        tomllib.loads("\n".join(lines))
    except (ValueError, RecursionError):
        return False
    return True
