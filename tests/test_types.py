from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.types import SAMPLE_RATE, Span, seconds, to_samples

pytestmark = pytest.mark.unit


@given(st.integers(0, 10**9))
def test_seconds_are_right_to_the_millisecond(samples: int) -> None:
    assert abs(seconds(samples) - samples / SAMPLE_RATE) <= 0.0005001


@given(st.integers(0, 10**6))
def test_milliseconds_survive_the_way_to_samples_and_back(milliseconds: int) -> None:
    assert seconds(to_samples(milliseconds / 1000)) == milliseconds / 1000


def test_a_span_is_half_open_and_frozen() -> None:
    span = Span(3, 10)
    assert span.length == 7
    with pytest.raises(FrozenInstanceError):
        span.start = 4  # type: ignore[misc]
