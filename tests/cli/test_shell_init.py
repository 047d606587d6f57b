"""The `echo` function, typed into real shells at real terminals."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from echocli.cli.app import COMMANDS
from tests import shells
from tests.conftest import RunEchocli
from tests.shells import DEFINE, REMOVE, SHELLS, Terminal

pytestmark = pytest.mark.unit

OpenTerminal: TypeAlias = Callable[..., Terminal]


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[OpenTerminal]:
    """Return ``open(shell, options=None) -> Terminal``, with ``echocli`` on the path."""
    shells.install(tmp_path)
    with ExitStack() as stack:
        yield lambda name, options=None: stack.enter_context(
            shells.terminal(name, tmp_path, options)
        )


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, open_terminal: OpenTerminal) -> Terminal:
    """Return each shell with the function defined."""
    name: str = request.param
    opened = open_terminal(name)
    assert opened.type(DEFINE[name]) == 0
    return opened


def with_options(name: str, options: str) -> str:
    """Return the line that defines the function with more options."""
    return DEFINE[name].replace(f"shell-init {name}", f"shell-init {name} {options}")


def function_of(name: str, called: str, body: str) -> str:
    """Return a line that defines a function."""
    return (
        f"function {called}; {body}; end" if name == "fish" else f"function {called} {{ {body}; }}"
    )


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
    (terminal.folder / "samples").symlink_to(samples)
    text = terminal.output("echo transcribe samples/meeting.flac")
    assert text.startswith("Good morning")


def test_a_command_substitution_is_the_builtin(terminal: Terminal) -> None:
    inner = "(echo live)" if terminal.name == "fish" else "$(echo live)"
    assert terminal.output(f"printf '<%s>' {inner}") == "<live>"


def test_a_function_that_echoes_is_left_alone(terminal: Terminal) -> None:
    terminal.type(function_of(terminal.name, "f", "echo detect"))
    assert terminal.output("f") == "detect\n"


def test_a_sourced_file_is_left_alone(terminal: Terminal) -> None:
    (terminal.folder / "file.sh").write_text("echo detect\n")
    assert terminal.output("source ./file.sh") == "detect\n"


def test_a_script_is_left_alone_even_if_it_defines_the_function(terminal: Terminal) -> None:
    (terminal.folder / "file.sh").write_text(f"{DEFINE[terminal.name]}\necho detect\n")
    assert terminal.output(f"{terminal.name} file.sh") == "detect\n"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_programs_that_call_echo_are_left_alone(terminal: Terminal) -> None:
    (terminal.folder / "Makefile").write_text("all:\n\t@echo detect && echo live; echo bench\n")
    assert terminal.output("make") == "detect\nlive\nbench\n"
    assert terminal.output("printf 'live\\n' | xargs echo") == "live\n"
    assert terminal.output("find Makefile -exec echo detect '{}' ';'") == "detect Makefile\n"
    assert terminal.output("env echo detect") == "detect\n"


PROMPTS = {
    "bash": ["f() { echo live >>heard; }", "PROMPT_COMMAND='f; echo detect >>heard'"],
    "zsh": ["precmd() { echo live >>heard; echo detect >>heard }"],
    "fish": ["function fish_prompt; echo live >>heard; echo detect >>heard; end"],
}


@pytest.mark.parametrize(
    "line", ["echo  live >>heard", "echo 'live' >>heard", r'echo \t "live" >>heard']
)
def test_a_prompt_command_of_bash_may_quote_and_space_its_words(
    open_terminal: OpenTerminal, line: str
) -> None:
    bash = open_terminal("bash")
    bash.type(DEFINE["bash"])
    (bash.folder / "line").write_text(line.replace(r"\t", "\t"), encoding="utf-8")
    bash.type("PROMPT_COMMAND=$(<line)")
    bash.type("true")
    assert set((bash.folder / "heard").read_text().split()) == {"live"}
    assert "This machine" in bash.output("echo detect")


def test_words_that_a_typed_line_expands_to_count_too_and_printf_prints_them(
    terminal: Terminal,
) -> None:
    loop = {"fish": "for x in detect; {}; end"}.get(terminal.name, "for x in detect; do {}; done")
    assert "This machine" in terminal.output(loop.format("echo $x"))
    assert terminal.output(loop.format("printf '%s\\n' $x")) == "detect\n"
    assert terminal.output(loop.format("builtin echo $x")) == "detect\n"


def test_a_prompt_that_echoes_is_left_alone(terminal: Terminal) -> None:
    for line in PROMPTS[terminal.name]:
        terminal.type(line)
    terminal.type("true")
    heard = (terminal.folder / "heard").read_text().split()
    assert set(heard) == {"live", "detect"}


def test_before_a_pipe_it_is_the_builtin_but_in_fish(terminal: Terminal) -> None:
    text = terminal.output("echo detect | cat")
    if terminal.name == "fish":  # which runs functions of a pipeline in the shell itself
        assert "This machine" in text
    else:
        assert text == "detect\n"
        assert terminal.output("(echo detect)") == "detect\n"


def test_behind_a_pipe_it_is_the_builtin_in_bash_alone(terminal: Terminal) -> None:
    text = terminal.output("printf '' | echo detect")
    assert (text == "detect\n") is (terminal.name == "bash")
    assert ("This machine" in text) is (terminal.name != "bash")


def test_the_builtin_is_one_word_away(terminal: Terminal) -> None:
    assert terminal.output("builtin echo detect") == "detect\n"


def test_it_can_be_removed(terminal: Terminal) -> None:
    assert terminal.type(REMOVE[terminal.name]) == 0
    assert terminal.output("echo detect") == "detect\n"


@pytest.mark.parametrize("name", SHELLS)
def test_with_scripts_it_acts_in_functions_files_and_scripts(
    open_terminal: OpenTerminal, name: str
) -> None:
    shell = open_terminal(name)
    shell.type(with_options(name, "--scripts"))
    shell.type(function_of(name, "f", "echo detect"))
    assert "This machine" in shell.output("f")
    assert shell.output("echo hello; builtin echo detect") == "detect\n"
    (shell.folder / "file.sh").write_text(
        f"{with_options(name, '--scripts')}\necho detect\necho hello\n"
    )
    heard = shell.output(f"{name} file.sh")
    assert "This machine" in heard
    assert heard.endswith("hello\n")


@pytest.mark.parametrize("name", SHELLS)
def test_another_name_is_echocli_where_it_is_nothing_else(
    open_terminal: OpenTerminal, name: str
) -> None:
    shell = open_terminal(name)
    shell.type(with_options(name, "--cmd hark-to"))
    assert "This machine" in shell.output("hark-to detect")
    assert shell.output("hark-to --version").startswith("echocli ")
    assert shell.output("echo detect") == "detect\n"


@pytest.mark.parametrize("name", SHELLS)
def test_another_name_keeps_its_program_and_its_builtin(
    open_terminal: OpenTerminal, name: str
) -> None:
    shell = open_terminal(name)
    shells.install(shell.folder).with_name("hark").write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    (shell.folder / "bin" / "hark").chmod(0o755)
    shell.type(with_options(name, "--cmd hark"))
    assert shell.output("hark --version 'a  b'") == "<--version><a  b>"
    assert "This machine" in shell.output("hark detect")
    shell.type(function_of(name, "f", "hark detect"))
    assert shell.output("f") == "<detect>"
    shell.type(with_options(name, "--cmd printf"))
    assert shell.output("printf '%s-%s' a b") == "a-b"


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
    shell.type("unalias echo; alias hear='echo detect'")
    assert "This machine" in shell.output("hear")


def test_bash_never_exports_it(open_terminal: OpenTerminal) -> None:
    bash = open_terminal("bash")
    bash.type("set -a")
    assert bash.type(DEFINE["bash"]) == 0
    assert bash.output("env | grep -c -e BASH_FUNC_echo -e BASH_FUNC__echocli") == "0\n"
    assert bash.output("bash -ic 'type -t echo' 2>/dev/null") == "builtin\n"


def test_a_startup_file_that_echoes_is_left_alone(
    open_terminal: OpenTerminal, tmp_path: Path
) -> None:
    (tmp_path / "rc").write_text(f"{DEFINE['bash']}\necho detect >from-rc\n")
    bash = open_terminal("bash", ("--rcfile", "rc", "-i"))
    assert "This machine" in bash.output("echo detect")
    assert (tmp_path / "from-rc").read_text() == "detect\n"


@pytest.mark.parametrize("options", [(), ("--scripts",), ("--cmd", "hark")])
def test_the_list_is_that_of_the_program(run_echocli: RunEchocli, options: tuple[str, ...]) -> None:
    for name in SHELLS:
        text = run_echocli("shell-init", name, *options).stdout
        assert all(re.search(rf"(^|[ |]){command}([ |)]|$)", text, re.M) for command in COMMANDS)
        assert "@" not in text.replace("[@]", "").replace('"$@"', "")


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


@pytest.mark.parametrize("name", ["", "two words", "-n", "a;b", "$(id)", "while", "echocli", "ö"])
def test_a_name_that_is_no_name_is_a_usage_error(run_echocli: RunEchocli, name: str) -> None:
    done = run_echocli("shell-init", "bash", f"--cmd={name}")
    assert (done.code, done.stdout) == (2, "")
    assert "cannot be the name of the function" in done.stderr
