from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.wire.codes import MAX_FRAME, MAX_POSITION, Close, Code, Malformed
from echocli.wire.frames import HEADER, WRAP, Frame, decode, encode
from tests.wire.strategies import FRAMES, outcome

pytestmark = pytest.mark.unit


@given(FRAMES)
def test_a_frame_comes_back_as_it_was(frame: Frame) -> None:
    data = encode(frame)
    assert decode(data) == frame
    assert len(data) == HEADER + len(frame.payload)


def test_the_bytes_are_those_of_the_document() -> None:
    data = encode(Frame(1, 2, 3, b"\x04\x05"))
    assert data.hex(" ") == "45 43 01 01 02 00 00 00 03 00 00 00 00 00 00 00 04 05"


def test_the_number_of_a_frame_wraps() -> None:
    assert decode(encode(Frame(0, WRAP + 5, 0, b""))).sequence == 5


@given(st.binary(max_size=40))
def test_any_bytes_are_a_frame_or_malformed(data: bytes) -> None:
    found = outcome(decode, data)
    if isinstance(found, Frame):
        assert encode(found) == data
    else:
        assert (found.code, found.close) == (Code.BAD_MESSAGE, Close.PROTOCOL)


@given(FRAMES, st.data())
def test_a_frame_that_was_cut_or_changed_is_a_frame_or_malformed(
    frame: Frame, data: st.DataObject
) -> None:
    whole = bytearray(encode(frame))
    whole[data.draw(st.integers(0, HEADER - 1))] = data.draw(st.integers(0, 255))
    found = outcome(decode, bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    assert isinstance(found, Frame) or found.close is Close.PROTOCOL


def test_too_much_sound_is_refused_as_that() -> None:
    assert len(decode(encode(Frame(0, 0, 0, bytes(MAX_FRAME)))).payload) == MAX_FRAME
    with pytest.raises(Malformed, match="1048577 bytes of sound") as caught:
        decode(encode(Frame(0, 0, 0, bytes(MAX_FRAME + 1))))
    assert (caught.value.code, caught.value.close) == (Code.TOO_LARGE, Close.TOO_LARGE)


def test_a_position_that_json_could_not_tell_is_refused() -> None:
    with pytest.raises(Malformed, match="begins at sample"):
        decode(encode(Frame(0, 0, MAX_POSITION + 1, b"")))
