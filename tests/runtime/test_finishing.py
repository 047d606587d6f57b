from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.decoding.guards import Thresholds
from echocli.providers.base import EDGE, Hypothesis, Piece, TimedWord, Window
from echocli.runtime.finishing import EARLY, LEAST_REST, Finishing, Sound
from echocli.types import SAMPLE_RATE, Span
from tests.runtime.recogniser import hypothesis

pytestmark = pytest.mark.unit

SECOND = SAMPLE_RATE
TAIL = 7 * SECOND
ROLL = 4800
"""Silence on both sides of the speech."""


def sound(secs: float = 5.0, start: int = 1000) -> Sound:
    length = round(secs * SECOND)
    ramp = np.arange(length + 2 * ROLL, dtype=np.float32)
    return Sound(start, ramp, Span(start + ROLL, start + ROLL + length))


def finishing(secs: float = 5.0, language: str | None = None) -> Finishing:
    return Finishing(sound(secs), Thresholds(), TAIL, Counter(), language)


def window_of(one: Finishing) -> Window:
    assert one.window is not None
    return one.window


def say(
    one: Finishing, text: str, start: int = ROLL, end: int = 2 * SECOND, consumed: int | None = None
) -> None:
    """Answer the window with one word."""
    word = TimedWord(start, end, text, 0.5)
    one.accept(hypothesis(window_of(one), text, (word,), consumed=consumed))


def test_the_whole_sound_is_decoded_first() -> None:
    one = finishing(language="de")
    window = window_of(one)
    assert (window.start, window.tail, window.temperature, window.language) == (1000, TAIL, 0, "de")
    assert window.samples is one.sound.samples
    assert one.undone
    assert not one.done


def test_a_good_answer_is_the_result() -> None:
    one = finishing()
    say(one, " Hello.")
    assert one.done
    assert not one.undone
    assert one.result.text == " Hello."
    assert one.result.pieces[0].start == ROLL
    assert not one.actions


def test_a_window_that_is_being_decoded_is_not_undone() -> None:
    one = finishing()
    one.flying = True
    assert not one.undone
    assert not one.done


def test_a_loop_is_decoded_again_with_more_silence() -> None:
    one = finishing()
    first = window_of(one)
    one.accept(hypothesis(first, " no" * 50))
    second = window_of(one)
    assert (second.id, second.tail) == (first.id, None)
    say(one, " Yes.")
    assert one.result.text == " Yes."
    assert one.actions == {"repetitive": 1, "wider": 1}


def test_silence_is_a_result_without_text() -> None:
    one = finishing()
    one.accept(Hypothesis(window_of(one).id, (), 5 * SECOND, no_speech_prob=0.9))
    assert one.done
    assert one.result.pieces == ()


def test_the_rest_of_the_speech_is_decoded_by_itself_where_the_text_stops_early() -> None:
    one = finishing()
    say(one, " Hello", end=2 * SECOND, consumed=2 * SECOND)
    rest = window_of(one)
    assert rest.start == 1000 + 2 * SECOND
    assert np.array_equal(rest.samples, one.sound.samples[2 * SECOND :])
    assert one.actions == {"early": 1}
    say(one, " world.", start=100, end=SECOND)
    assert one.result.text == " Hello world."
    assert [(p.start, p.end) for p in one.result.pieces] == [
        (ROLL, 2 * SECOND),
        (2 * SECOND + 100, 3 * SECOND),
    ]
    assert one.result.pieces[1].words == (TimedWord(2 * SECOND + 100, 3 * SECOND, " world.", 0.5),)


@pytest.mark.parametrize("left", [EARLY, EARLY // 2, 0, -SECOND])
def test_a_little_speech_behind_the_text_is_not_decoded_again(left: int) -> None:
    one = finishing()
    say(one, " Hello.", consumed=ROLL + 5 * SECOND - left)
    assert one.done


def test_a_text_that_accounts_for_hardly_anything_is_not_gone_on_with() -> None:
    one = finishing()
    say(one, " Hello.", end=LEAST_REST, consumed=LEAST_REST)
    assert one.done


def test_the_least_certain_part_says_how_certain_the_result_is() -> None:
    one = finishing()
    for logprob, no_speech, used in ((-0.3, 0.5, 2 * SECOND), (-0.7, 0.1, 4 * SECOND)):
        pieces = (Piece(ROLL, SECOND, " Hello"),)
        one.accept(Hypothesis(window_of(one).id, pieces, used, logprob, no_speech))
    assert one.done
    assert (one.result.avg_logprob, one.result.no_speech_prob) == (-0.7, 0.5)


def test_text_in_the_silence_behind_the_sound_is_dropped() -> None:
    one = finishing()
    window = window_of(one)
    inside = Piece(ROLL, SECOND, " Hello.")
    behind = Piece(len(window.samples) - EDGE, len(window.samples), " Thank you.")
    one.accept(Hypothesis(window.id, (inside, behind), 5 * SECOND, -0.2))
    assert one.result.text == " Hello."
    assert one.actions == {"padding": 1}


def test_times_are_moved_to_where_somebody_speaks() -> None:
    one = finishing()
    say(one, " Hello.", start=0, end=len(one.sound.samples), consumed=len(one.sound.samples))
    (piece,) = one.result.pieces
    # As far from the speech as a soft consonant may reach.
    assert (piece.start, piece.end) == (ROLL - 2400, ROLL + 5 * SECOND + 2400)


def test_what_is_given_up_is_done_and_says_why() -> None:
    one = finishing()
    one.lose("the worker broke")
    assert one.done
    assert one.lost == "the worker broke"


def test_it_is_of_a_sound_with_the_same_speech_and_as_much_around_it() -> None:
    one = finishing()
    assert one.is_of(sound())
    assert not one.is_of(sound(start=1001))
    assert not one.is_of(Sound(1000, sound().samples[:-1], sound().speech))


def test_what_is_left_of_a_sound_begins_with_its_speech() -> None:
    rest = sound().behind(100)
    assert (rest.start, rest.speech) == (1100, sound().speech)
    rest = sound().behind(3 * SECOND)
    assert rest.speech == Span(1000 + 3 * SECOND, sound().speech.end)


@given(st.lists(st.tuples(st.integers(0, 6 * SECOND), st.floats(-2, 0), st.floats(0, 1))))
def test_it_comes_to_an_end_whatever_is_answered(answers: list[tuple[int, float, float]]) -> None:
    """Each part takes at most six attempts and uses up a part of the sound."""
    one, given_out = finishing(), 0
    for used, logprob, no_speech in [*answers, *[(LEAST_REST + 1, -2.0, 0.0)] * 200]:
        if one.done:
            break
        window = window_of(one)
        limit = len(window.samples)
        pieces = (Piece(0, min(used, limit), " word"),)
        one.accept(Hypothesis(window.id, pieces, min(used, limit), logprob, no_speech))
        given_out += 1
    assert one.done
    assert given_out <= 7 * (5 * SECOND // LEAST_REST + 2)
    starts = [piece.start for piece in one.result.pieces]
    assert starts == sorted(starts)
