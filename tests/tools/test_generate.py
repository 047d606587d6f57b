"""Pages made from commands, and all that is generated being up to date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import clean_environment
from tools import generate, reference
from tools.commands import Command, Kind, Parameter
from tools.markdown import cell

pytestmark = pytest.mark.unit


def parameter(
    *names: str, kind: Kind = Kind.FLAG, choices: tuple[str, ...] = (), text: str = "Do it."
) -> Parameter:
    label = ", ".join(names)
    return Parameter(
        names, kind, choices, repeatable=False, section="Options", label=label, help=text
    )


PROGRAM = Command("", "", "echocli", "Speech | text.", (parameter("--version", "-V"),))
COMMANDS = (
    Command(
        "speak",
        "Turn files into text.",
        "echocli speak FILE",
        "Say it's so.",
        (
            parameter("FILE...", kind=Kind.FILE),
            parameter("--model", "-m", kind=Kind.CHOICE, choices=("tiny", "base", "small.en")),
            parameter("--output-dir", "-o", kind=Kind.DIRECTORY),
            parameter("--threads", kind=Kind.FREE, text="It's [1:4] wide. More.  [default: 2]"),
            parameter("--vad", "--no-vad"),
        ),
    ),
    Command(
        "shell-init",
        "Print a function.",
        "echocli shell-init SHELL",
        "",
        (parameter("SHELL", kind=Kind.CHOICE, choices=("bash", "zsh")),),
    ),
    Command(
        "voices",
        "Keep voices.",
        "echocli voices [COMMAND]...",
        "Without a command: list.",
        (parameter("--help"),),
        (
            Command(
                "voices list",
                "List them.",
                "echocli voices list",
                "",
                (parameter("--long"), parameter("--sort", kind=Kind.CHOICE, choices=("up", "by"))),
            ),
            Command(
                "voices speak",
                "Hear one.",
                "echocli voices speak NAME",
                "",
                (parameter("NAME", kind=Kind.CHOICE, choices=("alto", "bass")),),
            ),
        ),
    ),
)


def test_a_summary_is_one_sentence_without_the_default() -> None:
    assert COMMANDS[0].options[2].summary == "It's [1:4] wide"


def test_a_page_has_every_option_and_escapes_bars() -> None:
    text = reference.page(COMMANDS[0])
    assert "| `--vad, --no-vad` | Do it. |" in text
    assert r"a \| b" in cell("a | b")


def test_the_page_of_a_group_has_its_subcommands() -> None:
    text = reference.page(COMMANDS[2])
    assert "# echocli voices\n" in text
    assert "## echocli voices list\n" in text
    assert "### Options\n" in text


def test_the_index_lists_every_exit_code() -> None:
    text = reference.index(PROGRAM, COMMANDS)
    for code in ("| 0 | OK |", "| 5 | PARTIAL |", "| 130 | INTERRUPTED |"):
        assert code in text


def test_writing_twice_changes_nothing_and_removes_what_is_gone(tmp_path: Path) -> None:
    for part in (generate.PAGES, generate.SCRIPTS):
        (tmp_path / part).mkdir(parents=True)
    old = tmp_path / generate.PAGES / "gone.md"
    old.touch()
    files = {generate.PAGES / "README.md": "# One\n"}
    assert len(generate.stale(files, tmp_path)) == 2
    generate.write(files, tmp_path)
    assert not old.exists()
    assert generate.stale(files, tmp_path) == []


def test_pages_and_completions_are_up_to_date() -> None:
    assert generate.stale(generate.generate()) == []


def test_output_depends_neither_on_the_terminal_nor_on_hashing(tmp_path: Path) -> None:
    script = "from tools.generate import generate; print(generate())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env=clean_environment(tmp_path)
            | {"COLUMNS": columns, "TERM": "dumb", "PYTHONHASHSEED": columns},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for columns in ("40", "80", "200")
    }
    assert len(outputs) == 1
