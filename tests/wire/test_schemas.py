"""What is really sent, and the examples of the document, held against the schemas."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from echocli.events import Partial
from echocli.wire.codes import (
    CLOSES,
    FRAME_SECONDS,
    MAX_FRAME,
    MAX_SECONDS,
    MAX_SOURCES,
    RETRYABLE,
    Malformed,
)
from echocli.wire.events import NOT_SENT
from echocli.wire.messages import (
    Accepted,
    Ack,
    Backpressure,
    ClientMessage,
    Metrics,
    Numbered,
    Ready,
    Refusal,
    ServerMessage,
    parse_client,
    parse_server,
    to_dict,
    to_text,
)
from tests.conftest import ROOT
from tests.docs.pages import Block, blocks_of
from tests.server.seats import FIGURES
from tests.tools.strictly import check
from tests.tools.test_schemas import EXAMPLES
from tests.wire.strategies import CLIENT
from tools.schemas.documents import CLIENT as CLIENT_DOCUMENT
from tools.schemas.documents import SERVER as SERVER_DOCUMENT
from tools.schemas.documents import schema

pytestmark = pytest.mark.unit

PAGE = ROOT / "docs" / "protocol.md"
TEXT = PAGE.read_text("utf-8")
ORIGINAL = TEXT[: TEXT.index("## The original contract")].count("\n")
"""Line from which on the page is about another contract."""

MESSAGES: list[ServerMessage] = [
    Accepted("talk", "t", False, {"mic": 0}, {"mic": 0}, {"frame_bytes": 4}),
    Ready("talk", "scripted", "m", None, None, ("mic",)),
    Ack({"mic": 5}, {"mic": 4}),
    Backpressure(True, 0.9),
    Metrics({"mic": FIGURES}),
    Refusal("idle", "no sound", True, None),
    *(
        Numbered(None if isinstance(event, Partial) else 1, event)
        for event in EXAMPLES
        if event.type not in NOT_SENT
    ),
]


def types(document: object) -> set[str]:
    assert document in (CLIENT_DOCUMENT, SERVER_DOCUMENT)
    whole = schema(document)
    names = {one["$ref"].rpartition("/")[2] for one in whole["oneOf"] if "$ref" in one}
    return {whole["$defs"][name]["properties"]["type"]["const"] for name in names}


def examples() -> list[Block]:
    return [one for one in blocks_of(PAGE) if one.language == "json" and one.line < ORIGINAL]


@given(CLIENT)
def test_what_a_client_sends_is_as_the_schema_says(message: ClientMessage) -> None:
    check("wire-client", json.loads(to_text(message)))


START = {
    "type": "start",
    "version": 1,
    "sample_rate": 16000,
    "format": "pcm_s16le",
    "channels": 1,
    "sources": [{"name": "mic"}],
}
RESUME = {"type": "resume", "version": 1, "session": "talk", "token": "t"}


@pytest.mark.parametrize(
    "message",
    [
        START,
        START | {"sample_rate": 16000.0},
        START | {"sample_rate": 7999},
        START | {"sample_rate": 16000.5},
        START | {"channels": 3},
        START | {"channels": True},
        START | {"sources": []},
        START | {"sources": [{"name": name} for name in "abcd"]},
        START | {"sources": [{"name": name} for name in "abcde"]},
        START | {"sources": [{"name": "a b"}]},
        START | {"sources": [{"name": ""}]},
        START | {"session": None},
        START | {"session": "x" * 64},
        START | {"session": "x" * 65},
        START | {"session": "a/b"},
        START | {"version": 2},
        START | {"later": True},
        RESUME,
        RESUME | {"session": "a b"},
        RESUME | {"token": "x" * 256},
        RESUME | {"token": "x" * 257},
        RESUME | {"seq": -1},
        {"type": "seen", "seq": 2**53},
        {"type": "later"},
    ],
    ids=str,
)
def test_the_schema_takes_what_the_server_takes(message: dict[str, object]) -> None:
    valid = Draft202012Validator(schema(CLIENT_DOCUMENT)).is_valid(message)
    try:
        parse_client(json.dumps(message))
    except Malformed:
        assert not valid
    else:
        assert valid


def test_a_message_that_is_not_known_yet_is_one_of_the_servers() -> None:
    validator = Draft202012Validator(schema(SERVER_DOCUMENT))
    assert validator.is_valid({"type": "later", "what": 1})
    assert not validator.is_valid({"type": "ack"})
    assert not validator.is_valid({"what": 1})


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: str(to_dict(message)["type"]))
def test_what_the_server_sends_is_as_the_schema_says(message: ServerMessage) -> None:
    check("wire-server", json.loads(to_text(message)))


def test_there_is_one_of_each() -> None:
    assert {to_dict(message)["type"] for message in MESSAGES} == types(SERVER_DOCUMENT)


@pytest.mark.parametrize("block", examples(), ids=lambda block: block.name)
def test_an_example_of_the_document_is_a_message(block: Block) -> None:
    found = json.loads(block.text)
    if found["type"] in types(CLIENT_DOCUMENT):
        check("wire-client", found)
        assert to_dict(parse_client(block.text)) == found
    else:
        check("wire-server", found)
        message = parse_server(block.text)
        assert message is not None
        assert json.loads(to_text(message)) == found


def test_the_document_has_an_example_of_every_message_that_is_no_event() -> None:
    shown = {json.loads(block.text)["type"] for block in examples()}
    events = {event.type for event in EXAMPLES} - NOT_SENT
    assert shown >= (types(CLIENT_DOCUMENT) | types(SERVER_DOCUMENT)) - events


@pytest.mark.parametrize("code", CLOSES)
def test_the_document_has_every_code_with_its_close(code: str) -> None:
    lines = TEXT.splitlines()[:ORIGINAL]
    (row,) = (line for line in lines if line.startswith(f"| `{code}` | "))
    assert str(int(CLOSES[code])) in row.split("|")[2]
    assert ("mend" in row or "ask" in row or "leave" in row) is (code not in RETRYABLE)


def test_the_document_has_the_bounds() -> None:
    assert (MAX_FRAME, FRAME_SECONDS, MAX_SOURCES) == (2**20, 10, 4)
    assert "| frame | 1 MiB, 10 s |" in TEXT
    assert "| sources | 4 |" in TEXT
    assert MAX_SECONDS == 2e12
    assert "seconds from 0 to 2 × 10¹²" in TEXT
