from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from echocli.audio.wav import parse_wav

pytestmark = pytest.mark.unit


def wav(subtype: str = "PCM_16", container: str = "WAV", channels: int = 2) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.zeros((8_000, channels)), 8_000, subtype=subtype, format=container)
    return out.getvalue()


@pytest.mark.parametrize(
    ("subtype", "encoding"),
    [
        ("PCM_U8", "u8"),
        ("PCM_16", "s16le"),
        ("PCM_24", "s24le"),
        ("PCM_32", "s32le"),
        ("FLOAT", "f32le"),
        ("ULAW", None),
        ("DOUBLE", None),
    ],
)
@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
def test_header_tells_layout_and_length(subtype: str, encoding: str | None, container: str) -> None:
    data = wav(subtype, container)
    header = parse_wav(lambda size: data[:size])
    assert header is not None
    assert (header.encoding, header.rate, header.channels) == (encoding, 8_000, 2)
    assert header.seconds == pytest.approx(1.0)


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFF000])
def test_a_placeholder_size_is_no_length(size: int) -> None:
    data = wav()
    at = data.index(b"data")
    data = data[: at + 4] + struct.pack("<I", size) + data[at + 8 :]
    header = parse_wav(lambda count: data[:count])
    assert header is not None
    assert header.seconds is None


@given(st.binary(max_size=200))
def test_anything_else_is_left_to_ffmpeg_without_an_exception(data: bytes) -> None:
    parse_wav(lambda size: data[:size])
    headed = b"RIFF\xff\xff\xff\xffWAVE" + data
    parse_wav(lambda size: headed[:size])
