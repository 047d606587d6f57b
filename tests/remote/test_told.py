"""What a server told of a file, as events; what is not as documented is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.events import End, Event, Final, Notice
from echocli.providers.base import LoadSpec
from echocli.remote.exchange import Failed
from echocli.remote.told import Told

pytestmark = pytest.mark.unit

SEGMENT = {"id": 0, "start": 0.0, "end": 1.0, "text": "hello"}
WORD = {"word": "hello", "start": 0.0, "end": 1.0}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3)
    ),
    max_leaves=6,
)


def events(*messages: dict[str, Any]) -> list[Event]:
    told = Told("talk.wav", lambda: LoadSpec("fake", "base", ""), keep_words=True)
    told.begin()
    return [event for message in messages for event in told.take(message)]


def delta(**more: Any) -> dict[str, Any]:
    return {"type": "transcript.text.delta", "segment": SEGMENT | more}


def done(**more: Any) -> dict[str, Any]:
    return {"type": "transcript.text.done", "text": "hello", **more}


@pytest.mark.parametrize("segment", [None, [], [1], "text", 1, {}])
def test_a_segment_that_is_none_is_not_understood(segment: object) -> None:
    with pytest.raises(Failed, match="its answer is not understood") as caught:
        events({"type": "transcript.text.delta", "segment": segment})
    assert caught.value.problem.blames_us


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 10**400, "1", True, None, [1]])
@pytest.mark.parametrize("name", ["id", "start", "end"])
def test_places_are_finite_numbers(name: str, number: object) -> None:
    with pytest.raises(Failed, match=name):
        events(delta(**{name: number}))


@pytest.mark.parametrize("words", [{}, "hello", [1], [[]], [{}], [WORD | {"start": math.nan}]])
def test_words_are_a_list_of_words(words: object) -> None:
    with pytest.raises(Failed, match="not understood"):
        events(delta(words=words))


def test_a_measure_that_is_null_is_not_told() -> None:
    (final,) = [event for event in events(delta(avg_logprob=None)) if isinstance(event, Final)]
    assert (final.segment.avg_logprob, final.segment.confidence) == (0.0, 1.0)


@pytest.mark.parametrize(
    "more",
    [
        {"duration": math.inf},
        {"duration": math.nan},
        {"duration": "1e999"},
        {"duration": 10**400},
        {"notices": {"code": "input"}},
        {"notices": ["text"]},
        {"notices": [{"code": "input"}]},
        {"notices": 1},
        {"language": ["en"]},
    ],
)
def test_an_end_that_is_not_as_documented_is_not_understood(more: dict[str, Any]) -> None:
    with pytest.raises(Failed, match="not understood"):
        events(done(**more))


def test_an_end_may_leave_out_all_but_its_type() -> None:
    assert events(delta(), done())[-1] == End(1.0, None)


def test_an_end_tells_of_the_whole_file() -> None:
    notice = {"code": "input", "message": "talk.wav: ends early"}
    found = events(done(duration=2.5, language="german", notices=[notice]))
    assert Notice("input", "talk.wav: ends early") in found
    assert found[-1] == End(2.5, "de")


@given(anything, st.sampled_from([*SEGMENT, "words", "avg_logprob", "language", "temperature"]))
def test_whatever_a_segment_holds_is_understood_or_refused(value: object, name: str) -> None:
    try:
        finals = [event for event in events(delta(**{name: value})) if isinstance(event, Final)]
    except Failed:
        return
    assert all(math.isfinite(one.segment.start + one.segment.end) for one in finals)


@given(st.dictionaries(st.sampled_from(["duration", "language", "notices"]), anything))
def test_whatever_an_end_holds_is_understood_or_refused(more: dict[str, Any]) -> None:
    try:
        end = events(done(**more))[-1]
    except Failed:
        return
    assert isinstance(end, End)
    assert math.isfinite(end.duration)
