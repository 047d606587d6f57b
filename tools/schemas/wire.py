"""The messages of live sound, read from the program's own classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired, TypeAlias, get_args

from echocli import events
from echocli.wire.codes import MAX_POSITION, MAX_SOURCES, VERSION
from echocli.wire.events import NOT_SENT
from echocli.wire.messages import (
    CHANNELS,
    LONGEST_TOKEN,
    NAME,
    RATES,
    Accepted,
    Ack,
    Backpressure,
    ClientMessage,
    Finish,
    Numbered,
    Refusal,
    Resume,
    Seen,
    ServerMessage,
    SourceMetrics,
    SourceStart,
    Start,
)
from tools.schemas.draft import Drawing, Json
from tools.schemas.running import LevelName
from tools.schemas.shapes import (
    Amount,
    Between,
    Count,
    Many,
    Matching,
    Property,
    Refined,
    Share,
    about,
    properties,
)
from tools.schemas.stream import REFINED as STREAM
from tools.schemas.stream import event_fields, event_types

Position: TypeAlias = Annotated[int, Between(0, MAX_POSITION)]
Number: TypeAlias = Annotated[int, Between(1, MAX_POSITION)]

Name: TypeAlias = Annotated[str, Matching(NAME.pattern)]

REFINED: Refined = {
    **{(shape, "version"): Literal[VERSION] for shape in (Start, Resume, Accepted)},
    **{
        (shape, name): Mapping[str, Position]
        for shape in (Accepted, Ack)
        for name in ("received", "final")
    },
    (SourceStart, "name"): Name,
    (SourceStart, "start"): NotRequired[Position],
    (Start, "sample_rate"): Annotated[int, Between(*RATES)],
    (Start, "channels"): Literal[CHANNELS],
    (Start, "sources"): Annotated[Sequence[SourceStart], Many(1, MAX_SOURCES)],
    (Start, "session"): NotRequired[Name | None],
    (Start, "options"): NotRequired[Mapping[str, Any]],
    (Start, "first_id"): NotRequired[Position],
    (Resume, "session"): Name,
    (Resume, "token"): Annotated[str, Matching(longest=LONGEST_TOKEN)],
    (Resume, "seq"): NotRequired[Position],
    (Seen, "seq"): Position,
    (Finish, "catch_up"): NotRequired[bool],
    (Backpressure, "fill"): Share,
    (SourceMetrics, "queue_bytes"): Count,
    (SourceMetrics, "queue_fill_ratio"): Amount,
    (SourceMetrics, "backlog_seconds"): Amount,
    (SourceMetrics, "dropped_total"): Count,
    (SourceMetrics, "avg_infer_ms"): Amount | None,
    (SourceMetrics, "realtime_factor"): Amount | None,
    (SourceMetrics, "rtf_avg_10s"): Amount | None,
    (SourceMetrics, "degrade_level"): LevelName,
    (Refusal, "retry_after"): Amount | None,
}

_SEQ = Property("seq", Number, "Number of the message, for `resume` and `seen`.", required=True)


def client_messages() -> Iterator[type]:
    """Yield the messages of a client."""
    return iter(get_args(ClientMessage))


def server_messages() -> Iterator[type]:
    """Yield the messages of the server that are no events."""
    return (shape for shape in get_args(ServerMessage) if shape is not Numbered)


def sent_events() -> Iterator[type]:
    """Yield the events that the server sends."""
    return (shape for shape in event_types() if _type(shape) not in NOT_SENT)


def draw_client(drawing: Drawing) -> Json:
    """Return the schema of any message of a client."""
    return {"oneOf": list(_messages(drawing, client_messages()))}


def draw_server(drawing: Drawing) -> Json:
    """Return the schema of any message of the server, events among them.

    Types are only ever added: a message of one that it does not know may hold anything.
    """
    drawn = [*_messages(drawing, server_messages()), *_events(drawing, sent_events())]
    known = [_type(shape) for shape in (*server_messages(), *sent_events())]
    return {"oneOf": [*drawn, _other(known)]}


def _messages(drawing: Drawing, shapes: Iterable[type]) -> Iterator[Json]:
    for shape in shapes:
        kind = Property("type", Literal[_type(shape)], "What kind of message it is.", required=True)
        yield _define(drawing, shape, [kind, *properties(shape, REFINED)])


def _events(drawing: Drawing, shapes: Iterable[type]) -> Iterator[Json]:
    for shape in shapes:
        number = [] if shape is events.Partial else [_SEQ]
        yield _define(drawing, shape, [*event_fields(shape), *number])


def _other(known: list[str]) -> Json:
    return {
        "description": "A message of another type, of a later server: pass it over.",
        "type": "object",
        "properties": {"type": {"type": "string", "not": {"enum": known}}},
        "required": ["type"],
    }


def _define(drawing: Drawing, shape: type, fields: list[Property]) -> Json:
    drawing.defs[shape.__name__] = {}
    drawing.defs[shape.__name__] = drawing.object(about(shape), fields)
    return {"$ref": f"#/$defs/{shape.__name__}"}


def _type(shape: type) -> str:
    found: str = vars(shape)["type"]
    return found


WIRE: Refined = {**STREAM, **REFINED}
"""What is true of events and of messages."""
