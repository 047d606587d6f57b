"""The picture says what the program says today; its figures may differ."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.terminal import COLUMNS, PALE, Run, record, screens, text
from tools.terminal_picture import DONE, OPEN, PICTURE, PROMPT, draw, environment, moment, session

pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal"),
]

SVG = "{http://www.w3.org/2000/svg}"


def pictured(svg: str) -> list[str]:
    """Return the rows of text in a picture."""
    (screen,) = (group for group in ElementTree.fromstring(svg) if group.tag == f"{SVG}g")
    return ["".join(row.itertext()).replace("\N{NO-BREAK SPACE}", " ") for row in screen]


def begun(svg: str) -> str:
    """Return the words of the last utterance that are settled; those behind may still change."""
    (screen,) = (group for group in ElementTree.fromstring(svg) if group.tag == f"{SVG}g")
    return "".join(screen[-2][0].itertext()).replace("\N{NO-BREAK SPACE}", " ")


def wordings(rows: Sequence[str]) -> list[str]:
    """Return rows without what differs from run to run: figures, and the width of columns."""
    return [" ".join(re.sub(r" *\d[\d.,:]*", " 0", row).split()) for row in rows]


def shell(command: str, tmp_path: Path) -> bytes:
    return record(command, {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})


def test_colours_are_kept_and_dim_is_pale(tmp_path: Path) -> None:
    data = shell(r"printf 'a \033[1;32mb\033[0m\033[2mc \033[2;31md'", tmp_path)
    *_, rows = screens(b"", data)
    assert rows == [
        [
            Run("a ", "default", bold=False),
            Run("b", "green", bold=True),
            Run("c ", PALE, bold=False),
            Run("d", "red", bold=False),
        ]
    ]


def test_the_terminal_is_as_wide_as_the_picture(tmp_path: Path) -> None:
    *_, rows = screens(b"", shell("stty size", tmp_path))
    assert text(rows[0]).split()[1] == str(COLUMNS)


def test_what_is_drawn_again_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    found = list(screens(b"kept\r\n", shell(r"printf 'one\r\033[2Ktwo'", tmp_path)))
    assert [[text(row) for row in rows] for rows in found] == [["kept", "one"], ["kept", "two"]]


def test_the_moment_is_one_with_settled_and_open_words() -> None:
    frames = (b"done \x1b[2mand so much more\x1b[0m\r\nNORMAL", b"\x1b[1A\r\x1b[2Kdone\r\n\x1b[2K")
    rows = moment(b"", b"".join(frames))
    assert [run.colour for run in rows[0]] == ["default", PALE]


def test_a_picture_has_the_text_and_nothing_from_elsewhere() -> None:
    row = [Run("a  <b> ", "default", bold=False), Run("c", "5faf00", bold=True)]
    svg = draw([row, []])
    assert pictured(svg) == ["a  <b> c", ""]
    assert 'fill="#5faf00" font-weight="bold"' in svg
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.usefixtures("tiny_model")
def test_the_picture_of_the_readme_says_what_the_program_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    *_, rows = screens(*session(environment(tmp_path)))
    shown = pictured(PICTURE.read_text("utf-8"))
    typed = [f"{PROMPT}{command}" for command in (*DONE, OPEN)]
    assert [row for row in shown if row.startswith(PROMPT)] == typed
    # The last two rows are a moment before the end: the words so far, and the line of state.
    *settled, _, state = shown
    words = begun(PICTURE.read_text("utf-8"))
    final = [text(row) for row in rows]
    assert wordings(settled) == wordings(final)[: len(settled)]
    said = re.findall(r"\w+", final[len(settled)].casefold())
    assert re.findall(r"\w+", words.casefold()) == said[: len(words.split())]
    assert re.fullmatch(r"● .* RTF [\d.]+ .*[A-Z]+", state)
