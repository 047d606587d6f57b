"""Schemas made from classes, and every event through the real writer held against them."""

from __future__ import annotations

import json
from dataclasses import fields
from enum import StrEnum
from io import StringIO
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NotRequired, TypedDict, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from echocli import events
from echocli.output.jsonable import dump, event_to_dict, transcript_to_dict
from echocli.output.subtitles import WriteOptions
from echocli.output.writers import make_writer
from echocli.runtime.stats import RunStats
from echocli.types import Segment, Transcript, Word
from tests.conftest import ROOT
from tests.tools.strictly import check, strict
from tools.schemas.documents import DOCUMENTS, schema
from tools.schemas.draft import Drawing
from tools.schemas.shapes import Count, Seconds, about, properties
from tools.schemas.stream import event_types

pytestmark = pytest.mark.unit

FOLDER = ROOT / "docs" / "schemas"

WORD = Word(0.5, 0.75, " one", 0.5)
SEGMENT = Segment(1, 0.5, 1.0, " One.", -0.5, 0.1, 1.2, 0.75, 0.2, (WORD,), "en", "mic")
STATS = RunStats(audio_seconds=2.0, speech_seconds=1.0, busy_seconds=0.5).to_dict()

EXAMPLES: tuple[events.Event, ...] = (
    events.Ready("a.wav", "scripted", "m"),
    events.Ready("a.wav", "scripted", "m", "1.0", "0" * 64),
    events.SpeechStarted(1, 0.5, "mic"),
    events.Partial(SEGMENT, " One"),
    events.SpeechEnded(1, 0.5, 1.0, "silence", "mic"),
    events.Final(SEGMENT),
    events.Final(Segment(0, 0.0, 1.0, "", avg_logprob=float("-inf"), confidence=float("nan"))),
    events.Meter(0.25, -30.0, -12.5, "mic"),
    events.Gap(1.0, 2.0, "spooled: too slow"),
    events.Gap(1.0, 2.0, "discarded: full", "mic"),
    events.Backfill(SEGMENT),
    events.Level("NORMAL", "WARNING", "RTF 0.9", 0.9, 1.0, ("greedy",), 3.0),
    events.Level("WARNING", "FAILOVER", "a backlog", None, 12.0, ()),
    events.Failover("scripted:a", "scripted:b", "it died", 2.0),
    events.Notice("input", "a.wav ends early"),
    events.StatsEvent(STATS),
    events.End(2.0, None),
)


class Mood(StrEnum):
    """What a plate is like."""

    GOOD = "good"
    """Good."""


class Base(TypedDict):
    """Not told."""

    from_: Count
    """Where it
    comes from."""


class Plate(Base):
    """A plate, in ``class`` words.

    And more that nobody reads.
    """

    mood: Mood | None
    """How it is."""
    width: Seconds
    """How wide."""
    parts: NotRequired[list[Base]]
    """What it is made of."""
    rest: dict[str, int | str]
    """All the rest."""
    kind: Literal["plate"]
    """What it is."""
    any: Any
    """Anything."""


class Bare(TypedDict):
    """Not described."""

    name: str


def test_fields_keep_their_order_and_lose_the_underscore() -> None:
    found = properties(Plate, {})
    assert [one.name for one in found] == ["from", "mood", "width", "parts", "rest", "kind", "any"]
    assert found[0].text == "Where it comes from."
    assert [one.name for one in found if not one.required] == ["parts"]
    assert about(Plate) == "A plate, in `class` words."


def test_annotations_become_a_schema() -> None:
    drawing = Drawing()
    assert drawing.reference(Plate) == {"$ref": "#/$defs/Plate"}
    found = drawing.defs["Plate"]["properties"]
    assert all(one.pop("description") for one in found.values())
    assert found == {
        "from": {"type": "integer", "minimum": 0},
        "mood": {"enum": ["good", None]},
        "width": {"type": "number", "minimum": 0},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Base"}},
        "rest": {"type": "object", "additionalProperties": {"type": ["integer", "string"]}},
        "kind": {"const": "plate"},
        "any": {},
    }


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (int | None, {"type": ["integer", "null"]}),
        (Base | None, {"anyOf": [{"$ref": "#/$defs/Base"}, {"type": "null"}]}),
        (
            list[Base] | str,
            {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Base"}}, {"type": "string"}]},
        ),
        (Path, {"type": "string"}),
        (NoneType, {"type": "null"}),
    ],
    ids=str,
)
def test_alternatives_are_told(kind: Any, expected: object) -> None:
    assert Drawing().kind(kind) == expected


def test_a_field_without_a_description_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Bare\.name has no description"):
        properties(Bare, {})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
class TestEverySchema:
    def test_is_valid_and_says_what_it_is(self, document: Any) -> None:
        found = schema(document)
        Draft202012Validator.check_schema(found)
        assert found["$id"] == f"urn:echocli:schema:{document.name}"
        assert found["title"]
        assert found["description"]

    def test_describes_every_field_and_allows_more(self, document: Any) -> None:
        found = schema(document)
        for one in [found, *found["$defs"].values()]:
            if "properties" in one:
                assert one["additionalProperties"] is True
                assert all(field["description"] for field in one["properties"].values())
                assert one["description"]

    def test_refers_to_nothing_outside(self, document: Any) -> None:
        text = json.dumps(schema(document))
        names = {part.partition('"')[0] for part in text.split('"$ref": "')[1:]}
        assert names <= {f"#/$defs/{name}" for name in schema(document)["$defs"]}

    def test_is_the_one_that_is_published(self, document: Any) -> None:
        assert json.loads((FOLDER / document.file).read_text("utf-8")) == schema(document)


def test_there_is_an_example_of_every_event() -> None:
    assert {type(event) for event in EXAMPLES} == set(event_types())
    assert {*event_types(), events.Progress} == set(get_args(events.Event))


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.type)
def test_an_event_is_as_its_schema_says(event: events.Event) -> None:
    sink = StringIO()
    make_writer("jsonl", sink, WriteOptions()).event(event)
    (line,) = sink.getvalue().splitlines()
    check("event", json.loads(line))


@given(
    st.builds(
        Segment,
        id=st.integers(0),
        start=st.floats(0, 1e6),
        end=st.floats(0, 1e6),
        text=st.text(),
        avg_logprob=st.floats(),
        no_speech_prob=st.floats(0, 1),
        compression_ratio=st.floats(0, 100),
        confidence=st.floats(0, 1),
        temperature=st.floats(0, 1),
        language=st.none() | st.text(),
        source=st.none() | st.text(),
        speaker=st.none(),
        words=st.none() | st.lists(st.just(WORD)).map(tuple),
    )
)
def test_whatever_a_segment_holds_is_as_the_schema_says(segment: Segment) -> None:
    whole = Transcript(segment.text, "en", 1.0, (segment,), "p", "m", STATS)
    check("transcript", json.loads(dump(transcript_to_dict(whole))))
    check("event", json.loads(dump(event_to_dict(events.Final(segment)))))


def test_a_new_field_breaks_the_strict_schema_and_not_the_published_one() -> None:
    line = event_to_dict(events.End(1.0, "en")) | {"new": 1}
    (document,) = (one for one in DOCUMENTS if one.name == "event")
    assert Draft202012Validator(schema(document)).is_valid(line)
    with pytest.raises(AssertionError, match="new"):
        check("event", line)


@pytest.mark.parametrize("name", [field.name for field in fields(Segment) if field.name != "words"])
def test_a_field_that_is_missing_breaks_it(name: str) -> None:
    line = event_to_dict(events.Final(SEGMENT))
    del line[name]
    with pytest.raises(AssertionError, match=name):
        check("event", line)


def test_strictness_leaves_open_what_has_any_names() -> None:
    assert strict({"type": "object", "additionalProperties": {"type": "integer"}}) == {
        "type": "object",
        "additionalProperties": {"type": "integer"},
    }
