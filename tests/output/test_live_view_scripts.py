"""The live view keeps within the terminal in scripts that are wide, or written from the right."""

from __future__ import annotations

from contextlib import closing

import pytest

from echocli.events import Partial
from echocli.output.progress import REFRESH
from echocli.output.text import display_width
from echocli.types import Segment
from tests.output.screen import on_one_terminal, screen_of, view_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "text",
    ["日本語の会議" * 12, "שלום עולם " * 12, "😀👍 " * 20, "ca\u0301fe\u0301 " * 30],
    ids=["wide", "right to left", "emoji", "combining"],
)
def test_no_row_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    env = on_one_terminal({"NO_COLOR": "1"})
    with closing(view_of(env, "会議室のマイク")) as view:
        env.clock.advance(REFRESH)
        view.event(Partial(Segment(0, 0.0, 1.0, text, source="会議室のマイク"), text))
        rows = screen_of(env.err.getvalue())
    assert any(text[:4] in row for row in rows)
    assert all(display_width(row) <= 40 for row in rows)
