from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from echocli.decoding.attempts import WIDE_BEAM, Attempts
from echocli.decoding.guards import Thresholds
from echocli.providers.base import Hypothesis, Piece, Window

pytestmark = pytest.mark.unit

SOUND = np.zeros(16_000, np.float32)
LOOP = " again and again" * 30
GOOD = " The quick brown fox jumps over the lazy dog."


def heard(
    window: Window,
    text: str = GOOD,
    logprob: float = -0.2,
    no_speech: float = 0.0,
    evidence: float | None = None,
) -> Hypothesis:
    pieces = (Piece(0, 16_000, text),) if text else ()
    return Hypothesis(
        window.id, pieces, 16_000, logprob, no_speech, window.temperature, evidence=evidence
    )


def attempts(
    *,
    tail: int | None = 64_000,
    previous: tuple[int, ...] = (),
    limits: Thresholds | None = None,
) -> Attempts:
    window = Window(7, 160, SOUND, previous=previous, tail=tail)
    return Attempts(window, limits or Thresholds(), Counter())


def counts(tried: Attempts) -> dict[str, int]:
    return {str(action): count for action, count in tried.actions.items()}


def test_a_text_that_is_believed_is_used_at_once() -> None:
    tried = attempts()
    good = heard(tried.window)
    assert tried.accept(good) is good
    assert counts(tried) == {}


@pytest.mark.parametrize(
    ("text", "logprob", "guard"),
    [(LOOP, -0.2, "repetitive"), (GOOD, -1.5, "improbable"), ("", -0.2, "empty")],
)
def test_a_text_that_is_not_believed_is_decoded_again_wider(
    text: str, logprob: float, guard: str
) -> None:
    tried = attempts(previous=(1, 2))
    assert tried.accept(heard(tried.window, text, logprob)) is None
    again = tried.window
    assert (again.tail, again.beam_size, again.temperature) == (None, WIDE_BEAM, 0.0)
    assert again.previous == ()
    assert (again.id, again.start) == (7, 160)
    good = heard(again)
    assert tried.accept(good) is good
    assert counts(tried) == {guard: 1, "wider": 1}


def test_after_the_wide_window_come_the_temperatures_in_order() -> None:
    tried = attempts()
    temperatures = []
    while tried.accept(heard(tried.window, LOOP)) is None:
        temperatures.append(tried.window.temperature)
        assert tried.window.tail is None
    assert temperatures == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert counts(tried) == {"repetitive": 7, "wider": 1, "hotter": 5}


def test_a_window_that_is_wide_already_goes_straight_to_the_temperatures() -> None:
    tried = attempts(tail=None)
    assert tried.accept(heard(tried.window, LOOP)) is None
    assert tried.window.temperature == 0.2
    assert counts(tried) == {"repetitive": 1, "hotter": 1}


def test_a_wide_window_with_previous_text_is_first_tried_without_it() -> None:
    tried = attempts(tail=None, previous=(1,))
    assert tried.accept(heard(tried.window, LOOP)) is None
    assert (tried.window.previous, tried.window.temperature) == ((), 0.0)


def test_the_best_is_used_where_none_passes() -> None:
    limits = Thresholds(temperatures=(0.0, 0.2, 0.4))
    tried = attempts(limits=limits)
    assert tried.accept(heard(tried.window, LOOP, -0.1)) is None
    assert tried.accept(heard(tried.window, " less bad", -1.1)) is None
    assert tried.accept(heard(tried.window, " bad", -3)) is None
    used = tried.accept(heard(tried.window, " worse", -4))
    assert used is not None
    assert used.text == " less bad"
    assert used.temperature == 0, "that of the attempt that is used"
    assert tried.window.temperature == 0.4


@pytest.mark.parametrize(
    ("no_speech", "logprob", "evidence", "guard"),
    [(0.9, -1.5, None, "silence"), (0.5, -0.4, 0.5, "invented")],
)
def test_where_there_is_no_speech_there_is_no_text(
    no_speech: float, logprob: float, evidence: float | None, guard: str
) -> None:
    tried = attempts()
    used = tried.accept(heard(tried.window, " Thank you.", logprob, no_speech, evidence))
    assert used is not None
    assert used.pieces == ()
    assert counts(tried) == {guard: 1}


def test_no_text_may_also_be_the_end_of_decoding_again() -> None:
    tried = attempts()
    tried.accept(heard(tried.window, LOOP))
    used = tried.accept(heard(tried.window, " Thank you.", -1.5, 0.9))
    assert used is not None
    assert used.pieces == ()
    assert counts(tried) == {"repetitive": 1, "wider": 1, "silence": 1}


def test_a_loop_that_no_attempt_mends_is_dropped_where_silence_would_give_it_as_well() -> None:
    tried = attempts(limits=Thresholds(temperatures=(0.0,)))
    assert tried.accept(heard(tried.window, LOOP, evidence=0.1)) is None
    used = tried.accept(heard(tried.window, LOOP, evidence=0.1))
    assert used is not None
    assert used.pieces == ()
    assert counts(tried) == {"repetitive": 2, "wider": 1, "invented": 1}


@pytest.mark.parametrize(("text", "logprob"), [("", -0.2), (" .", -1.1)])
def test_two_attempts_without_words_are_enough(text: str, logprob: float) -> None:
    tried = attempts()
    assert tried.accept(heard(tried.window, text, logprob)) is None
    used = tried.accept(heard(tried.window, text, logprob))
    assert used is not None
    assert used.pieces == ()
    assert "hotter" not in tried.actions
