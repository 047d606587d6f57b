"""Pages and completions made from commands; the scripts run in the shells that are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import clean_environment
from tools import generate, reference
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the three scripts, a file and a directory to complete."""
    for shell, write in SHELLS.items():
        (tmp_path / f"script.{shell}").write_text(write(PROGRAM, COMMANDS))
    (tmp_path / "a talk.wav").touch()
    (tmp_path / "out here").mkdir()
    return tmp_path


def shell(name: str, folder: Path, script: str) -> list[str]:
    """Run a script in a shell without anybody's settings; return its lines."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    plain = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[name]
    done = subprocess.run(
        [program, *plain, "-c", script],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return sorted(done.stdout.splitlines())


def complete_in_bash(folder: Path, *words: str) -> list[str]:
    line = " ".join(f"'{word}'" for word in words)
    return shell(
        "bash",
        folder,
        f"source script.bash; COMP_WORDS=(echocli {line}); COMP_CWORD={len(words)}; _echocli;"
        '((${#COMPREPLY[@]})) && printf "%s\\n" "${COMPREPLY[@]}"; true',
    )


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["sp"], ["speak"]),
        (["--v"], ["--version"]),
        (["speak", "--mo"], ["--model"]),
        (["speak", "--model", ""], ["base", "small.en", "tiny"]),
        (["speak", "--model", "=", "ti"], ["tiny"]),
        (["speak", "--model", "="], ["base", "small.en", "tiny"]),
        (["speak", "-o", ""], ["out here"]),
        (["speak", "--threads", ""], []),
        (["speak", ""], []),
        (["shell-init", "z"], ["zsh"]),
        (["voices", ""], ["list", "speak"]),
        (["voices", "--"], ["--help"]),
        (["voices", "list", "--l"], ["--long"]),
        (["voices", "list", "--sort", ""], ["by", "up"]),
        (["voices", "speak", ""], ["alto", "bass"]),
        (["speak", "voices", "--mo"], ["--model"]),
    ],
    ids=lambda words: " ".join(words),
)
def test_bash_offers_what_fits(folder: Path, words: list[str], offered: list[str]) -> None:
    assert complete_in_bash(folder, *words) == offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("echocli sp", ["speak"]),
        ("echocli speak --mo", ["--model"]),
        ("echocli speak --model ", ["base", "small.en", "tiny"]),
        ("echocli speak -o ", ["out here/"]),
        ("echocli speak a", ["a talk.wav"]),
        ("echocli shell-init z", ["zsh"]),
        ("echocli voices ", ["list", "speak"]),
        ("echocli voices list --l", ["--long"]),
        ("echocli voices speak b", ["bass"]),
    ],
)
def test_fish_offers_what_fits(folder: Path, line: str, offered: list[str]) -> None:
    lines = shell("fish", folder, f"source script.fish; complete -C '{line}'")
    assert [item.split("\t")[0] for item in lines] == offered


ZSH_TERMINAL = r"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PROMPT=; autoload -U compinit; compinit -u -D; source ./script.zsh'
zpty -w z 'show() { zle complete-word; print -r -- "$BUFFER" >typed; print ANSWER""ED }'
zpty -w z 'zle -N show; bindkey "^X" show; print READ""Y'
zpty -r z out '*READY*'
zpty -w -n z $'LINE\x18'
zpty -r z out '*ANSWERED*'
cat typed
"""
"""Types LINE into an interactive zsh, completes it there and shows what the line became."""


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("echocli sp", "echocli speak "),
        ("echocli speak --mo", "echocli speak --model="),
        ("echocli speak --model ti", "echocli speak --model tiny "),
        ("echocli speak a", r"echocli speak a\ talk.wav "),
        ("echocli shell-init z", "echocli shell-init zsh "),
        ("echocli voices l", "echocli voices list "),
        ("echocli voices list --l", "echocli voices list --long "),
        ("echocli voices speak b", "echocli voices speak bass "),
    ],
)
def test_zsh_completes_a_line(folder: Path, line: str, completed: str) -> None:
    typed = shell("zsh", folder, ZSH_TERMINAL.replace("LINE", line))
    assert typed == [completed]


def test_every_script_is_accepted_by_its_shell(folder: Path) -> None:
    assert shell("bash", folder, "bash -n script.bash") == []


def test_a_summary_is_one_sentence_without_the_default() -> None:
    assert COMMANDS[0].options[2].summary == "It's [1:4] wide"


def test_a_page_has_every_option_and_escapes_bars() -> None:
    text = reference.page(COMMANDS[0])
    assert "| `--vad, --no-vad` | Do it. |" in text
    assert r"a \| b" in reference._cell("a | b")


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
