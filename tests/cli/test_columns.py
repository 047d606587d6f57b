from __future__ import annotations

import pytest

from echocli.cli.columns import in_columns

pytestmark = pytest.mark.unit


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    shown = in_columns(("name", "size"), [("base", "148 MB"), ("语音", "5 MB")], frozenset({1}))
    assert shown.splitlines() == ["name    size", "base  148 MB", "语音    5 MB"]


def test_a_column_with_nothing_in_it_is_left_out() -> None:
    assert in_columns(("a", "b", "c"), [("1", "", "2")]) == "a  c\n1  2\n"


def test_a_cell_cannot_break_out_of_its_line() -> None:
    assert in_columns(("a",), [("x\n\x1b[31my",)]) == "a\nx \\u001b[31my\n"


def test_no_row_is_no_table() -> None:
    assert in_columns(("a", "b"), []) == ""
