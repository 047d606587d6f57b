"""Utterances find their own words, and their edges are those of the sound."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.languages import errors
from benchmarks.timestamps import Match, TimedWord, Utterance, match, summary, trimmed
from echocli.types import SAMPLE_RATE

pytestmark = pytest.mark.unit


def words(text: str, start: float = 0.0) -> list[TimedWord]:
    """Words of one second each, one after the other."""
    return [
        TimedWord(start + number, start + number + 1, f" {word}")
        for number, word in enumerate(text.split())
    ]


def test_errors_are_those_of_first_and_last_word() -> None:
    said = [Utterance(0.2, 3.0, "One, two three."), Utterance(10.0, 12.5, "Four five!")]
    first, second = match(said, words("One two, three") + words("four five", 10.5))
    assert [first.start, first.end] == pytest.approx([-0.2, 0.0])
    assert [second.start, second.end] == pytest.approx([0.5, 0.0])


def test_an_edge_word_that_was_not_heard_does_not_count() -> None:
    said = [Utterance(0.0, 3.0, "one two three"), Utterance(3.0, 5.0, "four five")]
    first, second = match(said, words("won two three four"))
    assert first == Match(None, 0.0)
    assert second == Match(0.0, None)
    assert match(said, []) == [Match(None, None)] * 2


def test_words_repeated_in_the_next_utterance_are_not_mixed_up() -> None:
    said = [Utterance(0.0, 2.0, "the end"), Utterance(2.0, 4.0, "the end")]
    assert match(said, words("the end the end")) == [Match(0.0, 0.0)] * 2


def test_a_hyphenated_word_counts_as_its_parts() -> None:
    heard = [TimedWord(0.0, 1.0, "forty-two"), TimedWord(1.0, 2.0, "lines")]
    assert match([Utterance(0.0, 2.0, "forty two lines")], heard) == [Match(0.0, 0.0)]


def test_silence_and_noise_at_the_edges_are_cut_off() -> None:
    noise = np.random.default_rng(1).normal(0, 0.001, 4 * SAMPLE_RATE).astype(np.float32)
    noise[SAMPLE_RATE : 2 * SAMPLE_RATE] += 0.3
    found = trimmed(Utterance(0.5, 3.5, "a"), noise)
    assert [found.start, found.end] == pytest.approx([1.0, 2.0], abs=0.02)


def test_an_utterance_without_sound_stays_as_it_is() -> None:
    said = Utterance(0.0, 1.0, "a")
    assert trimmed(said, np.zeros(SAMPLE_RATE, np.float32)) == said
    assert trimmed(said, np.zeros(0, np.float32)) == said


def test_a_summary_counts_what_was_found() -> None:
    row = summary("tool", [Match(-0.2, 0.1), Match(0.4, None)])
    assert row == ["tool", "0.30", "0.40", "0.10", "2 of 2", "0.10", "0.10", "0.10", "1 of 2"]
    assert summary("tool", [Match(None, None)])[1:5] == ["-", "-", "-", "0 of 1"]


def test_languages_without_spaces_are_counted_by_character() -> None:
    found = errors("ja", ["お 早う。"], ["お早よう"])
    assert (found.length, found.insertions) == (3, 1)
    words_wrong = errors("de", ["Ein Satz, hier."], ["ein satz da"])
    assert (words_wrong.length, words_wrong.substitutions) == (3, 1)
