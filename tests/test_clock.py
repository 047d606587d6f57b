from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.clock import Clock, SteppingClock, SystemClock

pytestmark = pytest.mark.unit


@given(st.lists(st.integers(0, 1000), max_size=20))
def test_a_stepping_clock_moves_only_when_told(steps: list[int]) -> None:
    clock = SteppingClock(5.0)
    for number, step in enumerate(steps):
        assert clock.now() == clock.now() == 5 + sum(steps[:number])
        clock.advance(step)
    assert clock.now() == 5 + sum(steps)


def test_the_system_clock_does_not_run_backwards() -> None:
    clock: Clock = SystemClock()
    readings = [clock.now() for _ in range(1000)]
    assert readings == sorted(readings)
