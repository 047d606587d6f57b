from __future__ import annotations

import pytest

from echocli.output.progress import clock_time, figures

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("secs", "text"),
    [(0, "0:00"), (59.9, "0:59"), (3600, "1:00:00"), (360_000, "100:00:00"), (-1, "0:00")],
)
def test_clock_time(secs: float, text: str) -> None:
    assert clock_time(secs) == text


def test_figures_leave_out_what_is_not_known() -> None:
    times = "\N{MULTIPLICATION SIGN}"
    assert figures(5.0, None, 0.0) == "0:05"
    assert figures(5.0, None, 2.0) == f"0:05  2.0{times}"
    assert figures(5.0, 5.0, 250.0) == f"0:05 / 0:05  250{times}"
