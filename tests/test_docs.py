"""What the pages promise is true: examples run, links lead somewhere, exit codes agree."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from echocli.cli.app import COMMANDS
from echocli.errors import ExitCode
from tests.conftest import ROOT, clean_environment

README = (ROOT / "README.md").read_text(encoding="utf-8")
RUNNABLE = re.compile(r"<!-- runnable -->\n```sh\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")
EXAMPLES = RUNNABLE.findall(README)


def pages() -> Iterator[Path]:
    """Yield every page written for people."""
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md"):
        yield from sorted(ROOT.glob(pattern))


def run_example(example: str, folder: Path) -> str:
    """Run an example as pasted into a shell, in a folder with the samples; return its stdout."""
    program = folder / "bin" / "echocli"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m echocli "$@"\n')
    program.chmod(0o755)
    (folder / "samples").symlink_to(ROOT / "samples")
    environment = clean_environment(folder)
    path = f"{program.parent}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example],
        cwd=folder,
        env=environment | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.model
@pytest.mark.usefixtures("tiny_model")
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
class TestExamples:
    def test_the_first_prints_the_words(self, tmp_path: Path, samples: Path) -> None:
        heard = run_example(EXAMPLES[0], tmp_path)
        text = (samples / "meeting.ref.txt").read_text(encoding="utf-8")
        assert _words(heard) == _words(text)

    def test_the_second_writes_subtitles(self, tmp_path: Path) -> None:
        assert run_example(EXAMPLES[1], tmp_path) == ""
        for name in ("meeting", "pauses"):
            assert " --> " in (tmp_path / "subtitles" / f"{name}.srt").read_text(encoding="utf-8")

    def test_the_third_counts_words(self, tmp_path: Path, samples: Path) -> None:
        text = (samples / "meeting.ref.txt").read_text(encoding="utf-8")
        assert int(run_example(EXAMPLES[2], tmp_path)) == len(text.split())


@pytest.mark.unit
def test_every_example_has_a_test() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.unit
@pytest.mark.parametrize("page", list(pages()), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.unit
def test_the_readme_lists_only_commands_that_exist() -> None:
    """It shows the main ones; the reference, which is generated, has all."""
    listed = re.findall(r"^\| `echocli ([a-z-]+)", README, re.MULTILINE)
    assert {"transcribe", "detect", "bench"} <= set(listed) <= set(COMMANDS)


@pytest.mark.unit
def test_the_readme_lists_every_exit_code() -> None:
    listed = re.findall(r"^\| (\d+) \|", README, re.MULTILINE)
    assert listed == [str(code.value) for code in ExitCode]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())
