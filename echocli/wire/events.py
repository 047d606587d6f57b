"""Events back from JSON: the other direction of :func:`echocli.output.jsonable.event_to_dict`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from echocli import events
from echocli.events import Event
from echocli.wire.reading import build

EVENTS: Mapping[str, type[Event]] = {shape.type: shape for shape in get_args(Event)}
"""Every event by its ``type``."""

NOT_SENT = frozenset({events.Ready.type, events.Meter.type, events.Progress.type})
"""Events that no server sends: a message of the same name stands for ``ready``."""


def event_from_dict(found: Mapping[str, Any]) -> Event | None:
    """Return the event of a dict, or ``None`` for a ``type`` that is not known.

    Fields that are not known are passed over. Raises :class:`~echocli.wire.codes.Malformed` where
    one is missing or of the wrong kind.
    """
    shape = EVENTS.get(str(found.get("type")))
    if shape is None:
        return None
    event: Event = build(shape, found)
    return event
