from __future__ import annotations

import contextlib
import io
import itertools
import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
import pytest
import soundfile

from echocli.audio.file import FileSource
from echocli.audio.open import open_source
from echocli.audio.pipe import USUAL, PipeSource, RawFormat, is_container
from echocli.audio.raw import RawFileSource
from echocli.errors import InputError, UsageError
from echocli.types import Samples

pytestmark = pytest.mark.unit


def tone(seconds: float, rate: int = 16_000) -> Samples:
    time_axis = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * 220 * time_axis)).astype(np.float32)


def encoded(container: str, sound: Samples, rate: int = 16_000) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, sound, rate, format=container)
    return out.getvalue()


class Pipe:
    """A real pipe that stays open; a guard ends it, so that waiting in vain fails, not hangs."""

    def __init__(self) -> None:
        read, self._write = os.pipe()
        self.reader: BinaryIO = os.fdopen(read, "rb")
        self.ended = threading.Event()
        self._guard = threading.Timer(5, self._end)
        self._guard.start()
        self._writers: list[threading.Thread] = []

    def write(self, data: bytes, *, last: bool = False) -> None:
        self._writers.append(threading.Thread(target=self._push, args=(data, last)))
        self._writers[-1].start()

    def close(self) -> None:
        self._guard.cancel()
        self.reader.close()
        for writer in self._writers:
            writer.join()
        if not self.ended.is_set():
            self._end()

    def _push(self, data: bytes, last: bool) -> None:
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self._write, data) :]
        if last:
            self._guard.cancel()
            self._end()

    def _end(self) -> None:
        self.ended.set()
        os.close(self._write)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def whole(source: PipeSource) -> Samples:
    with source:
        blocks = list(source.blocks())
    assert all(0 < len(block) <= 16_000 for block in blocks)
    return np.concatenate(blocks)


@pytest.mark.parametrize(
    ("encoding", "dtype", "scale", "shift"),
    [("u8", "u1", 127, 128), ("s16le", "<i2", 32767, 0), ("s32le", "<i4", 2**31 - 129, 0)],
)
def test_integer_pcm_is_scaled_to_one(encoding: str, dtype: str, scale: int, shift: int) -> None:
    data = (tone(1.0).astype(np.float64) * scale + shift).round().astype(dtype).tobytes()
    result = whole(PipeSource(io.BytesIO(data), raw=RawFormat(encoding, 16_000, 1)))
    np.testing.assert_allclose(result, tone(1.0), atol=0.01)


def test_24_bit_and_float_pcm_are_read() -> None:
    wide = (tone(1.0).astype(np.float64) * (2**31 - 1)).astype("<i4")
    packed = wide.view("u1").reshape(-1, 4)[:, 1:].tobytes()
    result = whole(PipeSource(io.BytesIO(packed), raw=RawFormat("s24le", 16_000, 1)))
    np.testing.assert_allclose(result, tone(1.0), atol=1e-4)
    data = tone(1.0).astype("<f4").tobytes()
    result = whole(PipeSource(io.BytesIO(data), raw=RawFormat("f32le", 16_000, 1)))
    np.testing.assert_allclose(result, tone(1.0), atol=1e-6)


def test_raw_sound_comes_out_while_the_pipe_stays_open(pipe: Pipe) -> None:
    blocks = PipeSource(pipe.reader, raw=RawFormat("s16le", 16_000, 1)).blocks
    pipe.write(bytes(2 * 8_000))
    counts = itertools.accumulate(map(len, blocks()))
    assert next(count for count in counts if count >= 8_000) == 8_000
    assert not pipe.ended.is_set()


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_the_first_seconds_of_a_container_come_out_while_the_pipe_stays_open(
    pipe: Pipe, container: str
) -> None:
    rng = np.random.default_rng(0)
    data = encoded(container, (0.1 * rng.standard_normal(10 * 16_000)).astype(np.float32))
    pipe.write(data[: len(data) // 2])
    heard = 0
    for block in PipeSource(pipe.reader).blocks():
        heard += len(block)
        if heard > 8_000:
            break
    assert heard > 8_000
    assert not pipe.ended.is_set()


def test_a_piped_wav_loses_at_most_a_quarter_second_to_waiting(pipe: Pipe) -> None:
    data = encoded("WAV", tone(1.0))
    pipe.write(data[: 44 + 2 * 12_000])
    counts = itertools.accumulate(map(len, PipeSource(pipe.reader).blocks()))
    assert next(count for count in counts if count >= 8_000)
    assert not pipe.ended.is_set()


def test_a_streamed_wav_with_trailing_chunk_gives_only_its_sound() -> None:
    data = encoded("WAV", tone(1.0)) + b"LIST" + struct.pack("<I", 400) + bytes(range(200)) * 2

    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

    assert len(whole(PipeSource(Unseekable(data)))) == 16_000
    short = PipeSource(Unseekable(data[:20_000]))
    assert len(whole(short)) < 16_000
    assert "ends early: 0.6 s of 1.0 s" in short.notices[0]


def test_a_redirected_file_is_read_like_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    soundfile.write(path, tone(2.0), 16_000)
    with path.open("rb") as handle, FileSource(path) as file:
        np.testing.assert_array_equal(whole(PipeSource(handle)), np.concatenate([*file.blocks()]))


def test_an_odd_byte_at_the_end_is_dropped_with_a_notice() -> None:
    source = PipeSource(io.BytesIO(bytes(3_201)), raw=RawFormat("s16le", 16_000, 1))
    assert len(whole(source)) == 1_600
    assert source.notices == ["stdin: the last 1 bytes are no whole sample and were left out"]


@pytest.mark.parametrize("raw", [None, RawFormat("s16le", 16_000, 1)])
def test_empty_standard_input_is_an_input_error(raw: RawFormat | None) -> None:
    with pytest.raises(InputError, match="nothing arrived on standard input"):
        whole(PipeSource(io.BytesIO(), raw=raw))


@pytest.mark.parametrize("data", [b"no sound " * 500, b"x", encoded("WAV", tone(0.0))])
def test_a_pipe_without_sound_is_an_input_error(data: bytes) -> None:
    with pytest.raises(InputError, match="stdin"):
        whole(PipeSource(io.BytesIO(data)))


def test_an_mp4_that_cannot_be_piped_says_what_to_do(tmp_path: Path, pipe: Pipe) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 30 * 48_000)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(noise, "fltp", "mono")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert path.stat().st_size > 100_000, "what fits FFmpeg's buffers can be rewound there"
    # Its index (moov) is at the end, after the sound, which a pipe cannot go back to.
    pipe.write(path.read_bytes(), last=True)
    with pytest.raises(InputError) as caught:
        whole(PipeSource(pipe.reader))
    assert "write the sound to a file" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s16le",
        "s16le,16000",
        "s16le,16000,1,2",
        "s17le,16000,1",
        "s16le,0,1",
        "s16le,x,1",
        "s16le,-5,1",
        "s16le,16000,0",
        "s16le,16000,9",
        "s16le,²,1",
        "s16le,16e3,1",
    ],
)
def test_a_raw_format_that_makes_no_sense_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        RawFormat.parse(text)
    assert caught.value.hint is not None


def test_a_raw_format_is_read_with_spaces_and_capitals() -> None:
    assert RawFormat.parse("S16LE, 44100, 2") == RawFormat("s16le", 44_100, 2)


def test_a_channel_of_raw_sound_must_exist() -> None:
    raw = RawFormat("s16le", 16_000, 1)
    with pytest.raises(UsageError, match="there is no channel 2, the sound has 1"):
        whole(PipeSource(io.BytesIO(bytes(100)), raw=raw, channel=2))


def test_a_dash_is_standard_input_and_anything_else_a_file() -> None:
    stdin = io.BytesIO()
    assert isinstance(open_source("-", stdin=stdin), PipeSource)
    assert isinstance(open_source("a.wav", stdin=stdin), FileSource)


def test_raw_sound_of_a_named_file_comes_from_that_file() -> None:
    raw = RawFormat("u8", 8_000, 1)
    assert isinstance(open_source("a.raw", stdin=io.BytesIO(), raw=raw), RawFileSource)


def test_channel_zero_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="counted from 1"):
        open_source("a.wav", stdin=io.BytesIO(), channel=0)


def muxed(container: str, codec: str) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=48_000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(tone(0.5, 48_000)[None], format="flt", layout="mono")
        frame.sample_rate = 48_000
        resampler = av.AudioResampler(stream.format, "mono", 48_000, stream.frame_size or None)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return out.getvalue()


def test_samples_without_a_header_are_taken_as_told() -> None:
    sound = (tone(1) * 32767).astype("<i2")
    heard = np.concatenate(list(PipeSource(io.BytesIO(sound.tobytes()), otherwise=USUAL).blocks()))
    assert heard == pytest.approx(sound / 32768, abs=1e-4)


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("flac", "flac"),
        ("wav", "pcm_s16le"),
        ("aiff", "pcm_s16be"),
        ("ogg", "libopus"),
        ("mp3", "libmp3lame"),
        ("matroska", "aac"),
        ("mp4", "aac"),
        ("adts", "aac"),
    ],
)
def test_a_file_is_recognised_by_how_it_begins(container: str, codec: str) -> None:
    assert is_container(muxed(container, codec)[:64])


def test_text_is_not_taken_for_sound() -> None:
    source = PipeSource(io.BytesIO(b"Dear Sir or Madam, " * 100), otherwise=USUAL)
    with pytest.raises(InputError):
        list(source.blocks())
