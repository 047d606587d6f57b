"""Messages as JSON text and back.

Fields that are not known are passed over, on both sides; a client passes over types that it does
not know too, a server refuses them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args

from echocli.output.jsonable import dump, event_to_dict
from echocli.wire.codes import (
    MAX_POSITION,
    MAX_SOURCES,
    MAX_TEXT,
    VERSION,
    Close,
    Code,
    Malformed,
)
from echocli.wire.events import event_from_dict
from echocli.wire.reading import build
from echocli.wire.shapes import (
    Accepted,
    Ack,
    Backpressure,
    ClientMessage,
    Finish,
    Format,
    Message,
    Metrics,
    Numbered,
    Ready,
    Refusal,
    Resume,
    Seen,
    ServerMessage,
    SourceMetrics,
    SourceStart,
    Start,
)

__all__ = [
    "Accepted",
    "Ack",
    "Backpressure",
    "ClientMessage",
    "Finish",
    "Format",
    "Message",
    "Metrics",
    "Numbered",
    "Ready",
    "Refusal",
    "Resume",
    "Seen",
    "ServerMessage",
    "SourceMetrics",
    "SourceStart",
    "Start",
    "parse_client",
    "parse_json",
    "parse_object",
    "parse_server",
    "to_dict",
    "to_text",
]

NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Names of sessions and sources."""

RATES = (8000, 48000)
"""The lowest and the highest sample rate."""

CHANNELS = (1, 2)

LONGEST_TOKEN = 256

LONGEST_NUMBER = 20
"""Digits of a whole number at most; positions have 16."""

_CLIENT: Mapping[str, type[Any]] = {shape.type: shape for shape in get_args(ClientMessage)}
_SERVER: Mapping[str, type[Any]] = {
    shape.type: shape for shape in get_args(ServerMessage) if shape is not Numbered
}


def to_text(message: Message) -> str:
    """Return a message as JSON on one line."""
    return dump(to_dict(message))


def to_dict(message: Message) -> dict[str, Any]:
    """Return a message as a dict with its ``type`` first."""
    if isinstance(message, Numbered):
        number = {} if message.seq is None else {"seq": message.seq}
        return event_to_dict(message.event) | number
    found: dict[str, Any] = _laid_out(message)
    return {"type": message.type, **found}


def parse_client(text: str) -> ClientMessage:
    """Read a message of a client; raises :class:`Malformed`, for a type it does not know too."""
    if len(text) > MAX_TEXT:
        raise Malformed(f"a message has more than {MAX_TEXT} characters", Code.TOO_LARGE)
    found = parse_object(text)
    shape = _CLIENT.get(found["type"])
    if shape is None:
        raise Malformed(f"there is no message {found['type'][:40]!r}")
    if shape in (Start, Resume):
        _check_version(found)
    message: ClientMessage = build(shape, found)
    _check(message)
    return message


def parse_server(text: str) -> ServerMessage | None:
    """Read a message of a server, ``None`` for a type not known; raises :class:`Malformed`."""
    found = parse_object(text)
    if shape := _SERVER.get(found["type"]):
        message: ServerMessage = build(shape, found)
        return message
    event = event_from_dict(found)
    return None if event is None else Numbered(_seq(found), event)


def parse_object(text: str) -> dict[str, Any]:
    """Read a JSON object that has a ``type``; raises :class:`Malformed`."""
    found = parse_json(text)
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise Malformed("a message is no object with a type")
    return found


def parse_json(text: str) -> Any:
    """Read JSON; raises :class:`Malformed`.

    Stricter than Python: no NaN, no number too large for a float, no half of a surrogate pair.
    """
    try:
        found = json.loads(text, parse_constant=_refused, parse_float=_float, parse_int=_int)
        _check_text(text, found)
    except (ValueError, RecursionError):
        raise Malformed("a message is no JSON", close=Close.INVALID) from None
    return found


def _laid_out(value: Any) -> Any:
    if is_dataclass(value):
        return {one.name: _laid_out(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {key: _laid_out(one) for key, one in value.items()}
    return [_laid_out(one) for one in value] if isinstance(value, tuple) else value


def _refused(constant: str) -> Any:
    raise ValueError(constant)


def _float(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _refused(digits)


def _int(digits: str) -> int:
    return int(digits) if len(digits) <= LONGEST_NUMBER else _refused(digits)


def _check_text(text: str, found: object) -> None:
    """Raise ``UnicodeEncodeError`` for what no UTF-8 can hold, written out or as an escape."""
    text.encode()
    if "\\ud" in text.lower():
        json.dumps(found, ensure_ascii=False).encode()


def _seq(found: Mapping[str, Any]) -> int | None:
    seq = found.get("seq")
    if seq is None:
        return None
    if isinstance(seq, int) and not isinstance(seq, bool) and 0 < seq <= MAX_POSITION:
        return seq
    raise Malformed("seq is no number of a message")


def _check_version(found: Mapping[str, Any]) -> None:
    version = found.get("version")
    if version != VERSION or isinstance(version, bool):
        text = f"the protocol has version {VERSION} here, {found['type']} says {str(version)[:20]}"
        raise Malformed(text)


def _check(message: ClientMessage) -> None:
    match message:
        case Start():
            _check_sound(message)
            _check_sources(message)
            _check_name("-" if message.session is None else message.session, "session")
        case Resume():
            _check_name(message.session, "session")
            if len(message.token) > LONGEST_TOKEN:
                raise Malformed("the token is no token of a session")


def _check_sound(start: Start) -> None:
    low, high = RATES
    if not low <= start.sample_rate <= high:
        text = f"a sample rate of {start.sample_rate} is not taken: {low} to {high} are"
        raise Malformed(text, Code.BAD_FORMAT)
    if start.channels not in CHANNELS:
        raise Malformed(f"{start.channels} channels are not taken: 1 or 2 are", Code.BAD_FORMAT)


def _check_sources(start: Start) -> None:
    if not 1 <= len(start.sources) <= MAX_SOURCES:
        raise Malformed(f"a session has 1 to {MAX_SOURCES} sources, not {len(start.sources)}")
    for source in start.sources:
        _check_name(source.name, "the name of a source")
    if len({source.name for source in start.sources}) < len(start.sources):
        raise Malformed("two sources have the same name")


def _check_name(name: str, what: str) -> None:
    if not NAME.fullmatch(name):
        raise Malformed(f"{what} must be 1 to 64 letters, digits, '.', '_' or '-'")
