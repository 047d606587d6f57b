"""Decode the sound of anything FFmpeg reads, block by block, with true positions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import av
import av.error
import numpy as np

from echocli.audio.resample import ToMono16k
from echocli.audio.stream import ByteStream, is_text
from echocli.errors import InputError, UsageError
from echocli.types import SAMPLE_RATE, Samples, to_samples

BLOCK = SAMPLE_RATE
"""Samples a source hands over at most."""
LATE = 0.02
"""Seconds by which sound may start after the container before silence stands in for them."""
GAP = 0.1
"""Seconds of missing sound that are filled: more than the rounding of any container (Matroska
1 ms, FLAC frames to 93 ms), less than would shift a word visibly."""
LONGEST_GAP = 600.0
"""Seconds above which a jump of the timestamps is an error of theirs and not missing sound."""
_NO_OTHERS = {"protocol_whitelist": "none"}
"""Playlists (``ffconcat``, HLS) would have FFmpeg open whatever they name, in a file of somebody
else too; no protocol is called that."""
_PIPE_OPTIONS = {"probesize": "32768", "analyzeduration": "1"}
"""Look at little before the first sound comes out; FFmpeg would look at up to 5 s."""


class Timeline:
    """Compare timestamps (seconds) with the sound counted so far."""

    def __init__(self, origin: float) -> None:
        self._expected = origin
        self._tolerance = LATE

    def gap(self, time: float | None, length: float) -> float:
        """Return seconds of sound missing before a frame at ``time`` that lasts ``length``.

        A step back or an absurd jump is no gap: counting goes on from the new time.
        """
        tolerance, self._tolerance = self._tolerance, GAP
        step = 0.0 if time is None else time - self._expected
        if abs(step) > tolerance:
            self._expected += step
        self._expected += length
        return step if tolerance < step <= LONGEST_GAP else 0.0


class ContainerReader:
    """Decode one audio stream of a container; damaged packets are skipped and counted."""

    def __init__(self, stream: ByteStream, channel: int | None) -> None:
        self.name = stream.name
        self.samples = 0
        self.damaged = 0
        self.filled = 0.0
        """Seconds of silence put in place of sound that was missing inside the stream."""
        self._bytes = stream
        self._container = self._open()
        self._audio = self._choose(channel)
        self._mono = ToMono16k(channel)
        self._timeline = Timeline((self._container.start_time or 0) / av.time_base)

    @property
    def stated(self) -> float | None:
        """Length of the sound in seconds as the container states it."""
        audio = self._audio
        if audio.duration and audio.time_base:
            return float(audio.duration * audio.time_base)
        only_sound = not self._container.streams.video
        length = self._container.duration if only_sound else None
        return length / av.time_base if length else None

    @property
    def promised(self) -> float | None:
        """The stated length if it was stated on purpose.

        FFmpeg estimates the length of an MP3 without a Xing header as size ÷ bit rate of its first
        frame; that says nothing about what is missing.
        """
        stated, rate = self.stated, self._audio.codec_context.bit_rate
        if stated and rate and abs(self._container.size * 8 / rate / stated - 1) < 0.02:
            return None
        return stated

    def chunks(self) -> Iterator[Samples]:
        """Yield 16 kHz mono in pieces of any size."""
        for frame in self._frames():
            gap = self._timeline.gap(frame.time, frame.samples / frame.sample_rate)
            if gap:
                yield from self._fill(gap)
            yield self._count(self._mono.feed(frame))
        yield self._count(self._mono.flush())

    def close(self) -> None:
        """Let go of the container; the handle stays with who opened it."""
        self._container.close()

    def _open(self) -> av.container.InputContainer:
        options = _NO_OTHERS | ({} if self._bytes.seekable() else _PIPE_OPTIONS)
        try:
            return av.open(self._bytes, "r", container_options=options, metadata_errors="replace")
        except (av.error.FFmpegError, ValueError) as error:
            self._bytes.check()
            raise self._unrecognised(", or it is damaged") from error

    def _choose(self, channel: int | None) -> av.AudioStream:
        audio = self._container.streams.best("audio")
        if not isinstance(audio, av.AudioStream):
            # FFmpeg takes a *.txt for ANSI art, a *.srt for subtitles and a *.raw for pictures.
            if is_text(self._bytes.head):
                raise self._unrecognised()
            raise InputError(
                f"{self.name}: has no audio stream",
                hint="headerless PCM needs --raw FORMAT,RATE,CHANNELS",
            )
        context = audio.codec_context
        # FFmpeg has no decoder for some formats; PyAV's types do not know that.
        if getattr(audio, "codec_context", None) is None:
            raise InputError(
                f"{self.name}: no decoder for the format of its sound",
                hint="convert it to another one first, such as FLAC",
            )
        check_channel(self.name, channel, context.channels)
        return audio

    def _packets(self) -> Iterator[av.Packet[av.AudioStream] | None]:
        packets = self._container.demux(self._audio)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:
                self.damaged += 1
                packet = None
            self._bytes.check()
            yield packet
            if packet is None:
                return

    def _frames(self) -> Iterator[av.AudioFrame]:
        for packet in self._packets():
            try:
                yield from self._audio.decode(packet)
            except av.error.EOFError:
                continue
            except av.error.FFmpegError:
                self.damaged += 1

    def _fill(self, gap: float) -> Iterator[Samples]:
        yield self._count(self._mono.flush())
        if self.samples:
            self.filled += gap
        rest = to_samples(gap)
        while rest > 0:
            yield self._count(np.zeros(min(rest, BLOCK), np.float32))
            rest -= BLOCK

    def _count(self, chunk: Samples) -> Samples:
        self.samples += len(chunk)
        return chunk

    def _unrecognised(self, damaged: str = "") -> InputError:
        if is_text(self._bytes.head):
            return InputError(
                f"{self.name}: is not a sound or video file, but text",
                hint="often an error page that was saved instead of the sound: download it again",
            )
        return self.unreadable(f"is not a sound or video file{damaged}")

    def unreadable(self, what: str) -> InputError:
        """Return the error that says ``what`` of this input."""
        hint = "copy or download it again; headerless PCM needs --raw FORMAT,RATE,CHANNELS"
        if not self._bytes.seekable():
            hint = "some formats (MP4) cannot be read from a pipe: write the sound to a file first"
        return InputError(f"{self.name}: {what}", hint=hint)


def check_channel(name: str, channel: int | None, available: int) -> None:
    """Raise :class:`UsageError` if there is no such channel (1-based)."""
    if channel is not None and not 1 <= channel <= available:
        raise UsageError(
            f"{name}: there is no channel {channel}, the sound has {available}",
            hint=f"--channel takes 1 to {available}" if available > 1 else "leave out --channel",
        )


def reblock(chunks: Iterable[Samples], least: int) -> Iterator[Samples]:
    """Join chunks to blocks of ``least`` to :data:`BLOCK` samples; only the last may be short."""
    waiting: list[Samples] = []
    count = 0
    for chunk in chunks:
        waiting.append(chunk)
        count += len(chunk)
        if count >= least:
            joined = np.concatenate(waiting)
            cut = count // BLOCK * BLOCK if count >= BLOCK else count
            yield from np.split(joined[:cut], range(BLOCK, cut, BLOCK))
            waiting, count = [joined[cut:]], count - cut
    if count:
        yield np.concatenate(waiting)
