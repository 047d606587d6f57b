"""Tables that fit, whatever is in them."""

from __future__ import annotations

from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.output.table import LEFT_TO_RIGHT, Column, cut, fitted
from echocli.output.text import display_width

pytestmark = pytest.mark.unit

COLUMNS = (
    Column("file", least=8),
    Column("length", flush_right=True, rank=1),
    Column("speed", flush_right=True, rank=2),
    Column("result", least=8),
)
TEXT = st.text(alphabet="ab /é日本語שלום😀\u0301\x1b\n", max_size=30)


def test_all_is_there_where_there_is_room() -> None:
    rows = [("a.wav", "0:10", "9.0×", "out/a.txt"), ("long name.wav", "1:00:00", "", "")]
    assert fitted(COLUMNS, rows, 80) == [
        "file            length  speed  result",
        "a.wav             0:10   9.0×  out/a.txt",
        "long name.wav  1:00:00",
    ]


def test_what_matters_least_goes_first_and_then_long_cells_are_cut() -> None:
    rows = [(PurePath("recordings/monday.wav"), "0:10", "9.0×", "error: is empty")]
    assert fitted(COLUMNS, rows, 40) == [
        "file         length  speed  result",
        "…monday.wav    0:10   9.0×  error: is e…",
    ]
    assert fitted(COLUMNS, rows, 26) == ["file      length  result", "…day.wav    0:10  error: …"]


def test_a_column_with_nothing_in_it_is_left_out() -> None:
    assert fitted(COLUMNS, [("a.wav", "", "", "done")], 80)[0] == "file   result"


def test_wide_characters_take_two_columns() -> None:
    rows = [("会議.wav", "0:10", "", ""), ("a.wav", "0:05", "", "")]
    assert fitted(COLUMNS, rows, 80)[1:] == ["会議.wav    0:10", "a.wav       0:05"]


def test_a_name_that_is_written_from_the_right_keeps_what_is_behind_it_in_place() -> None:
    (_, line) = fitted(COLUMNS, [("שלום.wav", "0:10", "", "")], 80)
    assert line.startswith("שלום.wav" + LEFT_TO_RIGHT)


def test_a_cell_cannot_act_on_the_terminal() -> None:
    (_, line) = fitted(COLUMNS, [("a\x1b[2J\nb", "", "", "")], 80)
    assert line == "a\\u001b[2J b"


@given(st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT), max_size=5), st.integers(0, 100))
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, ...]], width: int) -> None:
    lines = fitted(COLUMNS, rows, width)
    assert len(lines) == len(rows) + 1
    assert all(display_width(line) <= width for line in lines)


@given(TEXT, st.integers(0, 20), st.booleans())
def test_what_is_cut_fits_and_says_so(text: str, width: int, keeps_end: bool) -> None:
    shown = cut(text, width, keeps_end=keeps_end)
    assert display_width(shown) <= max(width, 0)
    if shown != text and width:
        assert "…" in shown
        kept = shown.replace("…", "")
        assert text.endswith(kept) if keeps_end else text.startswith(kept)
