"""The `echo` function, typed into real shells at a real terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from echocli.cli.app import COMMANDS
from tests.conftest import RunEchocli, clean_environment

pytestmark = pytest.mark.unit

SHELLS = ("bash", "zsh", "fish")
BARE = {
    "bash": ("--norc", "--noprofile", "-i"),
    "zsh": ("-f", "-i"),
    "fish": ("--no-config", "-i"),
}
DEFINE = {
    "bash": 'eval "$(echocli shell-init bash)"',
    "zsh": 'eval "$(echocli shell-init zsh)"',
    "fish": "echocli shell-init fish | source",
}
REMOVE = {"bash": "unset -f echo", "zsh": "unset -f echo", "fish": "functions -e echo"}
CONTROL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Take the terminal as the controlling one, as a terminal emulator does, then become the shell."""
PATIENCE = 60.0


class Terminal:
    """An interactive shell and the terminal it runs in."""

    def __init__(self, name: str, folder: Path, options: tuple[str, ...]) -> None:
        self.name = name
        self.folder = folder
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", CONTROL, name, *options],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            cwd=folder,
            env=clean_environment(folder)
            | {
                "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(folder),
                "TERM": "dumb",
            },
        )
        os.close(slave)

    def type(self, line: str) -> int:
        """Type a line and wait for its end; its exit status."""
        status = "$status" if self.name == "fish" else "$?"
        # The line is shown while it is typed: only printing joins the word.
        os.write(self._master, f"{line}; printf '%s%s %s.\\n' DO NE {status}\r".encode())
        seen = b""
        deadline = time.monotonic() + PATIENCE
        while (found := re.search(rb"DONE (\d+)\.", seen)) is None:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._master], [], [], left)
            assert ready, seen.decode(errors="replace")
            seen += os.read(self._master, 4096)
        return int(found[1])

    def output(self, line: str) -> str:
        """Return what a line writes; its end goes to a file, as with any ``> out``."""
        self.type(f"{line} >out")
        return (self.folder / "out").read_text(encoding="utf-8")

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._master)


OpenTerminal: TypeAlias = Callable[..., Terminal]


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[OpenTerminal]:
    """Return ``open(shell, options=BARE) -> Terminal``, with ``echocli`` on the path."""
    program = tmp_path / "bin" / "echocli"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m echocli "$@"\n')
    program.chmod(0o755)
    opened: list[Terminal] = []

    def open_one(name: str, options: tuple[str, ...] | None = None) -> Terminal:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
        opened.append(Terminal(name, tmp_path, options or BARE[name]))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.close()


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, open_terminal: OpenTerminal) -> Terminal:
    """Return each shell with the function defined."""
    name: str = request.param
    opened = open_terminal(name)
    assert opened.type(DEFINE[name]) == 0
    return opened


def test_other_words_are_the_builtins(terminal: Terminal) -> None:
    assert terminal.output("echo hello") == "hello\n"
    assert terminal.output("echo -n x") == "x"
    assert terminal.output(r"echo -e 'a\tb'") == "a\tb\n"
    assert terminal.output("echo") == "\n"
    assert terminal.output("echo ''") == "\n"
    assert terminal.output("echo 'detect this' and detect '*'") == "detect this and detect *\n"
    assert terminal.output("echo -n detect") == "detect"
    assert terminal.output("echo detecting") == "detecting\n"


def test_a_subcommand_at_the_prompt_runs_echocli(terminal: Terminal) -> None:
    assert "This machine" in terminal.output("echo detect")
    assert '"tier"' in terminal.output("echo detect --json")


def test_a_subcommand_without_the_words_it_needs_is_a_usage_error(terminal: Terminal) -> None:
    assert terminal.type("echo transcribe") == 2


def test_words_and_exit_code_pass_through(terminal: Terminal) -> None:
    assert terminal.type("echo transcribe 'no such  file.wav' 2>err") == 3
    assert "no such  file.wav: no such file" in (terminal.folder / "err").read_text()


@pytest.mark.model
def test_a_recording_is_transcribed(terminal: Terminal, tiny_model: Path, samples: Path) -> None:
    text = terminal.output(f"echo transcribe '{samples / 'meeting.flac'}'")
    assert text.startswith("Good morning")


def test_a_command_substitution_is_the_builtin(terminal: Terminal) -> None:
    inner = "(echo detect)" if terminal.name == "fish" else "$(echo detect)"
    assert terminal.output(f"printf '<%s>' {inner}") == "<detect>"


def test_a_function_that_echoes_is_left_alone(terminal: Terminal) -> None:
    body = "function f; echo detect; end" if terminal.name == "fish" else "f() { echo detect; }"
    terminal.type(body)
    assert terminal.output("f") == "detect\n"


def test_a_sourced_file_is_left_alone(terminal: Terminal) -> None:
    (terminal.folder / "file.sh").write_text("echo detect\n")
    assert terminal.output("source ./file.sh") == "detect\n"


def test_a_script_is_left_alone_even_if_it_defines_the_function(terminal: Terminal) -> None:
    (terminal.folder / "file.sh").write_text(f"{DEFINE[terminal.name]}\necho detect\n")
    assert terminal.output(f"{terminal.name} file.sh") == "detect\n"


def test_a_pipe_is_the_builtin_where_it_is_a_subshell(terminal: Terminal) -> None:
    text = terminal.output("echo detect | cat")
    if terminal.name == "fish":  # which runs functions of a pipeline in the shell itself
        assert "This machine" in text
    else:
        assert text == "detect\n"
        assert terminal.output("(echo detect)") == "detect\n"


def test_the_builtin_is_one_word_away(terminal: Terminal) -> None:
    assert terminal.output("builtin echo detect") == "detect\n"


def test_it_can_be_removed(terminal: Terminal) -> None:
    assert terminal.type(REMOVE[terminal.name]) == 0
    assert terminal.output("echo detect") == "detect\n"


@pytest.mark.parametrize(
    ("name", "options"), [("bash", "set -u"), ("zsh", "set -u; setopt ksh_arrays")]
)
def test_strict_options_do_not_break_it(
    open_terminal: OpenTerminal, name: str, options: str
) -> None:
    shell = open_terminal(name)
    shell.type(f"{DEFINE[name]}; {options}")
    assert shell.output("echo") == "\n"
    assert "This machine" in shell.output("echo detect")


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_an_alias_of_the_same_name_does_not_break_the_definition(
    open_terminal: OpenTerminal, name: str
) -> None:
    shell = open_terminal(name)
    shell.type("alias echo='echo -n'")
    assert shell.type(DEFINE[name]) == 0
    assert shell.output("echo x") == "x"


def test_bash_never_exports_it(open_terminal: OpenTerminal) -> None:
    bash = open_terminal("bash")
    bash.type("set -a")
    assert bash.type(DEFINE["bash"]) == 0
    assert bash.output("env | grep -c BASH_FUNC_echo") == "0\n"
    assert bash.output("bash -ic 'type -t echo' 2>/dev/null") == "builtin\n"


def test_a_startup_file_that_echoes_is_left_alone(
    open_terminal: OpenTerminal, tmp_path: Path
) -> None:
    (tmp_path / "rc").write_text(f"{DEFINE['bash']}\necho detect >from-rc\n")
    bash = open_terminal("bash", ("--rcfile", "rc", "-i"))
    assert "This machine" in bash.output("echo detect")
    assert (tmp_path / "from-rc").read_text() == "detect\n"


def test_the_list_is_that_of_the_program(run_echocli: RunEchocli) -> None:
    for name in SHELLS:
        text = run_echocli("shell-init", name).stdout
        assert all(re.search(rf"(^|[ |]){command}([ |)]|$)", text, re.M) for command in COMMANDS)


def test_an_unknown_shell_is_a_usage_error(run_echocli: RunEchocli) -> None:
    done = run_echocli("shell-init", "tcsh")
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr == (
        "echocli: error: Invalid value for 'SHELL': "
        "'tcsh' is not one of 'bash', 'zsh', 'fish'.\n  see: echocli shell-init --help\n"
    )


def test_no_shell_is_a_usage_error(run_echocli: RunEchocli) -> None:
    done = run_echocli("shell-init")
    assert done.code == 2
    assert "Choose from: bash, zsh, fish" in done.stderr
