from __future__ import annotations

import json
import math

import pytest
from hypothesis import given

from echocli.events import Event, Final
from echocli.output.jsonable import dump, event_to_dict
from echocli.types import Segment
from echocli.wire.codes import Malformed
from echocli.wire.events import EVENTS, event_from_dict
from tests.wire.strategies import EVENTS as ANY

pytestmark = pytest.mark.unit

FINAL = event_to_dict(Final(Segment(0, 0.0, 1.0, " a")))


@given(ANY)
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    assert event_from_dict(json.loads(dump(event_to_dict(event)))) == event


def test_a_type_that_is_not_known_is_nothing() -> None:
    assert event_from_dict({"type": "weather"}) is None
    assert event_from_dict({}) is None
    assert event_from_dict({"type": ["final"]}) is None


def test_a_measure_that_was_not_finite_is_none_again() -> None:
    found = event_from_dict(FINAL | {"avg_logprob": None})
    assert isinstance(found, Final)
    assert math.isnan(found.segment.avg_logprob)


def test_whole_numbers_are_seconds_too() -> None:
    found = event_from_dict(FINAL | {"start": 2})
    assert isinstance(found, Final)
    assert isinstance(found.segment.start, float)


def test_fields_that_are_new_or_missing_with_a_default_do_no_harm() -> None:
    found = {key: FINAL[key] for key in ("type", "id", "start", "end", "text")}
    assert event_from_dict(found | {"new": 1}) == Final(Segment(0, 0.0, 1.0, " a"))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "0"},
        {"id": None},
        {"id": True},
        {"start": "0"},
        {"start": True},
        {"start": 10**400},
        {"start": -0.001},
        {"start": None},
        {"temperature": None},
        {"end": 1e308},
        {"end": math.inf},
        {"end": math.nan},
        {"id": -1},
        {"id": 2**53},
        {"words": [{"start": 0, "end": None, "text": "a", "probability": 1}]},
        {"text": None},
        {"words": [1]},
        {"words": {}},
        {"words": [{"start": 0}]},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_a_field_of_another_kind_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Malformed, match=r"final|Word"):
        event_from_dict(FINAL | changes)


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_every_event_needs_its_fields(kind: str) -> None:
    with pytest.raises(Malformed, match=f"has no|{kind}"):
        event_from_dict({"type": kind})
