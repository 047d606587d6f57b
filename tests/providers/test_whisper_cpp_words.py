from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.providers.whisper_cpp_words import FASTEST, GuessedToken, consistent, timed_words

pytestmark = pytest.mark.unit

SECOND = 16_000

TEXTS = [
    b" Hello",
    b" the",
    b"re",
    b",",
    b" wor",
    b"ld",
    b".",
    b" \xe6\x97",
    b"\xa5",
    b"\xe6\x9c\xac",
]


def tokens(*ids: int, ends: tuple[int | None, ...] = ()) -> list[GuessedToken]:
    known = [*ends, *([None] * len(ids))]
    return [GuessedToken(number, end, 0.5) for number, end in zip(ids, known, strict=False)]


def test_tokens_make_words_and_marks_belong_to_them() -> None:
    words = timed_words(tokens(0, 1, 2, 3, 4, 5, 6), TEXTS.__getitem__, "en", 0, 2 * SECOND)
    assert [word.text for word in words] == [" Hello", " there,", " world."]


def test_a_character_split_over_tokens_is_whole_in_its_word() -> None:
    words = timed_words(tokens(7, 8, 9), TEXTS.__getitem__, "ja", 0, SECOND)
    assert [word.text for word in words] == [" 日", "本"]


def test_a_guess_that_fits_ends_its_word() -> None:
    made = tokens(0, 1, 2, 4, 5, ends=(8_000,))
    words = timed_words(made, TEXTS.__getitem__, "en", 0, 2 * SECOND)
    assert words[0].end == words[1].start == 8_000


def test_a_guess_that_leaves_no_time_for_what_is_before_it_is_not_believed() -> None:
    assert consistent([(6, 100), (12, 9_000), (18, 8_000), (24, 20_000)], 0, 32_000) == [
        (12, 9_000),
        (24, 20_000),
    ]


def test_a_word_at_a_pause_takes_no_longer_than_twice_the_usual_time() -> None:
    made = tokens(0, 1, 4, ends=(10 * SECOND, 10 * SECOND + 8_000))
    words = timed_words(made, TEXTS.__getitem__, "en", 0, 30 * SECOND)
    assert words[0].end - words[0].start <= 1.4 * SECOND
    assert words[-1].end - words[-1].start <= 1.4 * SECOND


@given(
    st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 40_000)), min_size=1),
    st.integers(0, 20_000),
    st.integers(0, 20_000),
)
def test_words_are_in_order_and_within_their_piece(
    made: list[tuple[int, int | None]], start: int, length: int
) -> None:
    given_tokens = [GuessedToken(number, end, 0.5) for number, end in made]
    words = timed_words(given_tokens, TEXTS.__getitem__, "en", start, start + length)
    whole = b"".join(TEXTS[number] for number, _ in made).decode(errors="replace")
    assert "".join(word.text for word in words) == whole
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert start <= edges[0]
    assert edges[-1] <= start + length


@given(st.lists(st.tuples(st.integers(1, 20), st.none() | st.integers(0, 40_000)), max_size=30))
def test_believed_guesses_leave_time_to_speak(steps: list[tuple[int, int | None]]) -> None:
    guesses: list[tuple[int, int | None]] = []
    for count, at in steps:
        guesses.append((count + (guesses[-1][0] if guesses else 0), at))
    believed = consistent(guesses, 0, 30_000)
    assert set(believed) <= set(guesses)
    for (length, at), (longer, later) in pairwise([(0, 0), *believed]):
        assert later - at >= FASTEST * (longer - length)
