"""Standard input as a source: a container or headerless PCM, handed on while it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from echocli.audio.file import reading_notices
from echocli.audio.stream import ByteStream, is_text
from echocli.audio.wav import WavHeader, parse_wav
from echocli.errors import InputError, UsageError
from echocli.types import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WIDTHS = {"u8": 1, "s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4}
_RATES = range(1_000, 768_001)
_CHANNELS = range(1, 9)
_READ = 1 << 16
_LEAST = SAMPLE_RATE // 10
_EXAMPLE = "for example --raw s16le,16000,1 (formats: " + ", ".join(_WIDTHS) + ")"


@dataclass(frozen=True, slots=True)
class RawFormat:
    """How headerless PCM is laid out: interleaved samples of ``encoding``."""

    encoding: str
    rate: int
    channels: int

    @classmethod
    def parse(cls, text: str) -> RawFormat:
        """Read ``FORMAT,RATE,CHANNELS``; raise :class:`UsageError` for anything else."""
        parts = [part.strip().lower() for part in text.split(",")]
        if len(parts) != 3:
            raise UsageError(f"--raw {text}: needs FORMAT,RATE,CHANNELS", hint=_EXAMPLE)
        encoding, rate, channels = parts
        if encoding not in _WIDTHS:
            raise UsageError(f"--raw {text}: unknown sample format {encoding!r}", hint=_EXAMPLE)
        return cls(
            encoding,
            _number(text, "rate in Hz", rate, _RATES),
            _number(text, "number of channels", channels, _CHANNELS),
        )

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample on all channels."""
        return _WIDTHS[self.encoding] * self.channels

    def decode(self, data: bytes) -> NDArray[np.float32]:
        """Turn whole frames into ``(n, channels)`` float32 in [-1, 1]."""
        import numpy as np

        if self.encoding == "f32le":
            flat = np.frombuffer(data, "<f4")
        elif self.encoding == "u8":
            flat = (np.frombuffer(data, "u1").astype(np.float32) - 128) / 128
        elif self.encoding == "s24le":
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(data, "u1").reshape(-1, 3)
            flat = wide.view("<i4")[:, 0] / np.float32(1 << 31)
        else:
            bits = 8 * _WIDTHS[self.encoding]
            flat = np.frombuffer(data, f"<i{bits // 8}") / np.float32(1 << (bits - 1))
        return flat.astype(np.float32).reshape(-1, self.channels)


_SIGNATURES = (
    *(b"RIFF", b"RIFX", b"RF64", b"FORM", b"caff", b".snd", b"fLaC", b"OggS", b"ID3", b"wvpk"),
    *(b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75", b"#!AMR"),
    *(b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9"),
)
"""How containers begin (their specifications; Matroska, ASF; MPEG audio and ADTS frames)."""
_BOX = b"ftyp"
"""What stands at byte 4 of MP4 and its relatives."""
_HEAD_BYTES = 64
"""Bytes that tell: sound whose first 32 samples all look like text there is none."""


def is_container(head: bytes) -> bool:
    """Tell from the first bytes whether they begin a sound or video file."""
    return head.startswith(_SIGNATURES) or head[4:].startswith(_BOX)


USUAL = RawFormat("s16le", SAMPLE_RATE, 1)
"""What programs that record hand on when they write no header."""


class PipeSource:
    """Read a byte stream once; what was written comes out while the pipe is still open.

    Headerless PCM (``raw``) and PCM in WAV come out as they arrive; a container within about a
    second of its sound (FLAC: FFmpeg waits for ten frames, usually 1 to 2.5 s). ``otherwise`` is
    the layout of what does not begin like a container: FFmpeg would read megabytes of it to find
    out. The stream stays open: it belongs to the caller.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        raw: RawFormat | None = None,
        name: str = "stdin",
        channel: int | None = None,
        otherwise: RawFormat | None = None,
    ) -> None:
        self.name = name
        self.duration: float | None = None
        self.notices: list[str] = []
        self._stream = ByteStream(stream, name)
        self._raw = raw
        self._channel = channel
        self._otherwise = otherwise

    def blocks(self) -> Iterator[Samples]:
        """Yield what has arrived, at most a second at a time."""
        if not self._stream.peek(1):
            raise self._nothing()
        if self._raw is None and self._otherwise is not None:
            head = self._stream.peek(_HEAD_BYTES)
            self._raw = None if is_container(head) or is_text(head) else self._otherwise
        return self._pcm(self._raw, None) if self._raw else self._container()

    def _nothing(self) -> InputError:
        return InputError(
            f"{self.name}: nothing arrived on standard input",
            hint="pipe sound into it, or name a file instead of -",
        )

    def _container(self) -> Iterator[Samples]:
        from echocli.audio.container import ContainerReader, reblock

        if not self._stream.seekable() and (wav := parse_wav(self._stream.peek)):
            plain = _plain(wav)
            if plain is not None:
                self._take(wav.offset)
                yield from self._pcm(plain, wav.size)
                return
        reader = ContainerReader(self._stream, self._channel)
        promised = reader.promised if self._stream.seekable() else None
        try:
            yield from reblock(reader.chunks(), _LEAST)
        finally:
            reader.close()
        if not reader.samples:
            raise reader.unreadable("holds no sound that can be read")
        self.notices += reading_notices(self.name, reader, promised)

    def _pcm(self, raw: RawFormat, size: int | None) -> Iterator[Samples]:
        from echocli.audio.container import check_channel, reblock
        from echocli.audio.resample import ToMono16k

        check_channel(self.name, self._channel, raw.channels)
        mono, rest, count = ToMono16k(self._channel), b"", 0
        for data in self._arriving(size):
            count += len(data)
            data = rest + data
            whole = len(data) // raw.frame_bytes * raw.frame_bytes
            rest = data[whole:]
            yield from reblock([mono.feed_array(raw.decode(data[:whole]), raw.rate)], 1)
        yield from reblock([mono.flush()], 1)
        self._finish_pcm(raw, count, len(rest), size)

    def _finish_pcm(self, raw: RawFormat, count: int, odd: int, size: int | None) -> None:
        if count < raw.frame_bytes:
            raise InputError(
                f"{self.name}: holds no sound that can be read",
                hint="it is shorter than a single sample: record or fetch it again",
            )
        if size is not None and count < size:
            second = raw.rate * raw.frame_bytes
            read, promised = count / second, size / second
            self.notices.append(
                f"{self.name}: ends early: {read:.1f} s of {promised:.1f} s could be read"
            )
        elif odd:
            self.notices.append(
                f"{self.name}: the last {odd} bytes are no whole sample and were left out"
            )

    def _arriving(self, size: int | None) -> Iterator[bytes]:
        """Yield bytes as they come, up to ``size`` of them."""
        left = size
        while left is None or left > 0:
            data = self._stream.read(_READ if left is None else min(_READ, left))
            self._stream.check()
            if not data:
                return
            left = None if left is None else left - len(data)
            yield data

    def _take(self, count: int) -> None:
        while count > 0 and (data := self._stream.read(count)):
            count -= len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the stream to its owner."""


def _plain(wav: WavHeader) -> RawFormat | None:
    if wav.encoding is None or wav.rate not in _RATES or wav.channels not in _CHANNELS:
        return None
    return RawFormat(wav.encoding, wav.rate, wav.channels)


def _number(text: str, what: str, value: str, allowed: range) -> int:
    if value.isascii() and value.isdigit() and int(value) in allowed:
        return int(value)
    raise UsageError(
        f"--raw {text}: the {what} must be {allowed[0]} to {allowed[-1]}, not {value!r}",
        hint=_EXAMPLE,
    )
