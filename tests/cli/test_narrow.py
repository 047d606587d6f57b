"""Listings on a terminal that is narrow: its lines are those of the table, cut by nobody else."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest

from echocli.cli import app
from echocli.environment import Environment
from echocli.output.text import display_width

pytestmark = pytest.mark.unit

TABLE = re.compile(r"((?:name|setting|variable) .*\n(?:\S.*\n)+)")
"""Heading and rows."""


class Screen(io.StringIO):
    """A buffer that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class OnScreen(Environment):
    """A process whose standard output is a terminal of so many columns."""

    def __init__(self, columns: int, home: Path) -> None:
        places = {f"ECHOCLI_{kind}_DIR": str(home) for kind in ("CONFIG", "DATA", "CACHE")}
        super().__init__(environ={**os.environ, **places, "COLUMNS": str(columns)})
        self.out = Screen()
        self.err = io.StringIO()

    @property
    def stdout(self) -> io.StringIO:
        return self.out

    @property
    def stderr(self) -> io.StringIO:
        return self.err


@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize(
    "words", ["models list --all", "providers", "config show --all", "config show"]
)
def test_a_table_is_no_wider_than_the_terminal(tmp_path: Path, words: str, columns: int) -> None:
    env = OnScreen(columns, tmp_path)
    assert app.run(words.split(), env) == 0, env.err.getvalue()
    tables = TABLE.findall(env.out.getvalue())
    assert tables
    lines = [line for table in tables for line in table.splitlines()]
    assert [line for line in lines if display_width(line) > columns] == []


@pytest.mark.usefixtures("tiny_model")
def test_the_path_stays_and_the_digest_goes(tmp_path: Path) -> None:
    env = OnScreen(90, tmp_path)
    assert app.run(["models", "list"], env) == 0
    heading = env.out.getvalue().splitlines()[0].split()
    assert "path" in heading
    assert "sha256" not in heading


@pytest.mark.parametrize("columns", [30, 34, 40, 44, 60, 80])
def test_what_detect_says_is_wrapped_between_words(tmp_path: Path, columns: int) -> None:
    env = OnScreen(columns, tmp_path)
    env.environ = {**env.environ, "PATH": str(tmp_path)}
    assert app.run(["detect"], env) == 0, env.err.getvalue()
    shown = re.sub(r"\x1b\[[\d;]*m", "", env.out.getvalue())
    assert [line for line in shown.splitlines() if display_width(line) > columns] == []
    words = shown.split()
    assert "ECHOCLI_VOXTRAL_BINARY," in words
    assert "faster-whisper" in words


@pytest.mark.usefixtures("tiny_model", "nobodys_home")
def test_detect_and_the_list_of_models_give_a_model_the_same_size(tmp_path: Path) -> None:
    env = OnScreen(200, tmp_path)
    assert app.run(["models", "list", "tiny.en"], env) == 0
    (listed,) = set(re.findall(r"\d+ MB", env.out.getvalue()))
    env = OnScreen(200, tmp_path)
    assert app.run(["detect"], env) == 0
    assert f"{listed}, package" in env.out.getvalue()
    assert re.search(r"memory .*\d GiB", env.out.getvalue())
