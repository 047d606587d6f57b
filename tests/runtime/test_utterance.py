from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from echocli.decoding.agreement import AGREEING
from echocli.decoding.assemble import Assembler
from echocli.decoding.guards import Thresholds
from echocli.providers.base import Hypothesis, Piece, TimedWord
from echocli.runtime.finishing import Finishing, Sound
from echocli.runtime.live_stats import Latencies
from echocli.runtime.utterance import HELD, Utterance
from echocli.types import SAMPLE_RATE, Segment, Span, Word

pytestmark = pytest.mark.unit

SECOND = SAMPLE_RATE
START, ROLL = 2 * SECOND, SECOND // 2


def utterance() -> Utterance:
    """Return one whose sound begins half a second before its speech."""
    return Utterance(7, START, START - ROLL)


def saying(text: str, words: tuple[TimedWord, ...] | None = None) -> Hypothesis:
    return Hypothesis(1, (Piece(ROLL, 2 * SECOND, text, (), words),), 3 * SECOND, -0.25)


def words(*texts: str) -> tuple[TimedWord, ...]:
    """Return words of a quarter of a second each, from the beginning of the speech on."""
    step = SECOND // 4
    return tuple(
        TimedWord(ROLL + n * step, ROLL + (n + 1) * step, text, 0.5) for n, text in enumerate(texts)
    )


def show(one: Utterance, text: str, *, settle: bool = True, cut: bool = False) -> Segment | None:
    return one.show(saying(text), START + SECOND, 0.0, settle=settle, cut=cut)


def finish(one: Utterance, found: Hypothesis, secs: int = 3) -> None:
    one.end = START + secs * SECOND
    span = Span(START, one.end)
    sound = Sound(one.sound_start, np.zeros(span.length + 2 * ROLL, np.float32), span)
    one.finishing = Finishing(sound, Thresholds(), None, Counter())
    one.finishing.accept(found)


def final(one: Utterance, *, keep_words: bool = True) -> Segment | None:
    return one.segment(Assembler(keep_words=True), keep_words=keep_words)


def test_what_is_shown_is_the_text_up_to_where_it_was_decoded() -> None:
    segment = show(utterance(), " Good morning")
    assert segment == Segment(
        7, 2.0, 3.0, "Good morning", avg_logprob=-0.25, compression_ratio=0.6, confidence=0.875
    )


@pytest.mark.parametrize("text", ["", " …", " -"])
def test_nothing_is_shown_without_words(text: str) -> None:
    assert show(utterance(), text) is None


def test_the_same_text_is_shown_again_only_where_more_of_it_is_committed() -> None:
    one = utterance()
    assert show(one, " Good morning")
    assert show(one, " Good morning")
    assert one.committed == "Good morning"
    assert show(one, " Good morning") is None


def test_words_at_the_end_of_sound_that_was_cut_are_not_committed() -> None:
    one = utterance()
    for _ in range(AGREEING):
        show(one, " one" + " two" * HELD, cut=True)
    assert one.committed == "one"


def test_nothing_is_committed_where_a_cut_may_come() -> None:
    one = utterance()
    for _ in range(3):
        show(one, " one two three", settle=False)
    assert one.committed == ""
    assert one.committed_at == []


def test_a_final_is_the_committed_words_and_the_rest_of_the_last_decode() -> None:
    one = utterance()
    for _ in range(2):
        show(one, " Good morning")
    finish(one, saying(" Good mourning all.", words(" Good", " mourning", " all.")))
    segment = final(one)
    assert segment is not None
    assert segment.text == "Good morning all."
    assert (segment.id, segment.start, segment.end) == (7, 2.0, 5.0)
    assert segment.words == (
        Word(2.0, 2.25, " Good", 0.5),
        Word(2.25, 2.5, " morning", 0.5),
        Word(2.5, 2.75, " all.", 0.5),
    )


def test_words_are_left_out_where_nobody_wants_them() -> None:
    one = utterance()
    finish(one, saying(" Good", words(" Good")))
    segment = final(one, keep_words=False)
    assert segment is not None
    assert segment.words is None


def test_a_text_that_was_not_aligned_has_no_words() -> None:
    one = utterance()
    finish(one, saying(" Good morning"))
    segment = final(one)
    assert segment is not None
    assert segment.text == "Good morning"
    assert segment.words is None


def test_words_lie_within_their_utterance() -> None:
    one = utterance()
    early = TimedWord(0, ROLL, " So", 0.5)
    late = TimedWord(ROLL, 9 * SECOND, " long.", 0.5)
    finish(one, saying(" So long.", (early, late)), secs=1)
    segment = final(one)
    assert segment is not None
    assert segment.words is not None
    assert [(word.start, word.end) for word in segment.words] == [(2.0, 2.0), (2.0, 3.0)]


def test_an_utterance_without_words_has_no_final() -> None:
    one = utterance()
    finish(one, saying(" …"))
    assert final(one) is None


def test_its_speech_is_known_when_it_is_over() -> None:
    one = utterance()
    assert not one.over
    finish(one, saying(" Good"))
    assert one.over
    assert one.speech == Span(START, START + 3 * SECOND)


def test_a_listener_waited_for_each_word_until_it_was_committed_or_final() -> None:
    one = utterance()
    for _ in range(2):
        one.show(saying(" Good"), 0, START + SECOND, settle=True, cut=False)
    finish(one, saying(" Good morning", words(" Good", " morning")), secs=1)
    one.ended_at = START + 2 * SECOND
    final(one)
    latencies = Latencies()
    one.note_times(latencies, START + 3 * SECOND)
    assert latencies.hangover == [1000.0]
    assert latencies.finalising == [1000.0]
    assert latencies.commit == [750.0, 2500.0]
    assert (latencies.words, latencies.committed) == (2, 1)


def test_committed_words_that_the_last_decode_lost_are_counted_too() -> None:
    one = utterance()
    for _ in range(2):
        show(one, " one two three")
    finish(one, saying(" one three", words(" one", " three")))
    final(one)
    latencies = Latencies()
    one.note_times(latencies, START + 4 * SECOND)
    assert (latencies.words, latencies.committed) == (3, 3)
