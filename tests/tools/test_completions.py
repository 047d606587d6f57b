"""Scripts made of a few commands that are not the program's, tried in the installed shells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import shells
from tools.commands import Command, Kind, Parameter
from tools.completions import SHELLS

pytestmark = pytest.mark.unit


def parameter(
    *names: str, kind: Kind = Kind.FLAG, choices: tuple[str, ...] = (), text: str = "Do it."
) -> Parameter:
    label = ", ".join(names)
    return Parameter(
        names, kind, choices, repeatable=False, section="Options", label=label, help=text
    )


def command(name: str, *parameters: Parameter, below: tuple[Command, ...] = ()) -> Command:
    return Command(name, f"Do {name}; it's done.", f"echocli {name}", "", parameters, below)


PROGRAM = Command("", "", "echocli", "Speech | text.", (parameter("--version", "-V"),))
COMMANDS = (
    command(
        "transcribe",
        parameter("FILE...", kind=Kind.FILE),
        parameter("--colour", "-c", kind=Kind.CHOICE, choices=("red", "green", "greyish")),
        parameter("--model", "-m", kind=Kind.CHOICE, choices=("unused",)),
        parameter("--provider", "-p", kind=Kind.FREE),
        parameter("--output-dir", "-o", kind=Kind.DIRECTORY),
        parameter("--threads", kind=Kind.FREE, text="It's [1:4] wide. More.  [default: 2]"),
        parameter("--vad", "--no-vad"),
    ),
    command("shell-init", parameter("SHELL", kind=Kind.CHOICE, choices=("bash", "zsh"))),
    command(
        "models",
        parameter("--help"),
        below=(
            command(
                "models list",
                parameter("--long"),
                parameter("--sort", kind=Kind.CHOICE, choices=("up", "by")),
            ),
            command("models pull", parameter("NAME", kind=Kind.CHOICE, choices=("alto", "bass"))),
            command("models rm", parameter("NAME", kind=Kind.FREE)),
        ),
    ),
)

ANSWERS = r"""
case "$*" in
    "completion --values models") printf 'tiny\nbase\nsmall.en\n' ;;
    "completion --values stored") printf 'my own\nmine\n$(touch pwned)\n' ;;
    "completion --values providers") printf 'auto\nfast\n' ;;
esac
"""
"""A program that knows three lists."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the three scripts, the program they ask, a file and a directory."""
    for name, write in SHELLS.items():
        (tmp_path / f"script.{name}").write_text(write(PROGRAM, COMMANDS), encoding="utf-8")
    shells.install(tmp_path, ANSWERS)
    (tmp_path / "a talk.wav").touch()
    (tmp_path / "out here").mkdir()
    return tmp_path


def lines(name: str, folder: Path, text: str) -> list[str]:
    """Run a script that must not complain; return its lines in order."""
    done = shells.script(name, folder, text)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert not (folder / "pwned").exists()
    return sorted(done.stdout.splitlines())


def complete_in_bash(folder: Path, *words: str, function: str = "_echocli") -> list[str]:
    line = " ".join(f"'{word}'" for word in words)
    return lines(
        "bash",
        folder,
        f"source script.bash; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; {function};"
        '((${#COMPREPLY[@]})) && printf "%s\\n" "${COMPREPLY[@]}"; true',
    )


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["tr"], ["transcribe"]),
        (["--v"], ["--version"]),
        (["transcribe", "--col"], ["--colour"]),
        (["transcribe", "--colour", ""], ["green", "greyish", "red"]),
        (["transcribe", "--colour", "=", "gree"], ["green"]),
        (["transcribe", "--colour", "="], ["green", "greyish", "red"]),
        (["transcribe", "--model", ""], ["base", "small.en", "tiny"]),
        (["transcribe", "--model", "=", "ti"], ["tiny"]),
        (["transcribe", "--model", "./"], []),
        (["transcribe", "-p", "f"], ["fast"]),
        (["transcribe", "-o", "o"], ["out here"]),
        (["transcribe", "--threads", ""], []),
        (["transcribe", ""], []),
        (["transcribe", "models", "--col"], ["--colour"]),
        (["a talk.wav", "--col"], ["--colour"]),
        (["shell-init", "z"], ["zsh"]),
        (["models", ""], ["list", "pull", "rm"]),
        (["models", "--"], ["--help"]),
        (["models", "list", "--l"], ["--long"]),
        (["models", "list", "--sort", ""], ["by", "up"]),
        (["models", "pull", ""], ["alto", "bass"]),
        (["models", "rm", "m"], ["mine", r"my\ own"]),
        (["models", "rm", r"my\ "], [r"my\ own"]),
        (["models", "rm", ""], [r"\$\(touch\ pwned\)", "mine", r"my\ own"]),
    ],
    ids=lambda words: " ".join(words),
)
def test_bash_offers_what_fits(folder: Path, words: list[str], offered: list[str]) -> None:
    assert complete_in_bash(folder, "echocli", *words) == offered


@pytest.mark.parametrize("separators", ["':'", "''", "','"])
def test_bash_splits_as_it_should_whatever_the_shell_splits_at(
    folder: Path, separators: str
) -> None:
    def offered(*words: str, function: str = "_echocli") -> list[str]:
        return complete_in_bash(folder, *words, function=f"IFS={separators}; {function}")

    assert offered("echocli", "transcribe", "--colour", "gre") == ["green", "greyish"]
    assert offered("echocli", "models", "") == ["list", "pull", "rm"]
    assert offered("echocli", "models", "rm", "m") == ["mine", r"my\ own"]
    function = "echo() { :; }; _echocli_function"
    assert offered("echo", "tr", function=function) == ["transcribe"]


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("echocli transcribe -m 'ti", "echocli transcribe -m 'tiny' "),
        ('echocli transcribe -m "ti', 'echocli transcribe -m "tiny" '),
        ("echocli models rm 'my", "echocli models rm 'my own' "),
        ("echocli models rm my", r"echocli models rm my\ own "),
        ("echocli transcribe --colour 'gree", "echocli transcribe --colour 'green' "),
        ("echocli transcribe -o 'ou", "echocli transcribe -o 'out here'/"),
    ],
)
def test_bash_completes_a_line(bash: shells.Terminal, line: str, completed: str) -> None:
    assert bash.press_tab(line) == completed


@pytest.fixture
def bash(folder: Path) -> Iterator[shells.Terminal]:
    """An interactive bash with the script."""
    with shells.terminal("bash", folder) as opened:
        opened.type("source ./script.bash")
        yield opened


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["tr"], ["transcribe"]),
        (["a"], ["a talk.wav"]),
        (["transcribe", "--col"], ["--colour"]),
        (["hello", "tr"], []),
        (["hello", "--col"], []),
        (["--v"], []),
    ],
    ids=lambda words: " ".join(words),
)
def test_bash_offers_what_fits_the_function(
    folder: Path, words: list[str], offered: list[str]
) -> None:
    found = complete_in_bash(folder, "echo", *words, function="echo() { :; }; _echocli_function")
    assert found == offered
    assert complete_in_bash(folder, "echo", *words, function="_echocli_function") == []


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("echocli tr", ["transcribe"]),
        ("echocli a", ["a talk.wav"]),
        ("echocli transcribe --col", ["--colour"]),
        ("echocli transcribe --colour ", ["green", "greyish", "red"]),
        ("echocli transcribe --colour=gre", ["--colour=green", "--colour=greyish"]),
        ("echocli transcribe --model ", ["base", "small.en", "tiny"]),
        ("echocli transcribe --model o", ["out here/"]),
        ("echocli transcribe --model=", ["--model=base", "--model=small.en", "--model=tiny"]),
        ("echocli transcribe --model=ti", ["--model=tiny"]),
        ("echocli transcribe --model=o", ["--model=out here/"]),
        ("echocli transcribe -p f", ["fast"]),
        ("echocli transcribe -o o", ["out here/"]),
        ("echocli transcribe a", ["a talk.wav"]),
        ("echocli transcribe models --col", ["--colour"]),
        ("echocli a.wav --col", ["--colour"]),
        ("echocli shell-init z", ["zsh"]),
        ("echocli models ", ["list", "pull", "rm"]),
        ("echocli models list --l", ["--long"]),
        ("echocli models pull b", ["bass"]),
        ("echocli models rm ", ["$(touch pwned)", "mine", "my own"]),
    ],
)
def test_fish_offers_what_fits(folder: Path, line: str, offered: list[str]) -> None:
    found = lines("fish", folder, f"source script.fish; complete -C '{line}'")
    assert [item.split("\t")[0] for item in found] == offered


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("echocli tr", "echocli transcribe "),
        ("echocli a", r"echocli a\ talk.wav "),
        ("echocli transcribe --col", "echocli transcribe --colour="),
        ("echocli transcribe --colour gree", "echocli transcribe --colour green "),
        ("echocli transcribe --model ti", "echocli transcribe --model tiny "),
        ("echocli transcribe --model o", r"echocli transcribe --model out\ here/"),
        ("echocli transcribe a", r"echocli transcribe a\ talk.wav "),
        ("echocli a.wav --col", "echocli a.wav --colour="),
        ("echocli shell-init z", "echocli shell-init zsh "),
        ("echocli models l", "echocli models list "),
        ("echocli models list --l", "echocli models list --long "),
        ("echocli models pull b", "echocli models pull bass "),
        ("echocli models rm my", r"echocli models rm my\ own "),
        ("echo tr", "echo transcribe "),
        ("echo transcribe --col", "echo transcribe --colour="),
        ("echo hello tr", "echo hello tr"),
        ("hello tr", "hello tr"),
    ],
)
def test_zsh_completes_a_line(zsh: shells.Terminal, line: str, completed: str) -> None:
    assert zsh.press_tab(line) == completed


@pytest.fixture
def zsh(folder: Path) -> Iterator[shells.Terminal]:
    """An interactive zsh with the script, and a function of the name `echo`."""
    with shells.terminal("zsh", folder) as opened:
        opened.type("autoload -U compinit; compinit -u -D; source ./script.zsh")
        opened.type("function echo { builtin echo }; compdef _echocli_function echo")
        yield opened


def test_zsh_names_arguments_as_people_do() -> None:
    asked = command("transcribe", parameter("[FILE...] <list[str]>", kind=Kind.FILE))
    text = SHELLS["zsh"](PROGRAM, (asked,))
    assert "':FILE:_files'" in text


def test_zsh_loads_the_script_from_fpath(folder: Path) -> None:
    (folder / "script.zsh").rename(folder / "_echocli")
    with shells.terminal("zsh", folder) as opened:
        opened.type("fpath=($PWD $fpath); autoload -U compinit; compinit -u -D")
        assert opened.press_tab("echocli tr") == "echocli transcribe "


@pytest.mark.parametrize("name", SHELLS)
def test_every_script_is_accepted_by_its_shell(folder: Path, name: str) -> None:
    assert lines(name, folder, f"{name} -n script.{name}") == []


def test_a_second_sourcing_changes_nothing(folder: Path) -> None:
    again = "source script.fish; source script.fish; complete -C 'echocli tr'"
    assert len(lines("fish", folder, again)) == 1
