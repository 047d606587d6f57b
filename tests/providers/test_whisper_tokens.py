from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.providers.whisper_tokens import SAMPLES_PER_TIMESTAMP, TokenPiece, split_pieces

pytestmark = pytest.mark.unit

BEGIN = 50_363
"""``<|0.00|>`` of the English vocabulary."""
END = 50_256
"""``<|endoftext|>`` of the English vocabulary; what is below is text."""
LENGTH = 10 * 16_000

texts = st.integers(0, 50_000)
times = st.integers(BEGIN, BEGIN + 1500)


def at(secs: float) -> int:
    return BEGIN + round(secs * 50)


def split(*tokens: int, length: int = LENGTH) -> tuple[TokenPiece, ...]:
    return split_pieces(tokens, BEGIN, END, length)


def positions(*tokens: int) -> list[tuple[float, float]]:
    return [(piece.start / 16_000, piece.end / 16_000) for piece in split(*tokens)]


def test_one_segment_keeps_its_times_and_tokens() -> None:
    assert split(at(0), 1, 2, at(4)) == (TokenPiece(0, 4 * 16_000, (at(0), 1, 2, at(4))),)


def test_pairs_of_timestamps_separate_pieces() -> None:
    assert positions(at(0.5), 1, at(2), at(3), 2, at(5)) == [(0.5, 2), (3, 5)]


def test_text_behind_the_last_pair_reaches_to_the_end_of_the_window() -> None:
    found = split(at(0), 1, at(2), at(2), 2, 3)
    assert [piece.tokens for piece in found] == [(at(0), 1, at(2)), (at(2), 2, 3)]
    assert (found[1].start, found[1].end) == (2 * 16_000, LENGTH)


def test_text_between_single_timestamps_is_pieces_too() -> None:
    assert positions(at(0), 1, at(2), 2, at(4)) == [(0, 2), (2, 4)]


def test_text_without_timestamps_spans_the_window() -> None:
    assert positions(1, 2, 3) == [(0, 10)]


def test_no_text_gives_no_pieces() -> None:
    assert split() == split(at(0), at(2)) == split(at(0), END + 1, at(2)) == ()


def test_an_end_beyond_the_sound_is_cut() -> None:
    assert positions(at(0), 1, at(25)) == [(0, 10)]


def test_a_piece_in_the_silence_behind_the_window_keeps_its_place_and_has_no_length() -> None:
    assert positions(at(0), 1, at(5), at(28), 2, at(29)) == [(0, 5), (28, 28)]


def test_times_that_run_backwards_are_straightened() -> None:
    assert positions(at(4), 1, at(2), at(1), 2, at(3)) == [(4, 4), (4, 4)]


def test_text_before_the_first_timestamp_starts_with_the_window() -> None:
    assert positions(7, at(2), at(3), 8, at(4)) == [(0, 2), (3, 4)]


@given(st.lists(st.one_of(texts, times), max_size=30), st.integers(1, 30 * 16_000))
def test_any_tokens_give_pieces_in_order(tokens: list[int], length: int) -> None:
    found = split(*tokens, length=length)
    starts = [piece.start for piece in found]
    assert starts == sorted(starts)
    assert all(0 <= piece.start <= piece.end <= max(piece.start, length) for piece in found)
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))


@given(st.lists(st.one_of(texts, times), max_size=30))
def test_pieces_hold_all_text_in_its_order_and_invent_none(tokens: list[int]) -> None:
    pieces = split(*tokens)
    joined = [token for piece in pieces for token in piece.tokens if token < END]
    assert joined == [token for token in tokens if token < END]
    assert all(any(token < END for token in piece.tokens) for piece in pieces)


def test_a_timestamp_is_twenty_milliseconds() -> None:
    assert SAMPLES_PER_TIMESTAMP == 320
