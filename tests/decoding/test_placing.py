from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.decoding.placing import SLACK, placed
from echocli.providers.base import Piece, TimedWord
from echocli.types import SAMPLE_RATE, Span

pytestmark = pytest.mark.unit

SECOND = SAMPLE_RATE


def word(start: float, end: float) -> TimedWord:
    return TimedWord(int(start * SECOND), int(end * SECOND), " word", 0.5)


def place(words: list[TimedWord], islands: list[tuple[float, float]]) -> tuple[TimedWord, ...]:
    piece = Piece(words[0].start, words[-1].end, " words", words=tuple(words))
    spans = [Span(int(start * SECOND), int(end * SECOND)) for start, end in islands]
    (found,) = placed([piece], spans, 0)
    assert found.words is not None
    assert (found.start, found.end) == (found.words[0].start, found.words[-1].end)
    return found.words


def test_a_word_that_begins_in_the_silence_before_speech_begins_with_the_speech() -> None:
    (found,) = place([word(0.0, 1.5)], [(1.0, 3.0)])
    assert found.start == SECOND - SLACK


def test_a_word_that_ends_in_the_silence_behind_speech_ends_with_the_speech() -> None:
    (found,) = place([word(0.5, 3.0)], [(0.0, 1.0)])
    assert found.end == SECOND + SLACK


def test_a_word_across_a_pause_belongs_to_the_side_that_has_most_of_it() -> None:
    behind = word(0.96, 2.3)
    (found,) = place([behind], [(0.0, 1.0), (2.0, 3.0)])
    assert found.start == 2 * SECOND - SLACK
    assert found.end == behind.end
    before = word(0.7, 2.05)
    (found,) = place([before], [(0.0, 1.0), (2.0, 3.0)])
    assert found.start == before.start
    assert found.end == SECOND + SLACK


def test_a_word_with_a_stop_in_it_stays_whole() -> None:
    spoken = word(0.5, 1.6)
    assert place([spoken], [(0.0, 1.0), (1.1, 2.0)]) == (spoken,)


def test_times_where_no_speech_was_found_stay_as_they_are() -> None:
    lost = word(5.0, 6.0)
    assert place([lost], [(0.0, 1.0)]) == (lost,)
    assert placed([Piece(0, 100, " text")], [], 0) == (Piece(0, 100, " text"),)


def test_pieces_without_words_are_placed_too() -> None:
    (found,) = placed([Piece(0, SECOND, " text")], [Span(8500, 12000)], 0)
    assert (found.start, found.end) == (8500 - SLACK, 12000 + SLACK)


def test_islands_are_on_the_time_line_of_the_input() -> None:
    (found,) = placed([Piece(0, SECOND, " text")], [Span(108_500, 112_000)], 100_000)
    assert found.start == 8500 - SLACK


@given(
    st.lists(st.integers(0, 200_000), min_size=2, max_size=20, unique=True),
    st.lists(st.integers(0, 200_000), max_size=20, unique=True),
)
def test_order_is_kept_and_no_word_grows(cuts: list[int], edges: list[int]) -> None:
    cuts.sort()
    edges.sort()
    words = [TimedWord(start, end, " x", 1.0) for start, end in itertools.pairwise(cuts)]
    islands = [Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    (found,) = placed([Piece(cuts[0], cuts[-1], "", words=tuple(words))], islands, 0)
    assert found.words is not None
    last = 0
    for before, after in zip(words, found.words, strict=True):
        assert before.start <= after.start < after.end <= before.end
        assert after.start >= last
        last = after.end
