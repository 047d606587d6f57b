"""What is said of the server: sessions that are held, and its ratio to a naive one."""

from __future__ import annotations

import pytest

from benchmarks.server import HELD, Held, Round, requests_row, sessions_table
from echocli.bench.accuracy import Errors

pytestmark = pytest.mark.unit


def held(*, ttfs: float = 0.8, lost: float = 0.0, whole: bool = True) -> Held:
    waits = (0.5, ttfs)
    return Held(4, waits, (0.1, ttfs - 0.5), Errors(100, 2), lost, 1.5, "NORMAL", whole)


def test_a_number_is_held_only_where_all_is_well() -> None:
    assert held().is_held
    assert not held(ttfs=HELD + 0.1).is_held
    assert not held(lost=0.1).is_held
    assert not held(whole=False).is_held


def test_a_run_without_a_final_is_not_held() -> None:
    nothing = Held(1, (), (), Errors(), 0.0, 0.0, "NORMAL", True)
    assert not nothing.is_held
    assert "**no**" in sessions_table([nothing])


def test_the_table_has_both_waits_and_the_verdict() -> None:
    row = sessions_table([held()]).splitlines()[-1]
    assert row.startswith("| 4 |")
    assert "2.00 | 1.50 | NORMAL | 0.0 | 0.00 | 0.00 | yes |" in row


def test_the_ratio_is_that_of_the_medians() -> None:
    ours = [Round(seconds, Errors(10, 1), (0.5,)) for seconds in (4.0, 5.0, 90.0)]
    naive = [Round(seconds, Errors(10, 2), (2.0,)) for seconds in (9.0, 10.0, 11.0)]
    row = requests_row(4, 20, (ours, naive))
    assert row == ["4", "4.00", "2.00", "2.00", "0.50", "2.00", "10.00", "20.00"]
