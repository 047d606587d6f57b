"""What a form of OpenAI's endpoints asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.api.hosting import WISHES
from echocli.server.openai_request import Shape, asked, check_model
from echocli.server.problems import Problem
from echocli.types import Task

pytestmark = pytest.mark.unit

NAMES = (
    *("language", "prompt", "temperature", "response_format", "stream", "keywords[]", "hotwords"),
    *("timestamp_granularities", "timestamp_granularities[]", "include[]", "model"),
)


def test_nothing_asks_for_json_and_leaves_the_rest_to_the_settings() -> None:
    found = asked({}, Task.TRANSCRIBE)
    assert (found.shape, found.stream, found.words, found.segments) == (
        Shape.JSON,
        False,
        False,
        True,
    )
    assert found.wishes == {"task": "transcribe"}


def test_everything_becomes_a_setting() -> None:
    form = {
        "language": ["German"],
        "prompt": ["Names: Ada."],
        "temperature": ["0.2"],
        "keywords[]": ["Ada", " Grace "],
        "include[]": ["logprobs"],
        "response_format": ["verbose_json"],
        "timestamp_granularities[]": ["word", "segment"],
    }
    found = asked(form, Task.TRANSLATE)
    assert found.wishes == {
        "task": "translate",
        "language": "de",
        "initial_prompt": "Names: Ada.",
        "temperature": 0.2,
        "hotwords": "Ada, Grace",
        "word_timestamps": True,
    }
    assert (found.shape, found.words, found.segments) == (Shape.VERBOSE, True, True)


def test_words_alone_leave_segments_out() -> None:
    form = {"response_format": ["verbose_json"], "timestamp_granularities[]": ["word"]}
    found = asked(form, Task.TRANSCRIBE)
    assert (found.words, found.segments) == (True, False)


@pytest.mark.parametrize(("text", "is_true"), [("true", True), ("True", True), ("false", False)])
def test_stream_is_taken_as_clients_write_it(text: str, is_true: bool) -> None:
    assert asked({"stream": [text]}, Task.TRANSCRIBE).stream is is_true


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"response_format": ["docx"]}, "response_format"),
        ({"temperature": ["hot"]}, "temperature"),
        ({"temperature": ["nan"]}, "temperature"),
        ({"temperature": ["1.5"]}, "temperature"),
        ({"temperature": ["-0.1"]}, "temperature"),
        ({"language": ["klingon"]}, "language"),
        ({"stream": ["perhaps"]}, "stream"),
        ({"timestamp_granularities[]": ["letter"]}, "timestamp_granularities"),
        ({"timestamp_granularities[]": ["word"]}, "timestamp_granularities"),
    ],
)
def test_what_makes_no_sense_names_the_parameter(form: Mapping[str, list[str]], param: str) -> None:
    with pytest.raises(Problem) as caught:
        asked(form, Task.TRANSCRIBE)
    assert (caught.value.status, caught.value.param) == (400, param)
    assert param in str(caught.value) or form[param][0] in str(caught.value)


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.text(max_size=20), max_size=3)))
def test_any_form_is_taken_or_refused(form: Mapping[str, Sequence[str]]) -> None:
    try:
        found = asked(form, Task.TRANSCRIBE)
    except Problem as problem:
        assert problem.status == 400  # noqa: PT017 -- both are right
    else:
        assert set(found.wishes) <= WISHES


@pytest.mark.parametrize("name", [None, "", "whisper-1", "tiny.en", "large-v3-turbo", "turbo"])
def test_a_model_that_serves_is_known_by_its_names(name: str | None) -> None:
    check_model(name, ["tiny.en", "large-v3-turbo"])


@pytest.mark.parametrize("name", ["mine", "/srv/models/mine"])
def test_a_model_that_is_a_path_is_known_by_its_last_part(name: str) -> None:
    check_model(name, ["/srv/models/mine"])
    with pytest.raises(Problem, match="there is: mine, whisper-1"):
        check_model("other", ["/srv/models/mine"])


@pytest.mark.parametrize("name", ["gpt-4o-transcribe", "tiny", "../tiny.en", "/etc/passwd"])
def test_any_other_is_not_found_and_those_there_are_told(name: str) -> None:
    with pytest.raises(Problem, match=r"there is: tiny\.en, whisper-1") as caught:
        check_model(name, ["tiny.en", "tiny.en"])
    assert (caught.value.status, caught.value.code) == (404, "model_not_found")


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": ["x" * 5000]},
        {"language": ["x" * 5000]},
        {"temperature": ["x" * 5000]},
        {"timestamp_granularities[]": ["x" * 5000]},
        {"stream": ["x" * 5000]},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_long_value_is_not_repeated_whole(fields: dict[str, list[str]]) -> None:
    with pytest.raises(Problem) as caught:
        asked(fields, Task.TRANSCRIBE)
    assert "x" * 40 in str(caught.value)
    assert "x" * 41 not in str(caught.value)


def test_nor_is_the_name_of_a_model() -> None:
    with pytest.raises(Problem) as caught:
        check_model("x" * 5000, ["tiny.en"])
    assert "x" * 41 not in str(caught.value)
