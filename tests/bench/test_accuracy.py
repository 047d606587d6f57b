from __future__ import annotations

from functools import reduce
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.bench.accuracy import Errors, Normaliser, Score, choose, normalise, score

pytestmark = pytest.mark.unit

counts = st.integers(0, 1000)
errors = st.builds(Errors, counts, counts, counts, counts)
scores = st.builds(Score, st.none() | errors, errors, st.none() | st.sampled_from(Normaliser))
words = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta"]), max_size=8)


def edits(reference: list[str], heard: list[str]) -> int:
    """Return the Levenshtein distance by its definition, row by row."""
    row = list(range(len(heard) + 1))
    for i, wanted in enumerate(reference, start=1):
        last, row[0] = row[0], i
        for j, found in enumerate(heard, start=1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (wanted != found))
    return row[-1]


@given(words, words)
def test_the_errors_are_the_fewest_edits(reference: list[str], heard: list[str]) -> None:
    found = score(" ".join(reference), " ".join(heard), "de").words
    assert found is not None
    assert found.length == len(reference)
    wrong = found.substitutions + found.deletions + found.insertions
    assert wrong == edits(reference, heard)
    assert len(heard) == len(reference) - found.deletions + found.insertions


@given(words)
def test_the_same_text_has_no_errors(text: list[str]) -> None:
    found = score(" ".join(text), " ".join(text), "en")
    assert found.words is not None
    assert found.words.rate in (0, None)
    assert found.characters.rate in (0, None)


@given(st.lists(scores, min_size=1))
def test_adding_scores_adds_all_their_errors(several: list[Score]) -> None:
    found = reduce(add, several)
    assert found.characters.length == sum(one.characters.length for one in several)
    counted = [one.words for one in several if one.words is not None]
    assert (found.words is None) == (not counted)
    if found.words is not None:
        assert found.words.insertions == sum(one.insertions for one in counted)


@given(errors)
def test_a_rate_is_per_hundred_of_the_reference(found: Errors) -> None:
    wrong = found.substitutions + found.deletions + found.insertions
    assert found.rate == (100 * wrong / found.length if found.length else None)


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text, Normaliser.BASIC)
    assert normalise(once, Normaliser.BASIC) == once


def test_words_where_nobody_speaks_are_insertions_without_a_rate() -> None:
    found = score("", "thank you", "zxx").words
    assert found == Errors(0, 0, 0, 2)
    assert found.rate is None


def test_they_count_once_there_are_other_words() -> None:
    whole = score("", "thank you", "zxx") + score("we all fall down", "we all fall down", "en")
    assert whole.words is not None
    assert whole.words.rate == 50


def test_hearing_nothing_is_all_deletions() -> None:
    found = score("one two", "", "fr").words
    assert found == Errors(2, 0, 2, 0)


@pytest.mark.parametrize("language", ["ja", "zh", "th"])
def test_languages_without_spaces_have_characters_only(language: str) -> None:
    found = score("今日は、いい天気。", "今日 は いい 天木", language)
    assert found.words is None
    assert found.characters == Errors(7, 1, 0, 0)


def test_english_unifies_numbers_and_contractions() -> None:
    pytest.importorskip("whisper_normalizer")
    found = score("I'm twenty-two years old, Mr. Smith", "i am 22 years old mister smith", "en")
    assert found.words is not None
    assert (found.words.rate, found.normaliser) == (0, Normaliser.WHISPER_ENGLISH)


@pytest.mark.parametrize("language", ["de", "fr", None])
def test_other_languages_are_normalised_simply(language: str | None) -> None:
    assert choose(language) is Normaliser.BASIC
    assert normalise("  Grüß Gott — «Ça va?» 5 €\n", Normaliser.BASIC) == "grüß gott ça va 5"


def test_vowel_signs_stay() -> None:
    assert normalise("हिन्दी।", Normaliser.BASIC) == "हिन्दी"
