"""The code blocks of the pages people read, and what each says about being run.

A fenced block has a language. HTML comments right before it say more, each on a line of its own:

``<!-- not run: REASON -->``
    it is left out, and the test that would run it is skipped with the reason
``<!-- needs: PROGRAM -->``
    the same where that program is not installed; ``microphone`` is the sound server of the tests
``<!-- exit: CODE -->``
    its last command ends with this code instead of 0
``<!-- compared -->``
    what a ``console`` block shows is what comes: figures may differ, ``...`` stands for any lines
    and ``…`` for any part of one
``<!-- pasted at a prompt -->``
    an interactive bash gets it line by line
``<!-- in force below -->``
    what follows on the page is run with this configuration
``<!-- served -->``
    a server of the tests answers it, wherever it names ``127.0.0.1:8765``
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

RUN = ("sh", "console", "python")
"""Languages that are run."""
PARSED = ("toml", "json", "jsonl", "yaml")
"""Languages that are read."""
SHOWN = ("text", "fish", "zsh", "powershell", "html", "css")
"""Languages that are only shown."""

_FENCE = re.compile(r"^(?P<indent> *)(?P<marks>`{3,})(?P<language>[\w-]*)[^\n]*$")
_MARK = re.compile(r"^\s*<!-- (?P<name>[a-z ]+?)(?:: (?P<value>.+?))? -->\s*$")
_MARKS = ("not run", "needs", "exit", "compared", "pasted at a prompt", "in force below", "served")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it is, its language and text, and the marks before it."""

    page: str
    line: int
    """Of its first line of text, from 1."""
    language: str
    text: str
    marks: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Page and line, as editors take them."""
        return f"{self.page}:{self.line}"

    def mark(self, name: str) -> str | None:
        """Return what follows a mark, ``""`` for nothing, ``None`` where it is not there."""
        return dict(self.marks).get(name)


def pages() -> list[Path]:
    """Return every page written for people, but for the list of changes."""
    patterns = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "benchmarks/*.md")
    return [page for pattern in patterns for page in sorted(ROOT.glob(pattern))]


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    return list(read_blocks(str(page.relative_to(ROOT)), page.read_text(encoding="utf-8")))


def read_blocks(name: str, text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a text; one that is not closed has the language ``unclosed``."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if fence is None:
            at += 1
            continue
        end = _end(lines, at, fence["marks"])
        language = fence["language"] if end is not None else "unclosed"
        body = textwrap.dedent("".join(f"{line}\n" for line in lines[at + 1 : end]))
        yield Block(name, at + 2, language, body, tuple(_marks(lines[:at])))
        at = len(lines) if end is None else end + 1


def all_blocks() -> list[Block]:
    """Return the blocks of all pages."""
    return [block for page in pages() for block in blocks_of(page)]


def _end(lines: list[str], at: int, marks: str) -> int | None:
    closing = re.compile(rf"^ *{marks}`*\s*$")
    later = range(at + 1, len(lines))
    return next((number for number in later if closing.match(lines[number])), None)


def _marks(before: list[str]) -> Iterator[tuple[str, str]]:
    for line in reversed(before):
        found = _MARK.match(line)
        if found is None:
            return
        if found["name"] in _MARKS:
            yield found["name"], found["value"] or ""
