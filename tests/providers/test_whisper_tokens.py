from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.providers.whisper_tokens import SAMPLES_PER_TIMESTAMP, split_pieces

pytestmark = pytest.mark.unit

BEGIN = 50_363
"""``<|0.00|>`` of the English vocabulary."""
LENGTH = 10 * 16_000

texts = st.integers(0, 50_000)
times = st.integers(BEGIN, BEGIN + 1500)


def at(secs: float) -> int:
    return BEGIN + round(secs * 50)


def positions(*tokens: int) -> list[tuple[float, float]]:
    split = split_pieces(tokens, BEGIN, LENGTH)
    return [(piece.start / 16_000, piece.end / 16_000) for piece in split.pieces]


def test_one_segment_takes_the_whole_window() -> None:
    split = split_pieces([at(0), 1, 2, at(4)], BEGIN, LENGTH)
    assert [(p.start, p.end, p.tokens) for p in split.pieces] == [
        (0, 4 * 16_000, (at(0), 1, 2, at(4)))
    ]
    assert (split.consumed, split.complete) == (LENGTH, True)


def test_pairs_of_timestamps_separate_pieces() -> None:
    assert positions(at(0.5), 1, at(2), at(3), 2, at(5)) == [(0.5, 2), (3, 5)]


def test_what_follows_the_last_pair_is_left_to_the_next_window() -> None:
    split = split_pieces([at(0), 1, at(2), at(2), 2, 3], BEGIN, LENGTH)
    assert [piece.tokens for piece in split.pieces] == [(at(0), 1, at(2))]
    assert (split.consumed, split.complete) == (2 * 16_000, False)


def test_a_single_timestamp_at_the_end_means_nothing_follows() -> None:
    split = split_pieces([at(0), 1, at(2), at(2), 2, at(4)], BEGIN, LENGTH)
    assert (len(split.pieces), split.consumed, split.complete) == (2, LENGTH, True)


def test_text_without_timestamps_spans_the_window() -> None:
    assert positions(1, 2, 3) == [(0, 10)]


def test_no_tokens_give_one_empty_piece_and_the_window_is_done() -> None:
    split = split_pieces([], BEGIN, LENGTH)
    assert [piece.tokens for piece in split.pieces] == [()]
    assert split.consumed == LENGTH


def test_times_beyond_the_sound_are_cut() -> None:
    assert positions(at(0), 1, at(25), at(28), 2, at(29)) == [(0, 10), (10, 10)]


def test_times_that_run_backwards_are_straightened() -> None:
    assert positions(at(4), 1, at(2), at(1), 2, at(3)) == [(4, 4), (4, 4)]


def test_text_before_the_first_timestamp_starts_with_the_window() -> None:
    assert positions(7, at(2), at(3), 8, at(4)) == [(0, 2), (3, 4)]


@given(st.lists(st.one_of(texts, times), max_size=30), st.integers(1, 30 * 16_000))
def test_any_tokens_give_ordered_pieces_inside_the_window(tokens: list[int], length: int) -> None:
    split = split_pieces(tokens, BEGIN, length)
    edges = [edge for piece in split.pieces for edge in (piece.start, piece.end)]
    if len(split.pieces) > 1:
        assert edges == sorted(edges)
    assert all(0 <= edge <= length for edge in edges)
    assert 0 <= split.consumed <= length
    assert all(piece.end <= split.consumed for piece in split.pieces)
    assert all(piece.start <= piece.end for piece in split.pieces)


@given(st.lists(st.one_of(texts, times), max_size=30))
def test_pieces_hold_the_tokens_in_their_order_and_none_is_invented(tokens: list[int]) -> None:
    split = split_pieces(tokens, BEGIN, LENGTH)
    joined = [*itertools.chain.from_iterable(piece.tokens for piece in split.pieces)]
    assert joined == tokens[: len(joined)]
    if split.complete:
        assert joined == tokens


def test_a_timestamp_is_twenty_milliseconds() -> None:
    assert SAMPLES_PER_TIMESTAMP == 320
