from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.bench.accuracy import choose, normalise, score
from echocli.bench.diff import Edit, Kind, align

pytest.importorskip("jiwer")
pytestmark = pytest.mark.unit

texts = st.lists(st.sampled_from(["one", "two", "red", "blue", "Mr.", "isn't", "7"]), max_size=12)


def count(edits: tuple[Edit, ...], kind: Kind) -> int:
    return sum(len(edit.said or edit.heard) for edit in edits if edit.kind is kind)


@given(texts, texts, st.sampled_from(["en", "de", None, "ja"]))
def test_edits_are_those_that_are_counted(
    said: list[str], heard: list[str], language: str | None
) -> None:
    a, b = " ".join(said), " ".join(heard)
    edits, counted = align(a, b, language), score(a, b, language)
    errors = counted.words or counted.characters
    assert count(edits, Kind.SUBSTITUTED) == errors.substitutions
    assert count(edits, Kind.DELETED) == errors.deletions
    assert count(edits, Kind.INSERTED) == errors.insertions


@given(texts, texts, st.sampled_from(["en", "de"]))
def test_edits_give_both_texts_back(said: list[str], heard: list[str], language: str) -> None:
    a, b = " ".join(said), " ".join(heard)
    edits = align(a, b, language)
    said_again = [word for edit in edits for word in edit.said]
    heard_again = [word for edit in edits for word in edit.heard]
    normalised = [normalise(text, choose(language)).split() for text in (a, b)]
    assert [said_again, heard_again] == normalised


def test_each_kind_of_error_is_told_from_the_others() -> None:
    edits = align("good old morning to you", "good evening to all of you", None)
    assert edits[0] == Edit(Kind.SAME, ("good",), ("good",))
    assert align("a b", "", None) == (Edit(Kind.DELETED, ("a", "b"), ()),)
    assert align("", "a b", None) == (Edit(Kind.INSERTED, (), ("a", "b")),)


def test_a_language_without_spaces_is_aligned_by_characters() -> None:
    assert align("今日は", "今日も", "ja") == (
        Edit(Kind.SAME, ("今", "日"), ("今", "日")),
        Edit(Kind.SUBSTITUTED, ("は",), ("も",)),
    )
