from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.events import (
    Backfill,
    End,
    Failover,
    Final,
    Gap,
    Level,
    Meter,
    Notice,
    Partial,
    Ready,
    SpeechEnded,
    SpeechStarted,
    StatsEvent,
)
from echocli.output.jsonable import dump, event_to_dict, plain, transcript_to_dict
from echocli.types import Segment, Transcript, Word

pytestmark = pytest.mark.unit

SEGMENT = Segment(
    id=0,
    start=1.23456,
    end=2.0,
    text=" Hello",
    avg_logprob=-0.123456,
    words=(Word(1.23456, 2.0, " Hello", 0.987654),),
    language="en",
    source="mic",
)


def test_final_carries_the_segment_flat_with_the_type_first() -> None:
    assert event_to_dict(Final(SEGMENT)) == {
        "type": "final",
        "id": 0,
        "start": 1.235,
        "end": 2.0,
        "text": " Hello",
        "avg_logprob": -0.1235,
        "no_speech_prob": 0.0,
        "compression_ratio": 0.0,
        "confidence": 1.0,
        "temperature": 0.0,
        "words": [{"start": 1.235, "end": 2.0, "text": " Hello", "probability": 0.9877}],
        "language": "en",
        "source": "mic",
        "speaker": None,
    }
    assert next(iter(event_to_dict(Final(SEGMENT)))) == "type"


def test_backfill_is_a_final_under_another_type() -> None:
    assert event_to_dict(Backfill(SEGMENT)) == event_to_dict(Final(SEGMENT)) | {"type": "backfill"}


def test_partial_carries_its_segment_flat_and_what_is_committed() -> None:
    event = Partial(Segment(7, 1.0, 2.0, "Hello wor", source="mic"), "Hello")
    found = event_to_dict(event)
    assert (found["type"], found["id"], found["text"]) == ("partial", 7, "Hello wor")
    assert found["committed"] == "Hello"


def test_words_are_left_out_when_none_were_asked_for() -> None:
    assert "words" not in event_to_dict(Final(Segment(0, 0.0, 1.0, "a")))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            Ready("a.wav", "faster-whisper", "tiny.en", "0.1.0"),
            {
                "type": "ready",
                "source": "a.wav",
                "provider": "faster-whisper",
                "model": "tiny.en",
                "model_revision": "0.1.0",
                "model_sha256": None,
            },
        ),
        (
            Gap(1.00049, 2.5, "overload"),
            {"type": "gap", "start": 1.0, "end": 2.5, "reason": "overload", "source": None},
        ),
        (
            SpeechStarted(3, 1.00049, "mic"),
            {"type": "speech_started", "id": 3, "start": 1.0, "source": "mic"},
        ),
        (
            SpeechEnded(3, 1.0, 2.0004, "silence", "mic"),
            {
                "type": "speech_ended",
                "id": 3,
                "start": 1.0,
                "end": 2.0,
                "reason": "silence",
                "source": "mic",
            },
        ),
        (
            Meter(1.0, -32.16, -20.0, "mic"),
            {"type": "meter", "position": 1.0, "rms": -32.16, "peak": -20.0, "source": "mic"},
        ),
        (
            Level("NORMAL", "DEGRADE", "RTF 1.31", 1.3142, 2.0, ("model tiny.en", "greedy"), 12.5),
            {
                "type": "level",
                "from": "NORMAL",
                "to": "DEGRADE",
                "reason": "RTF 1.31",
                "rtf": 1.314,
                "backlog": 2.0,
                "effects": ["model tiny.en", "greedy"],
                "position": 12.5,
            },
        ),
        (
            Level("WARNING", "NORMAL", "the load is over", None, 0.0, ()),
            {
                "type": "level",
                "from": "WARNING",
                "to": "NORMAL",
                "reason": "the load is over",
                "rtf": None,
                "backlog": 0.0,
                "effects": [],
                "position": 0.0,
            },
        ),
        (
            Failover("faster-whisper:base", "faster-whisper:tiny.en", "died", 12.34567),
            {
                "type": "failover",
                "from": "faster-whisper:base",
                "to": "faster-whisper:tiny.en",
                "reason": "died",
                "replayed_seconds": 12.346,
            },
        ),
        (Notice("early", "m"), {"type": "notice", "code": "early", "message": "m"}),
        (StatsEvent({"rtf": 0.012345}), {"type": "stats", "stats": {"rtf": 0.0123}}),
        (End(3.0004, None), {"type": "end", "duration": 3.0, "language": None}),
    ],
)
def test_events_name_their_fields(event: Ready, expected: dict[str, object]) -> None:
    assert event_to_dict(event) == expected


def test_transcript_has_the_documented_order() -> None:
    transcript = Transcript("Hello", "en", 2.00049, (SEGMENT,), "scripted", "script", {"n": 1})
    result = transcript_to_dict(transcript)
    assert list(result) == [
        "schema",
        "text",
        "language",
        "duration",
        "segments",
        "provider",
        "model",
        "model_revision",
        "model_sha256",
        "stats",
    ]
    assert result["duration"] == 2.0


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_numbers_that_are_not_finite_are_null(number: float) -> None:
    assert plain({"x": [number]}) == {"x": [None]}


def test_numpy_numbers_are_plain_numbers() -> None:
    assert dump({"a": np.float32(0.5), "b": np.int64(3), "c": True}) == (
        '{"a": 0.5, "b": 3, "c": true}'
    )


def test_rounding_never_gives_minus_zero() -> None:
    assert dump({"x": -0.00001}) == '{"x": 0.0}'


@given(st.text(st.characters()), st.floats(), st.floats(), st.dictionaries(st.text(), st.floats()))
def test_any_event_is_json(text: str, start: float, end: float, stats: dict[str, float]) -> None:
    for event in (Final(Segment(0, start, end, text, start)), StatsEvent(stats), Notice("a", text)):
        line = dump(event_to_dict(event))
        line.encode("utf-8")
        assert "\n" not in line
        assert json.loads(line)["type"] == event.type
