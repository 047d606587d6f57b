from __future__ import annotations

from typing import get_args

import pytest

from echocli.events import Event, Final, Gap
from echocli.types import Segment

pytestmark = pytest.mark.unit


def test_every_event_has_a_type_of_its_own() -> None:
    kinds = [event.type for event in get_args(Event)]
    assert sorted(kinds) == [
        "backfill",
        "end",
        "failover",
        "final",
        "gap",
        "level",
        "meter",
        "notice",
        "partial",
        "progress",
        "ready",
        "speech_ended",
        "speech_started",
        "stats",
    ]


def test_events_are_values() -> None:
    assert Gap(1, 2, "lost") == Gap(1, 2, "lost")
    assert Final(Segment(0, 0, 1, "a")) != Final(Segment(1, 0, 1, "a"))
