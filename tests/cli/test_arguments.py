"""Other tools' spellings of options."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.cli.app import load_command, run
from echocli.cli.arguments import (
    ALIASES,
    ALONE,
    FLAGS,
    OWN,
    modernise,
    refuse_empty_paths,
    remarks,
    take_debug,
    with_command,
)
from echocli.cli.foreign import HINTS
from echocli.environment import Environment
from echocli.errors import UsageError

pytestmark = pytest.mark.unit

WORDS = st.lists(st.text(min_size=0, max_size=8))
COMMANDS = ("transcribe", "detect", "models")
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
        ("--threads 0 talk.wav", "talk.wav"),
        ("--threads=0 talk.wav", "talk.wav"),
        ("--threads 4", "--threads 4"),
        ("--local_files_only True", "--offline"),
        ("--local_files_only=False", "--no-offline"),
        ("--batched True --batch_size 16 talk.wav", "talk.wav"),
        ("--batched talk.wav --batch_size=8", "talk.wav"),
        ("--batch_size talk.wav", "--batch-size talk.wav"),
        ("--highlight_words False --device_index=0 talk.wav", "talk.wav"),
        ("--highlight_words True talk.wav", "--highlight-words True talk.wav"),
        ("--suppress_blank True --repetition_penalty 1.0 x", "x"),
        ("--suppress_blank False", "--suppress-blank False"),
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


@pytest.mark.parametrize("typed", ["--batched True", "--batch_size 8", "--batch-size=8"])
def test_what_goes_but_changes_other_tools_is_told(typed: str) -> None:
    (told,) = remarks(["transcribe", *typed.split(), "--", "--fp16"])
    assert told.startswith(typed.replace("_", "-").replace("=", " ").split()[0] + " ")
    assert remarks(["transcribe", "--fp16", "True", "--", *typed.split()]) == ()


def test_people_are_told_of_it_before_anything_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["transcribe", "--batched", "True"], Environment()) == 2
    first = capsys.readouterr().err.splitlines()[0]
    assert first == "echocli: notice: --batched changes nothing: batches are made by themselves"
    assert run(["transcribe", "--batched", "True", "-q"], Environment()) == 2
    assert "batched" not in capsys.readouterr().err


@pytest.mark.parametrize("name", [*HINTS])
def test_an_option_of_another_tool_is_refused_with_what_to_do_instead(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    spelt = "--" + name.removeprefix("--").replace("-", "_")
    assert run(["transcribe", "talk.wav", spelt, "x"], Environment()) == 2
    assert capsys.readouterr().err == f"echocli: error: No such option: {name}\n  {HINTS[name]}\n"


def test_what_to_do_instead_is_there() -> None:
    options = {name for command in ("transcribe", "live") for name in names_of(command)}
    named = {word for hint in HINTS.values() for word in re.findall(r"(?<!\S)--?[a-z][\w-]*", hint)}
    assert named <= options


def names_of(command: str) -> set[str]:
    """Return every name of every option of a command."""
    options = load_command(command).params
    return {name for option in options for name in (*option.opts, *option.secondary_opts)}


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


def is_file(word: str) -> bool:
    return word in ("recording", "detect", "weights")


@pytest.mark.parametrize(
    "words",
    [
        "talk.wav",
        "TALK.MP4 -o out",
        "./recording",
        "recordings/",
        "*.wav",
        "-",
        "recording",
        "-f srt recording",
        "-- recording",
        "-f srt -",
        "-o detect in/talk.wav",
        "-f srt x*.wav",
        "-f srt missing.wav",
        "--output_dir=out --skip_existing talk.wav",
        "-fsrt -o out -qv talk.wav",
        "-qf srt talk.wav",
        "-f srt gone talk.wav",
    ],
)
def test_an_input_in_the_place_of_the_command_means_transcribe(words: str) -> None:
    assert with_command(words.split(), COMMANDS, is_file) == ["transcribe", *words.split()]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "detect",
        "transcribe talk.wav",
        "trancribe talk.wav",
        "model list",
        "--help",
        "-V",
        "-f srt gone",
        "--model weights transcribe talk.wav",
        "-x",
        "-r transcribe talk.wav",
        "-v detect --json",
        "--offline --model talk.wav",
        "-o out/",
        "-f srt detect talk.wav",
    ],
)
def test_everything_else_is_left_to_the_parser(words: str) -> None:
    assert with_command(words.split(), COMMANDS, is_file) == words.split()


@pytest.mark.parametrize("words", ["recordings", "recordings -r", "-q recordings", "-r recordings"])
def test_a_directory_that_is_there_is_an_input(words: str) -> None:
    found = with_command(words.split(), COMMANDS, is_file, lambda name: name == "recordings")
    assert found == ["transcribe", *words.split()]


@pytest.mark.parametrize("words", ["modles pull base -r", "recordngs -r"])
def test_what_is_neither_there_nor_a_path_may_be_a_command_that_is_mistyped(words: str) -> None:
    assert with_command(words.split(), COMMANDS, is_file) == words.split()


@pytest.mark.parametrize(
    "words",
    [
        ["transcribe", "talk.wav", "-o", ""],
        ["transcribe", "talk.wav", "--output_dir="],
        ["bench", "--html", ""],
    ],
)
def test_a_path_without_a_letter_is_refused_with_its_option(words: list[str]) -> None:
    with pytest.raises(UsageError, match="is empty") as caught:
        refuse_empty_paths(words)
    assert "variable" in str(caught.value.hint)


def test_other_values_may_be_empty() -> None:
    refuse_empty_paths(["transcribe", "talk.wav", "--initial-prompt", "", "-o", "out", "--", ""])


def test_the_options_that_no_value_follows_are_known() -> None:
    command = load_command("transcribe")
    alone = {
        name
        for option in command.params
        if getattr(option, "is_flag", False) or getattr(option, "count", False)
        for name in (*option.opts, *option.secondary_opts)
    }
    assert alone | OWN == ALONE


@given(st.lists(st.sampled_from(["talk.wav", "-", "-r", "detect", "x", "--", "recording"])))
def test_a_command_is_put_before_at_most_once(words: list[str]) -> None:
    once = with_command(words, COMMANDS, is_file)
    assert once in (words, ["transcribe", *words])
    assert with_command(once, COMMANDS, is_file) == once
