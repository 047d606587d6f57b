from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from echocli.environment import Environment

pytestmark = pytest.mark.unit


def test_variables_move_the_directories() -> None:
    environment = Environment(
        environ={
            "ECHOCLI_CONFIG_DIR": "/c",
            "ECHOCLI_DATA_DIR": "/d",
        }
    )
    assert environment.config_dir == Path("/c")
    assert environment.data_dir == Path("/d")


def test_directories_are_the_platforms_own_otherwise() -> None:
    environment = Environment(environ={})
    found = {environment.config_dir, environment.data_dir}
    assert all(path.name == "echocli" for path in found)


def test_an_empty_variable_moves_nothing() -> None:
    assert Environment(environ={"ECHOCLI_DATA_DIR": ""}).data_dir != Path()


def test_setting_a_variable_leaves_the_original_alone() -> None:
    before = Environment(environ={"A": "1"})
    after = before.with_variable("B", "2")
    assert dict(before.environ) == {"A": "1"}
    assert dict(after.environ) == {"A": "1", "B": "2"}
    assert after.clock is before.clock


def test_streams_are_looked_up_late(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Environment()
    text = io.StringIO()
    monkeypatch.setattr(sys, "stdout", text)
    monkeypatch.setattr(sys, "stderr", text)
    assert environment.stdout is text
    assert environment.stderr is text
