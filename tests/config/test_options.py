"""Every option of every command is a setting, or there is a reason why it is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from echocli.cli.app import COMMANDS, group
from echocli.cli.config_help import explained
from echocli.cli.groups import LazyGroup, Table, load
from echocli.config import KEYS, ONCE

pytestmark = pytest.mark.unit


def commands(prefix: str, table: Table) -> Iterator[tuple[str, Any]]:
    """Yield every command with its whole name."""
    for word in table:
        command = load(word, table)
        yield f"{prefix}{word}", command
        if isinstance(command, LazyGroup):
            yield from commands(f"{prefix}{word} ", command.table)


def options() -> Iterator[tuple[str, str, Any]]:
    """Yield every option: its command, how its setting would be spelled, and itself."""
    for name, command in [("echocli", group()), *commands("", COMMANDS)]:
        context = command.make_context(name, [], resilient_parsing=True)
        for parameter in command.get_params(context):
            if parameter.param_type_name == "option":
                spelling = next(word for word in parameter.opts if word.startswith("--"))
                yield name, spelling.removeprefix("--").replace("-", "_"), parameter


OPTIONS = list(options())


def test_every_option_is_a_setting_or_has_a_reason_not_to_be() -> None:
    unknown = {f"{where} {name}" for where, name, _ in OPTIONS if name not in {*KEYS, *ONCE}}
    assert unknown == set(), "add them to echocli/config/keys.py, or to once.py with a reason"


def test_no_option_is_both() -> None:
    assert set(KEYS) & set(ONCE) == set()


def test_every_reason_belongs_to_an_option() -> None:
    assert set(ONCE) - {name for _, name, _ in OPTIONS} == set()
    assert all(ONCE.values())


def test_the_parameter_of_an_option_has_the_name_of_its_setting() -> None:
    """Commands hand what was typed to the settings by the names of their parameters."""
    wrong = {(where, one.name) for where, name, one in OPTIONS if name in KEYS and one.name != name}
    assert wrong == set()


def test_every_setting_is_explained() -> None:
    assert [name for name, one in explained().items() if not one.text] == []
