"""One interruption at a time, whatever comes."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.interrupts import PAUSE, Interrupts

pytestmark = pytest.mark.unit


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50).map(sorted))
def test_what_it_sets_going_has_a_second_before_the_next(times: list[float]) -> None:
    interrupts, taken = Interrupts(), []
    for now in times:
        try:
            interrupts.interrupt(now)
        except KeyboardInterrupt:
            taken.append(now)
    assert taken[0] == times[0]
    assert all(later - earlier >= PAUSE for earlier, later in itertools.pairwise(taken))
    # Nobody who asks again after that is left waiting.
    assert all(any(now - PAUSE < one <= now for one in taken) for now in times)


def test_what_must_not_be_broken_off_is_not_and_there_is_time_to_tell_of_it() -> None:
    interrupts = Interrupts()
    with interrupts.held():
        interrupts.interrupt(10.0)
    interrupts.interrupt(10.0 + PAUSE / 2)
    with pytest.raises(KeyboardInterrupt):
        interrupts.interrupt(10.0 + PAUSE)


def test_at_the_end_it_leaves_with_the_status_that_is_known() -> None:
    code = (
        "from echocli.interrupts import Interrupts\n"
        "interrupts = Interrupts()\n"
        "interrupts.ends_with(5)\n"
        "interrupts.interrupt(0.0)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 5
