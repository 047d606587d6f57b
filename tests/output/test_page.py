from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.output.page import escape, page

pytestmark = pytest.mark.unit


class Texts(HTMLParser):
    """Collect the text of a page and the names of its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.names: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names += [tag, *(name for name, _ in attrs)]


def policy(html: str) -> str:
    found = re.search(r'Security-Policy" content="([^"]*)"', html)
    assert found is not None
    return found[1].replace("&#x27;", "'")


def digest(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_no_text_becomes_markup(text: str) -> None:
    parser = Texts()
    parser.feed(f'<p title="{escape(text)}">{escape(text)}</p>')
    parser.close()
    assert parser.names == ["p", "title"]
    escape(text).encode("utf-8")


def test_what_could_turn_a_line_around_is_shown_instead() -> None:
    assert escape("a\u202eb\x1b<") == "a\\u202eb\\u001b&lt;"


def test_a_page_allows_its_own_style_and_script_and_nothing_else() -> None:
    html = page("A & B", "<p>x</p>", style="p{color:red}", script="1 < 2")
    assert "<title>A &amp; B</title>" in html
    rules = dict(rule.split(" ", 1) for rule in policy(html).split("; "))
    assert rules["default-src"] == "'none'"
    for name in ("style", "script"):
        found = re.search(f"<{name}>(.*?)</{name}>", html, re.DOTALL)
        assert found is not None
        assert rules[f"{name}-src"] == f"'sha256-{digest(found[1])}'"


def test_a_page_without_a_script_runs_none() -> None:
    html = page("x", "")
    assert "<script" not in html
    assert "script-src" not in policy(html)
    assert "media-src" not in policy(html)


def test_sound_plays_only_where_the_page_has_some() -> None:
    assert "media-src 'self' file:" in policy(page("x", "", media=True))


@pytest.mark.parametrize("script", ["x = '</SCRIPT >'", "x = '<!-- <script>'"])
def test_a_script_that_would_end_early_is_refused(script: str) -> None:
    with pytest.raises(ValueError, match="end early"):
        page("x", "", script=script)
