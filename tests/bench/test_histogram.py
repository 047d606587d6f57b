from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.bench.histogram import MOST, Histogram, histogram, round_step, ticks

pytestmark = pytest.mark.unit

milliseconds = st.floats(0, 1e7)


@given(st.lists(milliseconds, min_size=1, max_size=300))
def test_every_value_is_in_one_bin(values: list[float]) -> None:
    found = histogram(values)
    assert sum(found.counts) == len(values)
    assert len(found.edges) == len(found.counts) + 1 <= MOST + 3
    for value in values:
        bins = [n for n, low in enumerate(found.edges[:-1]) if low <= value < found.edges[n + 1]]
        assert len(bins) == 1 or math.isclose(value, found.edges[-1])


@given(st.lists(milliseconds, min_size=1, max_size=300))
def test_bins_are_evenly_wide_and_round(values: list[float]) -> None:
    edges = histogram(values).edges
    step = edges[1] - edges[0]
    assert float(f"{step:.6g}") == pytest.approx(round_step(step))
    assert all(math.isclose(b - a, step, rel_tol=1e-6) for a, b in itertools.pairwise(edges))


def test_nothing_has_no_bins() -> None:
    assert histogram([]) == Histogram()


def test_equal_values_share_a_bin() -> None:
    assert histogram([250.0] * 7).counts == (7,)


@given(st.floats(1e-6, 1e9))
def test_a_round_step_is_one_two_or_five(least: float) -> None:
    step = round_step(least)
    assert least * 0.999 <= step <= least * 2.6
    assert f"{step:e}"[:4] in ("1.00", "2.00", "5.00")


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(1, 12))
def test_ticks_lie_inside_and_are_few(low: float, span: float, count: int) -> None:
    high = low + span
    found = ticks(low, high, count)
    assert len(found) <= count + 1
    slack = 1e-6 * max(abs(low), abs(high), span)
    assert all(low - slack <= tick <= high + slack for tick in found)
