from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.decoding.agreement import (
    Agreement,
    Merged,
    bare,
    same,
    split_words,
    timed_words,
    with_committed,
)
from echocli.providers.base import TimedWord

pytestmark = pytest.mark.unit

words = st.sampled_from(
    [" a", " A", " a.", " b", " b,", " c", "c", " ...", " don't", "的", "是。", "ที่", " की", " का"]
)
texts = st.one_of(st.lists(words, max_size=12).map("".join), st.text(max_size=20))


def after(*hypotheses: str, held: int = 0) -> Agreement:
    agreement = Agreement()
    for text in hypotheses:
        agreement.update(text, held=held, agreeing=2)
    return agreement


def committed(agreement: Agreement) -> str:
    return "".join(agreement.committed).strip()


def timed(*facts: tuple[int, int, str]) -> list[TimedWord]:
    return [TimedWord(start, end, text, 0.5) for start, end, text in facts]


def test_nothing_is_committed_from_one_hypothesis() -> None:
    agreement = after(" Good morning")
    assert agreement.committed == ()
    assert agreement.text == " Good morning"


def test_words_two_hypotheses_agree_on_are_committed() -> None:
    agreement = after(" Good morning for you", " Good morning everyone")
    assert committed(agreement) == "Good morning"
    assert agreement.text == " Good morning everyone"


def test_three_hypotheses_must_agree_unless_told_otherwise() -> None:
    agreement = Agreement()
    assert [agreement.update(" one two") for _ in range(3)] == [0, 0, 2]
    assert [
        agreement.update(f" one two {word}") for word in ("six", "ten", "six", "six", "six")
    ] == [*(0, 0, 0, 0, 1)]


def test_agreement_behind_a_difference_does_not_count() -> None:
    assert after(" Good evening all", " Good morning all").committed == (" Good",)


def test_case_and_punctuation_make_no_difference_and_the_newest_is_kept() -> None:
    agreement = after(" well it's late", " Well, it's late")
    assert committed(agreement) == "Well, it's late"


def test_words_that_are_held_are_not_committed() -> None:
    agreement = Agreement()
    assert agreement.update(" one two three", held=2, agreeing=2) == 0
    assert agreement.update(" one two three", held=2, agreeing=2) == 1
    assert agreement.update(" one two three four five", held=2, agreeing=2) == 2
    assert committed(agreement) == "one two three"


def test_fewer_words_than_are_held_commit_nothing() -> None:
    assert after(" one", " one", held=2).committed == ()


def test_committed_words_outlive_a_hypothesis_that_misheard_them() -> None:
    agreement = after(" Good morning all", " Good morning all", " Could mourning all of you")
    assert agreement.text == " Good morning all of you"


def test_a_hypothesis_that_lost_committed_words_does_not_say_others_twice() -> None:
    agreement = after(" one two three four", " one two three four", " one three four five")
    assert agreement.text == " one two three four five"


def test_what_stands_behind_the_last_committed_word_is_open() -> None:
    agreement = after(" Good morning.", " Good morning.")
    assert committed(agreement) == "Good morning"
    assert agreement.text == " Good morning."
    agreement.update(" Good morning, and", agreeing=2)
    assert agreement.text == " Good morning, and"
    agreement.update(" Good morning, and welcome", agreeing=2)
    assert committed(agreement) == "Good morning, and"


def test_a_look_commits_nothing_and_leaves_nothing_to_agree_with_but_itself() -> None:
    agreement = Agreement()
    agreement.look(" one two")
    assert agreement.committed == ()
    assert agreement.text == " one two"
    agreement.look(" one two")
    assert agreement.committed == ()
    assert agreement.update(" one two", agreeing=2) == 2


def test_the_final_begins_with_what_was_committed() -> None:
    agreement = after(" Good morning all", " Good morning all")
    assert agreement.merge(" Could mourning all of you.") == Merged(
        (" Good", " morning", " all", " of", " you."), 3
    )


def test_an_empty_final_is_what_was_committed() -> None:
    assert after(" a b", " a b").merge("") == Merged((" a", " b"), 0)
    assert Agreement().merge("") == Merged((), 0)


def test_scripts_without_spaces_agree_by_characters() -> None:
    agreement = after("今天天气很", "今天天气真好")
    assert committed(agreement) == "今天天气"
    assert after("สวัสดีครับ", "สวัสดีค่ะ").text == "สวัสดีค่ะ"


def test_words_that_differ_in_a_vowel_sign_are_different() -> None:
    assert same(" की") != same(" का")
    assert after(" राम की", " राम का").committed == (" राम",)


@pytest.mark.parametrize(
    ("word", "plain"),
    [(" morning.", " morning"), (" नमस्ते।", " नमस्ते"), (" don't", " don't"), (" …", " …"), ("", "")],
)
def test_a_bare_word_has_no_punctuation_behind_it(word: str, plain: str) -> None:
    assert bare(word) == plain


def test_words_are_split_before_their_space() -> None:
    assert split_words(" It's  2.5 km\n") == [" It's", "  2.5", " km"]
    assert split_words("我在 New York，了") == ["我", "在 ", "New", " York，", "了"]


@given(texts)
def test_words_joined_are_their_text_but_for_its_end(text: str) -> None:
    assert "".join(split_words(text)).rstrip() == text.rstrip()


@given(st.lists(st.tuples(texts, st.integers(0, 3), st.booleans()), max_size=8), texts)
def test_committed_text_only_grows(steps: list[tuple[str, int, bool]], last: str) -> None:
    agreement, before = Agreement(), ""
    for text, held, looks in steps:
        if looks:
            agreement.look(text)
        else:
            agreement.update(text, held=held, agreeing=2)
        assert committed(agreement).startswith(before)
        assert agreement.text.strip().startswith(committed(agreement))
        before = committed(agreement)
    assert "".join(agreement.merge(last).words).strip().startswith(before)


@given(st.lists(texts, min_size=1, max_size=8), st.integers(0, 3))
def test_update_tells_how_many_words_it_committed(heard: list[str], held: int) -> None:
    agreement = Agreement()
    assert sum(agreement.update(text, held=held, agreeing=2) for text in heard) == len(
        agreement.committed
    )


@given(texts)
def test_a_text_agrees_with_itself(text: str) -> None:
    agreement = after(text, text)
    assert len(agreement.committed) == len(split_words(text))


@given(st.lists(texts, max_size=4), texts)
def test_merged_words_are_the_committed_ones_and_the_rest(heard: list[str], last: str) -> None:
    agreement = after(*heard)
    count = len(agreement.committed)
    merged = agreement.merge(last)
    assert merged.words[count:] == tuple(split_words(last)[merged.replaced :])


def test_words_take_the_times_of_all_parts_they_are_made_of() -> None:
    parts = timed((0, 5, " forty"), (5, 9, "-two"), (10, 14, " cats"))
    assert timed_words(" forty-two cats", parts) == timed((0, 9, " forty-two"), (10, 14, " cats"))


def test_parts_of_a_timed_word_share_its_times() -> None:
    assert timed_words("你好", timed((3, 9, "你好"))) == timed((3, 9, "你"), (3, 9, "好"))


def test_words_behind_the_aligned_ones_take_the_last_time() -> None:
    assert timed_words(" a b", timed((1, 2, " a"))) == timed((1, 2, " a"), (1, 2, " b"))


def test_a_text_that_was_not_aligned_has_no_times() -> None:
    assert timed_words(" a b", []) == []


def test_as_many_committed_words_take_their_times_one_by_one() -> None:
    merged = Merged((" Good", " morning", " all"), 2)
    heard = timed((0, 2, " Could"), (3, 5, " mourning"), (6, 8, " all"))
    assert with_committed(merged, heard) == timed(
        (0, 2, " Good"), (3, 5, " morning"), (6, 8, " all")
    )


@pytest.mark.parametrize("count", [1, 3])
def test_committed_words_of_another_number_share_the_time(count: int) -> None:
    merged = Merged((*[" x"] * count, " end"), 2)
    heard = timed((0, 10, " a"), (20, 30, " b"), (40, 50, " end"))
    found = with_committed(merged, heard)
    assert [word.text for word in found] == [*[" x"] * count, " end"]
    assert [word.start for word in found[:-1]] == [round(n * 30 / count) for n in range(count)]
    assert (found[-2].end, found[-1].start) == (30, 40)


@given(st.lists(texts, max_size=4), texts)
def test_every_merged_word_has_a_time_in_order(heard: list[str], last: str) -> None:
    merged = after(*heard).merge(last)
    parts = [TimedWord(10 * n, 10 * n + 8, w, 1.0) for n, w in enumerate(split_words(last))]
    if parts:
        found = with_committed(merged, timed_words(last, parts))
        assert tuple(word.text for word in found) == merged.words
        times = [time for word in found for time in (word.start, word.end)]
        assert times == sorted(times)
