"""What the README promises is true: its examples run, and its tables agree with the program."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from echocli.cli.app import COMMANDS
from echocli.errors import ExitCode
from tests.conftest import ROOT
from tests.docs.pages import Block, blocks_of
from tests.docs.scratch import Microphone, Ran, Scratch, missing

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [
    block
    for block in blocks_of(ROOT / "README.md")
    if block.language == "sh" and block.mark("not run") is None
]
PROMPT = next(block for block in BLOCKS if block.mark("pasted at a prompt") is not None)


class Examples:
    """All examples of a shell, run in one folder from the first to the last."""

    def __init__(self, folder: Path) -> None:
        self.scratch = Scratch(folder)
        self._ran: dict[str, Ran] = {}
        self.typed: list[str] = []
        """What reached the program from the prompt."""
        with ExitStack() as stack:
            microphone = Microphone(stack)
            for block in BLOCKS:
                if missing(block) is None:
                    self.scratch.more = microphone.variables(block)
                    self._run(block)

    def __getitem__(self, text: str) -> Ran:
        """Return how the only example went that has this text."""
        (found,) = (ran for shown, ran in self._ran.items() if text in shown)
        return found

    def _run(self, block: Block) -> None:
        before = len(self.scratch.called())
        if block is PROMPT:
            self._ran[block.text] = self.scratch.prompt(block.text)
            self.typed = self.scratch.called()[before:]
        else:
            self._ran[block.text] = self.scratch.shell(f"exec 2>>errors\n{block.text}")
        assert self._ran[block.text].code == 0, (block.name, self._ran[block.text])


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """Return the examples after they ran, once for all tests that look at them."""
    return Examples(tmp_path_factory.mktemp("readme") / "scratch")


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.usefixtures("tiny_model")
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
class TestExamples:
    def test_the_first_prints_the_words(self, examples: Examples, samples: Path) -> None:
        text = (samples / "meeting.ref.txt").read_text(encoding="utf-8")
        assert _words(examples["# text of a file"].output) == _words(text)

    @pytest.mark.parametrize("name", ["meeting", "pauses"])
    def test_the_second_writes_subtitles(self, examples: Examples, name: str) -> None:
        written = examples.scratch.folder / "subtitles" / f"{name}.srt"
        assert " --> " in written.read_text(encoding="utf-8")

    def test_the_third_counts_words(self, examples: Examples, samples: Path) -> None:
        text = (samples / "meeting.ref.txt").read_text(encoding="utf-8")
        assert int(examples["# a pipe in"].output) == len(text.split())

    def test_what_is_typed_after_the_eval_line_reaches_the_program(
        self, examples: Examples
    ) -> None:
        assert "Good morning, and thank you" in examples["eval"].output
        first, *typed = examples.typed
        assert first == "shell-init bash"
        assert typed == ["transcribe meeting.wav", "live --mic", "detect"]


@pytest.mark.unit
def test_the_readme_lists_only_commands_that_exist() -> None:
    """It shows the main ones; the reference, which is generated, has all."""
    listed = re.findall(r"^\| `echocli ([a-z-]+)", README, re.MULTILINE)
    assert {"transcribe", "live", "detect", "bench"} <= set(listed) <= set(COMMANDS)


@pytest.mark.unit
def test_the_readme_lists_every_exit_code() -> None:
    listed = re.findall(r"^\| (\d+) \|", README, re.MULTILINE)
    assert listed == [str(code.value) for code in ExitCode]


@pytest.mark.unit
def test_the_index_of_the_pages_has_them_all() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "guides").glob("*.md")]
    for page in pages:
        name = page.relative_to(ROOT / "docs").as_posix()
        assert name == "README.md" or f"({name})" in index, name


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())
