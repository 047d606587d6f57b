from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.clock import SteppingClock
from echocli.errors import UsageError
from echocli.runtime.slowdown import MOST, Slowdown

pytestmark = pytest.mark.unit

INF = float("inf")


@pytest.mark.parametrize(
    ("text", "factor", "start", "end"),
    [
        ("4", 4.0, 0.0, INF),
        (" 1.5 ", 1.5, 0.0, INF),
        ("1", 1.0, 0.0, INF),
        ("1000", MOST, 0.0, INF),
        ("4@10-60", 4.0, 10.0, 60.0),
        ("2.5@0.5-", 2.5, 0.5, INF),
        ("3@0-0.1", 3.0, 0.0, 0.1),
    ],
)
def test_a_load_has_a_factor_and_perhaps_a_time(
    text: str, factor: float, start: float, end: float
) -> None:
    found = Slowdown.parse(text, SteppingClock())
    assert (found.factor, found.start, found.end) == (factor, start, end)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "0", "0.99", "-2", "1001", "1e3", "nan", "inf", "٤", "4.", "9" * 400),
        *("4@", "4@10", "4@-10", "4@60-10", "4@5-5", "@1-2", "4 @1-2", "4@1-2-3"),
        "4@" + "9" * 400 + "-",
    ],
)
def test_what_is_no_load_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="--simulate-load") as caught:
        Slowdown.parse(text, SteppingClock())
    assert caught.value.hint
    assert "4@10-60" in caught.value.hint


@given(st.text(alphabet="0123456789.@- eE", max_size=12))
def test_any_text_is_a_load_or_refused(text: str) -> None:
    with suppress(UsageError):
        found = Slowdown.parse(text, SteppingClock())
        assert 1 <= found.factor <= MOST
        assert 0 <= found.start < found.end


def test_seconds_count_from_the_first_decode_on() -> None:
    clock = SteppingClock(1000.0)
    load = Slowdown.parse("4@10-60", clock)
    clock.advance(100.0)
    seen = []
    for secs in (0.0, 9.0, 1.0, 49.0, 1.0, 100.0):
        clock.advance(secs)
        seen.append(load())
    assert seen == [1.0, 1.0, 4.0, 4.0, 1.0, 1.0]


@given(
    st.floats(1.0, 1000.0),
    st.floats(0.0, 50.0),
    st.floats(0.1, 50.0),
    st.lists(st.floats(0, 20), min_size=1),
)
def test_it_is_the_factor_within_its_time_and_none_outside(
    factor: float, start: float, length: float, steps: list[float]
) -> None:
    clock = SteppingClock()
    load = Slowdown(factor, start, start + length, clock)
    first = clock.now()
    assert load() == (factor if start == 0 else 1.0)
    for step in steps:
        clock.advance(step)
        inside = start <= clock.now() - first < start + length
        assert load() == (factor if inside else 1.0)
