"""Every code block of every page does what it says: it runs, or it can be read."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

import pytest

from echocli.cli.app import run
from echocli.config import Settings
from echocli.environment import Environment
from tests.docs.pages import PARSED, ROOT, RUN, SHOWN, Block, all_blocks, blocks_of, pages
from tests.docs.scratch import Microphone, Scratch, Server, commands_of, missing, problems

pytestmark = pytest.mark.unit

BLOCKS = all_blocks()
SHELL = ("sh", "console")
README = "README.md"
"""What it types into a shell is in ``tests/test_docs.py``."""
LEFT_OUT = [block for block in BLOCKS if block.mark("not run")]


@pytest.fixture(scope="module")
def microphone() -> Iterator[Microphone]:
    """Return a microphone for the pages that need one."""
    with ExitStack() as stack:
        yield Microphone(stack)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server for the pages that need one."""
    with ExitStack() as stack:
        yield Server(stack, tmp_path_factory.mktemp("server"))


def with_blocks(languages: Iterable[str]) -> list[str]:
    """Return the pages that have blocks to be run in one of these languages."""
    names = {block.page: None for block in BLOCKS if block.language in languages}
    return [name for name in names if list(to_run(name, languages))]


def to_run(page: str, languages: Iterable[str]) -> Iterator[Block]:
    """Yield the blocks of a page that can be run, and the configuration they are run with."""
    for block in BLOCKS:
        wanted = block.language in languages or block.mark("in force below") is not None
        if block.page == page and wanted and block.mark("not run") is None:
            yield block


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.usefixtures("tiny_model")
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("page", [p for p in with_blocks(SHELL) if p != README])
def test_what_a_page_types_into_a_shell_works(
    page: str, tmp_path: Path, microphone: Microphone, server: Server
) -> None:
    scratch = Scratch(tmp_path / "scratch")
    blocks = list(to_run(page, SHELL))
    lacking = sorted({name for block in blocks if (name := missing(block))})
    wrong: list[str] = []
    for block in blocks:
        if missing(block) is None:
            scratch.more = microphone.variables(block) | server.variables
            wrong += problems(server.answering(block), scratch)
    assert not wrong, "\n".join(wrong)
    if lacking:
        pytest.skip(f"not installed: {', '.join(lacking)}; the other blocks of {page} ran")


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.usefixtures("tiny_model")
@pytest.mark.parametrize("page", with_blocks(("python",)))
def test_the_python_of_a_page_runs_from_top_to_bottom(
    page: str, tmp_path: Path, server: Server
) -> None:
    """It is one program, each block on its lines of the page, so that a traceback names them."""
    scratch = Scratch(tmp_path / "scratch")
    scratch.more = server.variables
    program = ""
    for block in to_run(page, ("python",)):
        if block.language == "python":
            text = server.answering(block).text
            program += "\n" * (block.line - 1 - program.count("\n")) + text
    (scratch.folder / "page.py").write_text(program, encoding="utf-8")
    ran = scratch.run(sys.executable, "page.py")
    assert ran.code == 0, ran.output


@pytest.mark.parametrize("block", LEFT_OUT, ids=lambda block: block.name)
def test_what_is_left_out_has_options_that_exist_and_says_why(
    block: Block, capsys: pytest.CaptureFixture[str]
) -> None:
    if block.language == "python":
        compile(block.text, block.name, "exec")
    for words in program_calls(block):
        # Options are read before help is given, so one that is unknown is an error.
        assert run([*words, "--help"], Environment()) == 0, capsys.readouterr().err
    pytest.skip(f"not run: {block.mark('not run')}")


def program_calls(block: Block) -> Iterator[list[str]]:
    """Yield the arguments of each run of the program in a block, if it is one of shell."""
    if block.language not in SHELL:
        return
    commands = [command for command, _ in commands_of(block.text)]
    for line in commands or block.text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        for between, words in groupby(lexer, lambda word: set(word) <= set("();<>|&$")):
            call = list(words)
            if not between and "echocli" in call:
                yield call[call.index("echocli") + 1 :]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_has_a_language_the_tests_know(page: Path) -> None:
    for block in blocks_of(page):
        assert block.language in (*RUN, *PARSED, *SHOWN), block.name


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language in PARSED], ids=lambda block: block.name
)
def test_what_a_page_writes_as_data_can_be_read(block: Block) -> None:
    if block.language == "jsonl":
        for line in block.text.splitlines():
            json.loads(line)
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "yaml":
        assert pytest.importorskip("yaml").safe_load(block.text) is not None
    else:
        tomllib.loads(block.text)


def settings_blocks() -> list[Block]:
    """Return the blocks that are a configuration file, and not another one in TOML."""
    found = [block for block in BLOCKS if block.language == "toml"]
    return [block for block in found if "project" not in tomllib.loads(block.text)]


@pytest.mark.parametrize("block", settings_blocks(), ids=lambda block: block.name)
def test_what_a_page_writes_as_configuration_is_accepted(block: Block, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(block.text, encoding="utf-8")
    env = Environment(environ={"ECHOCLI_CONFIG_DIR": str(tmp_path)})
    for profile in (None, *tomllib.loads(block.text).get("profile", {})):
        Settings(env, profile=profile).choose({})
