"""Other tools' spellings of options."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.cli.arguments import ALIASES, FLAGS, modernise, take_debug

pytestmark = pytest.mark.unit

WORDS = st.lists(st.text(min_size=0, max_size=8))
PLAIN = st.lists(st.text(alphabet="abc./ 1", max_size=8))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--beam_size 5", "--beam-size 5"),
        ("--beam_size=5", "--beam-size=5"),
        ("--vad_filter True", "--vad"),
        ("--vad_filter False", "--no-vad"),
        ("--vad_filter=false", "--no-vad"),
        ("--vad_filter", "--vad"),
        ("--word_timestamps True --verbose False", "--word-timestamps"),
        ("--verbose True", "--verbose"),
        ("--verbose=False talk.wav", "talk.wav"),
        ("--skip_existing False", "--no-skip-existing"),
        ("--fp16 False talk.wav", "talk.wav"),
        ("--fp16=True talk.wav", "talk.wav"),
        ("--fp16 talk.wav", "--fp16 talk.wav"),
        ("--word_timestamps talk.wav", "--word-timestamps talk.wav"),
        ("--vad_min_speech_duration_ms 100", "--vad-min-speech-ms 100"),
        ("--clip_timestamps 0,5,9", "--clip-timestamps 0,5,9"),
        ("--logprob_threshold -1", "--log-prob-threshold -1"),
        ("-m tiny -o out", "-m tiny -o out"),
        ("--model True", "--model True"),
        ("-- --vad_filter True", "-- --vad_filter True"),
        ("--initial_prompt=a_b=c_d", "--initial-prompt=a_b=c_d"),
        ("my_file.wav", "my_file.wav"),
    ],
)
def test_other_spellings_mean_ours(typed: str, meant: str) -> None:
    assert modernise(typed.split()) == meant.split()


def test_debug_works_anywhere_before_the_dashes() -> None:
    assert take_debug(["transcribe", "a", "--debug"]) == (True, ["transcribe", "a"])
    assert take_debug(["transcribe", "--", "--debug"]) == (False, ["transcribe", "--", "--debug"])


@given(PLAIN)
def test_words_that_are_no_options_stay(words: list[str]) -> None:
    assert modernise(words) == words


@given(WORDS, WORDS)
def test_nothing_behind_the_dashes_changes(head: list[str], tail: list[str]) -> None:
    head = [word for word in head if word != "--"]
    assert modernise([*head, "--", *tail])[-len(tail) - 1 :] == ["--", *tail]


@given(st.lists(st.sampled_from([*ALIASES, *FLAGS, "True", "false", "x", "--beam_size=1"])))
def test_rewriting_twice_changes_nothing_more(words: list[str]) -> None:
    once = modernise([word for word in words if word.lower() not in ("true", "false")])
    assert modernise(once) == once
