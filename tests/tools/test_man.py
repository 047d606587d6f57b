"""Manual pages that groff and man accept, and that have everything the help has."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from echocli.cli.app import group
from echocli.cli.groups import LazyGroup
from echocli.errors import ExitCode
from tools import man
from tools.commands import PROGRAM, Command, read_commands, read_program

pytestmark = pytest.mark.unit

COMMANDS = read_commands()
PAGES = man.pages(read_program(), COMMANDS)
NASTY = "'quoted' .dotted \\fBback\\slash -- --option a-b ~tilde ^hat `code` ``more`` ü … ×"


def rendered(page: str, *options: str) -> str:
    """Return a page as plain text, wide; fail for whatever groff warns about."""
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(
        [groff, "-man", "-Tutf8", "-ww", "-P-cbou", "-rLL=300n", *options],
        input=page,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    assert not done.stderr
    return done.stdout


def _all(commands: tuple[Command, ...]) -> list[Command]:
    return [one for command in commands for one in (command, *_all(command.subcommands))]


@pytest.mark.parametrize("name", PAGES)
class TestPages:
    def test_groff_has_nothing_to_say_about_it(self, name: str) -> None:
        assert rendered(PAGES[name], "-rLL=78n").strip()

    def test_man_has_nothing_to_say_about_it(self, name: str, tmp_path: Path) -> None:
        program = shutil.which("man")
        if program is None:
            pytest.skip("man is not installed")
        (tmp_path / name).write_text(PAGES[name], encoding="utf-8")
        done = subprocess.run(
            [program, "--warnings", "-l", tmp_path / name],
            capture_output=True,
            check=True,
            timeout=60,
            env={"PATH": "/usr/bin:/bin", "MANPAGER": "cat", "LC_ALL": "C.UTF-8"},
        )
        assert not done.stderr
        assert b"NAME" in done.stdout

    def test_it_is_plain_ascii_and_says_who_made_it(self, name: str) -> None:
        assert PAGES[name].isascii()
        assert PAGES[name].startswith('.\\" Written by tools/generate.py')


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_page_has_every_option_of_its_command(command: Command) -> None:
    text = rendered(PAGES[f"{PROGRAM}-{command.name}.1"])
    for one in _all((command,)):
        assert f"{PROGRAM} {one.name}" in text
        for option in one.options:
            assert re.search(rf"^ +{re.escape(option.label)}( |$)", text, re.MULTILINE)
            assert " ".join(option.help.split()) in " ".join(text.split())


def test_the_page_of_the_program_has_commands_codes_variables_and_files() -> None:
    text = rendered(PAGES[f"{PROGRAM}.1"])
    for command in COMMANDS:
        assert f"{PROGRAM}-{command.name}(1)" in text
    for code in ExitCode:
        assert re.search(rf"^ +{code.value}( |$)", text, re.MULTILINE)
    for name in ("ECHOCLI_MODEL", "ECHOCLI_CONFIG_DIR", "NO_COLOR", "config.toml"):
        assert name in text


def test_text_comes_out_as_it_went_in() -> None:
    page = f".TH X 1\n.SH NAME\nx \\- y\n.SH DESCRIPTION\n{man._roff(NASTY)}\n"
    said = " ".join(rendered(page).split())
    assert NASTY.replace("`code` ``more``", "code more") in said


def test_no_line_begins_with_a_control_character_by_chance() -> None:
    words = " ".join([".word"] * 60 + ["'word"] * 60)
    for line in man._roff(words).splitlines():
        assert not line.startswith((".", "'"))


EXAMPLES = [typed for examples in man.EXAMPLES.values() for typed, _ in examples]


@pytest.mark.parametrize("typed", EXAMPLES)
def test_an_example_is_a_command_line_the_program_takes(typed: str) -> None:
    (ours,) = (part for part in typed.split("|") if part.split()[0] == PROGRAM)
    _, *words = shlex.split(ours)
    parser: Any = group()
    while isinstance(parser, LazyGroup):
        context = parser.make_context(parser.name, words[:1], resilient_parsing=True)
        _, parser, words = parser.resolve_command(context, words)
    parser.make_context(parser.name, words)
