"""The transcript and the stream of events, read from the program's own classes."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType
from typing import Annotated, Literal, NotRequired, TypeAlias, get_args

from echocli import events
from echocli.types import SCHEMA, Segment, Transcript, Word
from tools.schemas.draft import Drawing, Json
from tools.schemas.running import LevelName, Stats
from tools.schemas.shapes import (
    Amount,
    Between,
    Property,
    Refined,
    Seconds,
    Share,
    about,
    properties,
)

Decibels: TypeAlias = Annotated[float, Between(-100)]

REFINED: Refined = {
    **{
        (shape, name): Seconds
        for shape in (Word, Segment, events.SpeechStarted, events.SpeechEnded, events.Gap)
        for name in ("start", "end")
    },
    # What a library computes may be no finite number, which is null in JSON.
    (Word, "probability"): Share | None,
    (Segment, "avg_logprob"): float | None,
    (Segment, "no_speech_prob"): Share | None,
    (Segment, "compression_ratio"): Amount | None,
    (Segment, "confidence"): Share | None,
    (Segment, "temperature"): Amount,
    (Segment, "words"): NotRequired[list[Word]],
    (Segment, "speaker"): NoneType,
    (Transcript, "duration"): Seconds,
    (Transcript, "stats"): Stats,
    (Transcript, "schema"): Literal[SCHEMA],
    (events.SpeechStarted, "source"): str,
    (events.SpeechEnded, "source"): str,
    (events.SpeechEnded, "reason"): Literal["silence", "split", "gap", "end"],
    (events.Level, "from_"): LevelName,
    (events.Level, "to"): LevelName,
    (events.Level, "rtf"): Amount | None,
    (events.Level, "backlog"): Seconds,
    (events.Level, "position"): Seconds,
    (events.Failover, "replayed_seconds"): Seconds,
    (events.Meter, "position"): Seconds,
    (events.Meter, "rms"): Decibels | None,
    (events.Meter, "peak"): Decibels | None,
    (events.Meter, "source"): str,
    (events.StatsEvent, "stats"): Stats,
    (events.End, "duration"): Seconds,
}


def event_types() -> Iterator[type]:
    """Yield the classes of the stream; ``Progress`` is no part of it."""
    return (shape for shape in get_args(events.Event) if shape is not events.Progress)


def event_fields(shape: type) -> list[Property]:
    """Return what an event of this class has in JSON: its type, and a segment's fields flat."""
    name = getattr(shape, "type")  # noqa: B009 -- every class of the union has one
    found = [Property("type", Literal[name], "What kind of event it is.", required=True)]
    for one in properties(shape, REFINED):
        found += properties(Segment, REFINED) if one.kind is Segment else [one]
    return found


def draw_event(drawing: Drawing) -> Json:
    """Return the schema of any event."""
    branches = []
    for shape in event_types():
        drawing.defs[shape.__name__] = {}
        found = drawing.object(about(shape), event_fields(shape))
        drawing.defs[shape.__name__] = found
        branches.append({"$ref": f"#/$defs/{shape.__name__}"})
    return {"oneOf": branches}
