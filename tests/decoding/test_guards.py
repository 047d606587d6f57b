from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.decoding.guards import (
    Thresholds,
    Verdict,
    best,
    compression_ratio,
    is_looping,
    is_silence,
    judge,
)
from echocli.providers.base import Hypothesis, Piece

pytestmark = pytest.mark.unit

LOOP = " so many words" * 30
TEXT = " The quick brown fox jumps over the lazy dog."


def heard(text: str = TEXT, logprob: float = -0.2, no_speech: float = 0.0) -> Hypothesis:
    return Hypothesis(0, (Piece(0, 16_000, text),), 16_000, logprob, no_speech)


hypotheses = st.builds(
    heard,
    st.sampled_from([TEXT, LOOP, "", " a"]),
    st.floats(-5, 0),
    st.floats(0, 1),
)


@pytest.mark.parametrize(
    ("hypothesis", "verdict"),
    [
        (heard(), Verdict.ACCEPT),
        (heard(LOOP), Verdict.REPETITIVE),
        (heard(logprob=-1.2), Verdict.IMPROBABLE),
        (heard(logprob=-1.2, no_speech=0.7), Verdict.SILENCE),
        (heard(LOOP, logprob=-1.2, no_speech=0.7), Verdict.SILENCE),
        (heard(LOOP, logprob=-1.2), Verdict.REPETITIVE),
        (heard(logprob=-0.5, no_speech=0.9), Verdict.ACCEPT),
        (heard(logprob=-1.0), Verdict.ACCEPT),
        (heard("", logprob=-0.1), Verdict.EMPTY),
        (heard("  ", logprob=-0.1, no_speech=0.6), Verdict.EMPTY),
        (heard("", logprob=-0.1, no_speech=0.61), Verdict.ACCEPT),
        (heard("", logprob=-1.2, no_speech=0.7), Verdict.SILENCE),
        (heard(" no no no no no", logprob=-0.1), Verdict.REPETITIVE),
    ],
)
def test_verdicts_are_those_of_whisper(hypothesis: Hypothesis, verdict: Verdict) -> None:
    assert judge(hypothesis, Thresholds()) is verdict


def test_a_check_that_is_off_does_not_fire() -> None:
    assert judge(heard(LOOP), Thresholds(compression_ratio=None)) is Verdict.ACCEPT
    assert judge(heard(logprob=-9), Thresholds(log_prob=None)) is Verdict.ACCEPT
    silent = heard(logprob=-9, no_speech=1)
    assert judge(silent, Thresholds(no_speech=None)) is Verdict.IMPROBABLE


def test_without_a_log_prob_check_no_speech_alone_decides() -> None:
    assert is_silence(heard(logprob=-0.1, no_speech=0.7), Thresholds(log_prob=None))


def test_a_loop_compresses_and_a_sentence_does_not() -> None:
    assert compression_ratio(LOOP) > 2.4 > compression_ratio(TEXT)
    assert compression_ratio("") == 0


@pytest.mark.parametrize(
    ("text", "looping"),
    [
        ("no no no no", False),
        ("no no no no no", True),
        ("No. no. NO. no. no.", True),
        ("on and on and on and on", False),
        ("on and on and on and on and", True),
        ("so many words " * 4, True),
        ("so many words " * 3, False),
        ("one two three four five six seven eight " * 4, True),
        ("one two three four five six seven eight nine " * 4, False),
        ("", False),
    ],
)
def test_a_phrase_may_follow_itself_three_times_at_most(text: str, looping: bool) -> None:
    assert is_looping(text) is looping


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8), st.integers(5, 20))
def test_whatever_is_said_over_and_over_is_a_loop(phrase: list[str], times: int) -> None:
    assert is_looping(" ".join(phrase * times))


def test_a_short_loop_does_not_compress_and_is_found_all_the_same() -> None:
    short = " no no no no no"
    assert compression_ratio(short.strip()) < 2.4
    assert judge(heard(short), Thresholds()) is Verdict.REPETITIVE
    assert judge(heard(short), Thresholds(compression_ratio=None)) is Verdict.ACCEPT


def test_a_loop_is_decoded_again_where_there_may_be_speech() -> None:
    def loop(no_speech: float) -> Hypothesis:
        return Hypothesis(0, (Piece(0, 1, LOOP),), 1, -0.2, no_speech, evidence=0.5)

    assert judge(loop(0.5), Thresholds()) is Verdict.REPETITIVE
    assert judge(loop(0.9), Thresholds()) is Verdict.INVENTED


@given(st.text(max_size=500))
def test_the_ratio_is_a_number_for_any_text(text: str) -> None:
    assert compression_ratio(text) >= 0


def test_best_prefers_a_straight_text_to_a_probable_loop() -> None:
    straight, loop = heard(logprob=-2), heard(LOOP, logprob=-0.1)
    assert best([loop, straight], Thresholds()) is straight
    assert best([loop, heard(LOOP, logprob=-0.5)], Thresholds()) is loop


@given(st.lists(hypotheses, min_size=1, max_size=6))
def test_best_is_one_of_them_and_none_of_its_kind_is_more_probable(
    tried: list[Hypothesis],
) -> None:
    limits = Thresholds()
    chosen = best(tried, limits)
    kind = judge(chosen, limits) is Verdict.REPETITIVE
    alike = [h for h in tried if (judge(h, limits) is Verdict.REPETITIVE) == kind]
    assert chosen in tried
    assert chosen.avg_logprob == max(h.avg_logprob for h in alike)
    assert not kind or len(alike) == len(tried)


def test_text_that_silence_would_give_as_well_is_invented() -> None:
    hypothesis = Hypothesis(
        0, (Piece(0, 1, " Thank you."),), 1, avg_logprob=-0.7, no_speech_prob=0.8, evidence=0.9
    )
    assert judge(hypothesis, Thresholds()) is Verdict.INVENTED
    assert judge(hypothesis, Thresholds(evidence=None)) is Verdict.ACCEPT
