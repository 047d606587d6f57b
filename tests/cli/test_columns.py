from __future__ import annotations

from pathlib import PurePath

import pytest

from echocli.cli.columns import fitting, in_columns
from echocli.output.table import Column

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


COLUMNS = (Column("name"), Column("size", flush_right=True, rank=1), Column("path", least=8))
ROWS = [("base", "148 MB", PurePath("/a/long/way/to/model.bin"))]


def test_a_program_gets_every_cell_whole() -> None:
    assert fitting(COLUMNS, ROWS, None) == (
        "name    size  path\nbase  148 MB  /a/long/way/to/model.bin\n"
    )


def test_a_narrow_terminal_gets_what_matters_most() -> None:
    assert fitting(COLUMNS, ROWS, 28) == "name    size  path\nbase  148 MB  …/to/model.bin\n"
    assert fitting(COLUMNS, ROWS, 16) == "name  path\nbase  …model.bin\n"
