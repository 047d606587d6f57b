"""Modules, tests and pages that a page names are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, pages

pytestmark = pytest.mark.unit

LINK = re.compile(r"\]\((?!https?://)([^)#]*)(?:#([^)]+))?\)")
FENCED = re.compile(r"^ *(`{3,}).*?^ *\1", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`((?:echocli|tests|tools|benchmarks|docs)/[\w./-]*[^\W\d])`")
"""Not the schemas, such as ``echocli/bench/1``."""
PARTS = "api|audio|vad|decoding|runtime|providers|output|wire|server|remote"
DRAWN = re.compile(rf"\b((?:{PARTS})/\w+)")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
class TestPages:
    def test_links_lead_to_files_and_headings(self, page: Path) -> None:
        for target, heading in LINK.findall(written(page)):
            found = page.parent / target if target else page
            assert found.exists(), target
            if heading and found.suffix == ".md":
                assert heading in headings(found), f"{target}#{heading}"

    def test_paths_of_the_project_exist(self, page: Path) -> None:
        for path in NAMED.findall(written(page)):
            assert (ROOT / path).exists(), path


def test_the_pictures_of_the_architecture_name_modules_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = [name for picture in FENCED.finditer(text) for name in DRAWN.findall(picture[0])]
    assert len(drawn) > 20
    for name in drawn:
        assert (ROOT / "echocli" / f"{name}.py").exists(), name


def written(page: Path) -> str:
    """Return the text of a page without its code blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def headings(page: Path) -> set[str]:
    """Return the names GitHub gives to the headings of a page."""
    lines = re.findall(r"^#+ (.+)$", written(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}
