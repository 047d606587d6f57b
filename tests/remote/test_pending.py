"""Speech that waits for its text at the server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.remote.pending import LEAST, Pending
from echocli.types import SAMPLE_RATE, Span

pytestmark = pytest.mark.unit


def secs(start: float, end: float) -> Span:
    return Span(int(start * SAMPLE_RATE), int(end * SAMPLE_RATE))


spans = st.tuples(st.integers(0, 50), st.integers(1, 30)).map(lambda one: secs(one[0], sum(one)))


def samples(pending: Pending) -> set[int]:
    return {at for one in pending.spans for at in range(one.start, one.end, SAMPLE_RATE)}


@given(st.lists(spans, max_size=8), spans)
def test_what_has_its_text_is_taken_out_and_nothing_else(put: list[Span], told: Span) -> None:
    pending = Pending()
    for span in put:
        pending.add(span)
    before = samples(pending)
    assert sum(one.length for one in pending.spans) == len(before) * SAMPLE_RATE
    pending.take(told)
    assert samples(pending) == before - set(range(told.start, told.end, SAMPLE_RATE))


@pytest.mark.parametrize(
    ("span", "covered"),
    [
        (secs(2.2, 5.8), True),
        (secs(2.0, 10.0), True),  # it reaches beyond, and holds all of it
        (secs(5.5, 8.0), False),
        (secs(5.9, 6.1), True),
        (secs(7.0, 10.0), False),
    ],
)
def test_a_text_is_about_it_when_half_of_it_or_a_second_lies_there(
    span: Span, covered: bool
) -> None:
    assert LEAST == SAMPLE_RATE
    assert Pending([secs(2.0, 6.0)]).covers(span) is covered


def test_the_gap_that_fits_best_is_closed() -> None:
    pending = Pending([secs(2.0, 6.0), secs(6.0, 9.0)])
    pending.close(secs(5.8, 8.5))
    assert pending.spans == [secs(2.0, 6.0)]
    pending.close(secs(20.0, 21.0))
    assert pending.spans == [secs(2.0, 6.0)]
