from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.wire.codes import MAX_POSITION, MAX_TEXT, Close, Code, Malformed
from echocli.wire.messages import (
    ClientMessage,
    Finish,
    Format,
    Numbered,
    Resume,
    Seen,
    ServerMessage,
    SourceStart,
    Start,
    parse_client,
    parse_server,
    to_dict,
    to_text,
)
from tests.wire.strategies import CLIENT, JSON, SERVER, outcome

pytestmark = pytest.mark.unit

START = to_dict(Start(16_000, Format.PCM_S16LE, 1, (SourceStart("mic"),), "talk"))

WRONG = (Close.PROTOCOL, Close.INVALID, Close.UNSUPPORTED)

PARSERS: tuple[Callable[[str], object], ...] = (parse_client, parse_server)


def start(**changes: object) -> str:
    return json.dumps(START | changes)


@given(CLIENT)
def test_a_message_of_a_client_comes_back_as_it_was(message: ClientMessage) -> None:
    assert parse_client(to_text(message)) == message


@given(SERVER)
def test_a_message_of_a_server_comes_back_as_it_was(message: ServerMessage) -> None:
    assert parse_server(to_text(message)) == message


@given(CLIENT, st.dictionaries(st.text(min_size=12), JSON, max_size=3))
def test_fields_that_are_not_known_are_passed_over(
    message: ClientMessage, more: dict[str, Any]
) -> None:
    found = outcome(parse_client, json.dumps(more | to_dict(message)))
    # A number that no float can hold is refused even there.
    assert found.close is Close.INVALID if isinstance(found, Malformed) else found == message


def test_a_client_passes_over_types_it_does_not_know() -> None:
    assert parse_server('{"type": "weather", "seq": 4}') is None


@given(st.text() | JSON.map(json.dumps))
def test_any_text_is_a_message_or_malformed(text: str) -> None:
    for parse in PARSERS:
        found = outcome(parse, text)
        assert not isinstance(found, Malformed) or found.close in WRONG


@given(CLIENT | SERVER, st.data())
def test_a_message_whose_field_is_anything_is_a_message_or_malformed(
    message: ClientMessage | ServerMessage, data: st.DataObject
) -> None:
    found = to_dict(message)
    found[data.draw(st.sampled_from(sorted(found)))] = data.draw(JSON)
    for parse in PARSERS:
        read = outcome(parse, json.dumps(found))
        assert not isinstance(read, Malformed) or read.close in WRONG


def test_only_type_and_format_must_be_said_of_a_start() -> None:
    text = '{"type":"start","version":1,"sample_rate":8000,"format":"pcm_f32le","channels":2,'
    found = parse_client(text + '"sources":[{"name":"mic"}]}')
    assert found == Start(8000, Format.PCM_F32LE, 2, (SourceStart("mic", 0),))
    assert parse_client('{"type":"finish"}') == Finish(catch_up=True)
    assert parse_client('{"type":"resume","version":1,"session":"a","token":"b"}') == Resume(
        "a", "b", 0
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"version": 2}, Code.BAD_MESSAGE),
        ({"version": True}, Code.BAD_MESSAGE),
        ({"version": None}, Code.BAD_MESSAGE),
        ({"sample_rate": 7999}, Code.BAD_FORMAT),
        ({"sample_rate": 48001}, Code.BAD_FORMAT),
        ({"sample_rate": "16000"}, Code.BAD_MESSAGE),
        ({"sample_rate": 16000.5}, Code.BAD_MESSAGE),
        ({"format": "mp3"}, Code.BAD_FORMAT),
        ({"format": ["pcm_s16le"]}, Code.BAD_FORMAT),
        ({"channels": 3}, Code.BAD_FORMAT),
        ({"channels": True}, Code.BAD_MESSAGE),
        ({"sources": []}, Code.BAD_MESSAGE),
        ({"sources": {}}, Code.BAD_MESSAGE),
        ({"sources": ["mic"]}, Code.BAD_MESSAGE),
        ({"sources": [{"name": "mic"}] * 2}, Code.BAD_MESSAGE),
        ({"sources": [{"name": name} for name in "abcde"]}, Code.BAD_MESSAGE),
        ({"sources": [{"name": "../etc"}]}, Code.BAD_MESSAGE),
        ({"sources": [{"name": "mic", "start": -1}]}, Code.BAD_MESSAGE),
        ({"session": "a b"}, Code.BAD_MESSAGE),
        ({"session": ""}, Code.BAD_MESSAGE),
        ({"session": "a\n"}, Code.BAD_MESSAGE),
        ({"session": "a" * 65}, Code.BAD_MESSAGE),
        ({"session": 4}, Code.BAD_MESSAGE),
        ({"first_id": MAX_POSITION + 1}, Code.BAD_MESSAGE),
        ({"options": []}, Code.BAD_MESSAGE),
    ],
    ids=str,
)
def test_a_start_that_makes_no_sense_is_refused(changes: dict[str, Any], code: Code) -> None:
    with pytest.raises(Malformed) as caught:
        parse_client(start(**changes))
    assert caught.value.code is code


def test_a_whole_number_may_be_written_as_a_fraction() -> None:
    message = parse_client(start(sample_rate=16000.0))
    assert isinstance(message, Start)
    assert isinstance(message.sample_rate, int)


def test_a_long_value_is_not_repeated_whole() -> None:
    with pytest.raises(Malformed) as caught:
        parse_client(start(sources=[{"type": "x" * 5000}]))
    assert "x" * 41 not in str(caught.value)


def test_it_is_said_what_is_wrong() -> None:
    with pytest.raises(Malformed, match=r"start\.format must be one of pcm_s16le, pcm_f32le"):
        parse_client(start(format="mp3"))
    with pytest.raises(Malformed, match=r"start has no sample_rate"):
        parse_client('{"type": "start", "version": 1}')
    with pytest.raises(Malformed, match=r"version 1 here, start says 2"):
        parse_client(start(version=2))


def test_a_version_is_looked_at_before_the_rest() -> None:
    with pytest.raises(Malformed, match="version"):
        parse_client('{"type": "start", "version": 2, "sample_rate": {}}')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        '{"type": "seen", "seq": NaN}',
        '{"type": "seen", "seq": Infinity}',
        '{"type": "seen", "seq": 1e400}',
        '{"type": "seen", "seq": ' + "9" * 5000 + "}",
        '{"type": "finish", "a": "\\ud800"}',
        '{"type": "finish", "a": "\ud800"}',
        '{"type": "finish", "a": ' + "[" * 30_000 + "]" * 30_000 + "}",
    ],
    ids=lambda text: ascii(text)[:40],
)
def test_what_is_no_strict_json_is_refused_as_that(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_client(text)
    assert (caught.value.code, caught.value.close) == (Code.BAD_MESSAGE, Close.INVALID)


def test_pairs_of_surrogates_are_one_character() -> None:
    found = parse_client(start(options={"initial_prompt": "\U0001f600"}))
    assert isinstance(found, Start)
    assert found.options == {"initial_prompt": "\U0001f600"}


def test_a_message_has_a_bound() -> None:
    with pytest.raises(Malformed) as caught:
        parse_client(" " * (MAX_TEXT + 1))
    assert (caught.value.code, caught.value.close) == (Code.TOO_LARGE, Close.TOO_LARGE)


@pytest.mark.parametrize("seq", [0, -1, True, "1", 1.5, MAX_POSITION + 1])
def test_the_number_of_an_event_is_one(seq: object) -> None:
    found = {"type": "end", "duration": 1.0, "language": None, "seq": seq}
    with pytest.raises(Malformed):
        parse_server(json.dumps(found))


def test_a_longer_token_than_any_is_refused() -> None:
    with pytest.raises(Malformed):
        parse_client(to_text(Resume("talk", "a" * 257)))


def test_events_come_with_their_number() -> None:
    found = parse_server('{"type": "notice", "code": "a", "message": "b", "seq": 3, "new": 1}')
    assert isinstance(found, Numbered)
    assert found.seq == 3


def test_a_message_is_one_line() -> None:
    assert "\n" not in to_text(Seen(1))
