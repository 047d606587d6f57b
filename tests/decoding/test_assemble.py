from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.decoding.assemble import Assembler, confidence
from echocli.providers.base import Hypothesis, Piece, TimedWord
from echocli.types import Span

pytestmark = pytest.mark.unit

SECOND = 16_000
offsets = st.integers(0, 40 * SECOND)
words = st.builds(TimedWord, offsets, offsets, st.just(" w"), st.floats(0, 1))
pieces = st.builds(
    Piece,
    offsets,
    offsets,
    st.sampled_from([" some text", " ", ""]),
    words=st.none() | st.lists(words, max_size=3).map(tuple),
)
hypotheses = st.lists(st.lists(pieces, max_size=4).map(tuple), max_size=5)


def heard(*found: Piece) -> Hypothesis:
    return Hypothesis(0, found, 30 * SECOND, -0.4, 0.1, 0.2, language="en")


def test_times_count_from_the_start_of_the_input() -> None:
    (segment,) = Assembler().segments(
        heard(Piece(SECOND, 2 * SECOND, " Hello.")), Span(10 * SECOND, 20 * SECOND)
    )
    assert (segment.id, segment.start, segment.end, segment.text) == (0, 11.0, 12.0, "Hello.")
    assert (segment.language, segment.temperature, segment.confidence) == ("en", 0.2, 0.8)
    assert segment.words is None


def test_empty_pieces_leave_no_segment_and_no_number() -> None:
    assembler = Assembler()
    span = Span(0, 10 * SECOND)
    first = assembler.segments(heard(Piece(0, 1, "  "), Piece(0, SECOND, " a")), span)
    second = assembler.segments(heard(Piece(0, 1, ""), Piece(SECOND, 2 * SECOND, " b")), span)
    assert [s.id for s in first + second] == [0, 1]


def test_words_keep_their_leading_space_and_their_probability() -> None:
    piece = Piece(0, SECOND, " a b", words=(TimedWord(0, 8000, " a", 0.91234),))
    (segment,) = Assembler(keep_words=True).segments(heard(piece), Span(0, SECOND))
    assert segment.words is not None
    assert (segment.words[0].text, segment.words[0].probability) == (" a", 0.9123)


@given(hypotheses)
def test_times_never_run_backwards_nor_leave_their_window(
    groups: list[tuple[Piece, ...]],
) -> None:
    assembler, segments = Assembler(keep_words=True), []
    for number, group in enumerate(groups):
        window = Span(number * 30 * SECOND, (number + 1) * 30 * SECOND)
        fresh = assembler.segments(heard(*group), window)
        assert all(number * 30 <= s.start <= s.end <= (number + 1) * 30 for s in fresh)
        segments += fresh
    assert [segment.id for segment in segments] == list(range(len(segments)))
    for before, after in itertools.pairwise(segments):
        assert before.end <= after.start
    for segment in segments:
        edges = [edge for word in segment.words or () for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert all(segment.start <= edge <= segment.end for edge in edges)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_confidence_lies_between_nothing_and_certainty(logprob: float) -> None:
    assert 0 <= confidence(logprob) <= 1


@pytest.mark.parametrize(
    ("logprob", "expected"), [(0, 1), (-0.5, 0.75), (-2, 0), (-9, 0), (math.nan, 0), (1, 1)]
)
def test_confidence_follows_its_formula(logprob: float, expected: float) -> None:
    assert confidence(logprob) == expected
