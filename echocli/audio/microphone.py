"""A microphone as a live source: what its device hears, with positions that stay true.

PortAudio's thread fills an :class:`~echocli.audio.intake.Intake`; a thread of this module's own
empties it, resamples, and hands on. That thread also notices that a device is gone and gets it
back.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from echocli.audio import devices, portaudio
from echocli.audio.capture import Over, Sink
from echocli.audio.continuity import OVERRUN, Hole
from echocli.audio.devices import AudioDevice
from echocli.audio.intake import Block, Intake
from echocli.audio.track import Track
from echocli.clock import Clock
from echocli.errors import InputError
from echocli.events import Notice

TICK = 0.1
"""Seconds of one wait for sound.

Silence of a device is counted in waits that came to nothing, not by the clock: a process that was
stopped and goes on finds its sound in the queue."""
LOST_SECS = 1.0
FIRST_SECS = 3.0
"""Without a block for so long a device is lost; the first of a stream may take over two seconds."""
BACK_OFF = (0.25, 0.5, 1.0, 2.0, 4.0)
RETRY_SECS = 5.0
"""Seconds before each attempt to get a device back: these, then every so many."""
OPEN_SECS = 5.0
"""How long opening a device again may take."""


@dataclass(frozen=True, slots=True)
class _Line:
    """An open stream and where its sound waits."""

    stream: Any
    intake: Intake
    channels: int


class Microphone:
    """Capture an input device: its default rate, all its channels mixed or one (1-based) of them.

    ``device`` is what :func:`echocli.audio.devices.find` takes. Sound waits for a slow sink up to a
    minute; what does not fit is dropped, counted and stated as ``Missing`` where it was. A device
    that goes away is a notice ``device_lost``; it is opened again as soon as it is there
    (``device_back``), and the time between is ``Missing``. ``stop`` returns at once; ``Over``
    follows when everything that was captured is handed on.
    """

    def __init__(
        self,
        device: str | None = None,
        *,
        name: str = "mic",
        channel: int | None = None,
        clock: Clock,
    ) -> None:
        self.name = name
        self._wanted = device
        self._channel = channel
        self._clock = clock
        self._stopping = threading.Event()
        self._line: _Line | None = None

    def start(self, sink: Sink) -> None:
        """Open the device; raise ``InputError`` where there is none or it is refused."""
        device = devices.find(self._wanted)
        self._device = device.name
        self._line = self._open(device)
        self._sink = sink
        self._track = Track(sink, self._channel)
        self._lost_at: float | None = None
        self._delays: Iterator[float] = iter(())
        threading.Thread(target=self._pump, name=f"capture-{self.name}", daemon=True).start()

    def stop(self) -> None:
        """End capturing; may be called from a signal handler, twice, and before ``start``."""
        self._stopping.set()
        if (line := self._line) is not None:
            line.intake.wake()

    def _pump(self) -> None:
        error: BaseException | None = None
        try:
            self._listen()
            while not self._stopping.is_set():
                self._recover()
                self._listen()
        except Exception as problem:  # ends in Over, where the session reports it
            error = problem
        try:
            self._finish()
        finally:
            self._sink(Over(error))

    def _listen(self) -> None:
        """Hand on sound until the device is lost or nobody wants more."""
        line, limit, quiet = self._line, FIRST_SECS, 0.0
        while line is not None and quiet < limit and not self._stopping.is_set():
            block = line.intake.take(TICK)
            if block is not None:
                limit, quiet = LOST_SECS, 0.0
                self._hear(block)
            elif line.intake.ended:
                return
            else:
                quiet += TICK

    def _hear(self, block: Block) -> None:
        self._track.feed(block)
        if self._lost_at is not None:
            away = block.time - self._lost_at
            self._lost_at = None
            message = f"the input device {self._device!r} is back after {away:.1f} s"
            self._sink(Notice("device_back", message))

    def _recover(self) -> None:
        """Say that the device is lost, once; then return with a line or when stopped."""
        if self._lost_at is None:
            self._lost_at = self._clock.now()
            self._delays = chain(BACK_OFF, repeat(RETRY_SECS))
            message = f"the input device {self._device!r} is lost; waiting for it"
            self._sink(Notice("device_lost", message))
            if self._still_comes():
                return
        self._close()
        while self._line is None and not self._stopping.wait(next(self._delays)):
            self._line = self._reopened()

    def _still_comes(self) -> bool:
        """Give a stream one more moment: one that a sound server moves pauses for a second."""
        if self._line is None or self._line.intake.ended:
            return False
        block = self._line.intake.take(next(self._delays))
        if block is not None:
            self._hear(block)
        return block is not None

    def _close(self) -> None:
        """Close the line, lost or not, and hand on all that came through it."""
        if (line := self._line) is None:
            return
        portaudio.close_stream(line.stream)
        blocks, dropped = line.intake.rest()
        for block in blocks:
            self._track.feed(block)
        self._line = None
        self._track.pause()
        if self._stopping.is_set() and dropped:
            self._track.hand_on([Hole(dropped / line.intake.rate, OVERRUN)])

    def _reopened(self) -> _Line | None:
        """Try to open the device again; ``None`` while it is not there."""

        def work() -> _Line:
            with portaudio.exclusive():
                portaudio.refresh()
                return self._open(devices.find(self._device if self._wanted else None))

        try:
            return portaudio.within(
                OPEN_SECS, work, lambda line: portaudio.close_stream(line.stream)
            )
        except (InputError, TimeoutError):
            return None

    def _open(self, device: AudioDevice) -> _Line:
        channels = max(device.usual_channels, self._channel or 1)
        if channels > device.channels:
            raise InputError(
                f"the input device {device.name!r} has {device.channels} channels,"
                f" there is no channel {channels}",
                hint="choose another with --channel, or leave it out to hear all of them",
            )
        intake = Intake(device.rate, self._clock)
        index, source = devices.portaudio_index(device), device.source
        try:
            stream = portaudio.open_stream(
                index, channels, device.rate, intake.receive, intake.finish, source
            )
        except (InputError, TimeoutError) as error:
            raise _refused(device, error) from error
        return _Line(stream, intake, channels)

    def _finish(self) -> None:
        self._close()
        if self._lost_at is not None:
            self._track.lost(self._clock.now())


def _refused(device: AudioDevice, error: Exception) -> InputError:
    if sys.platform == "darwin":
        hint = "allow it in System Settings > Privacy & Security > Microphone"
    else:
        hint = "another program may use it; choose one with --input-device, see: echocli devices"
    return InputError(f"cannot open the input device {device.name!r}: {error}", hint=hint)
