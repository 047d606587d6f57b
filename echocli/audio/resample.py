"""Any sound to 16 kHz mono: libswresample for the rate, an own down-mix for the channels.

Averaging channels loses sound: antiphase stereo cancels to silence, and speech on one of two
channels comes out 6 dB down, on one of six 16 dB. :class:`Mixer` weighs each channel by its share
of the recent energy and turns the sign of a channel that would cancel the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
from numpy.typing import NDArray

from echocli.types import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from collections.abc import Iterable

HOP = 512
"""Samples (32 ms) for which one set of weights is worked out."""
DECAY = 0.9
"""What is left of the measured energy after one hop: a memory of about 0.3 s."""
CANCELS = -0.7
"""Correlation below which a channel is turned: equal channels would lose 8 dB in the average."""
AUDIBLE = 0.1
"""Share of the recent power a hop needs to turn a channel: noise in pauses should not."""

_Weights = NDArray[np.float64]
_RAMP = (np.arange(HOP, dtype=np.float32) + 1) / HOP


class Mixer:
    """Mix channels to one so that what is heard on any of them survives.

    Weights are worked out for hops of :data:`HOP` samples counted from the start and faded linearly
    from one hop to the next, so the result has no clicks and does not depend on how the input was
    cut. The weights of all channels add up to 1: the mix never exceeds the loudest channel.
    """

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self._rest = np.zeros((0, channels), np.float32)
        self._gram: _Weights = np.zeros((channels, channels))
        self._signs = np.ones(channels)
        self._weights: _Weights | None = None

    def feed(self, frames: NDArray[np.float32]) -> Samples:
        """Take ``(n, channels)`` samples and return as many mixed ones as are settled."""
        if self.channels == 1:
            return frames[:, 0]
        frames = np.concatenate([self._rest, frames])
        whole = len(frames) // HOP * HOP
        self._rest = frames[whole:]
        return self._mix(frames[:whole].reshape(-1, HOP, self.channels))

    def flush(self) -> Samples:
        """Return the mix of what is left, shorter than a hop."""
        count = len(self._rest)
        hop = np.zeros((1, HOP, self.channels), np.float32)
        hop[0, :count] = self._rest
        self._rest = self._rest[:0]
        return self._mix(hop)[:count] if count else np.zeros(0, np.float32)

    def _mix(self, hops: NDArray[np.float32]) -> Samples:
        mixed = np.empty(hops.shape[:2], np.float32)
        for index, hop in enumerate(hops):
            before, after = self._advance(hop)
            start, end = hop @ before.astype(np.float32), hop @ after.astype(np.float32)
            mixed[index] = start + (end - start) * _RAMP
        return mixed.reshape(-1)

    def _advance(self, hop: NDArray[np.float32]) -> tuple[_Weights, _Weights]:
        """Return the weights at the beginning and at the end of a hop."""
        exact = hop.astype(np.float64)
        gram = exact.T @ exact
        self._gram = DECAY * self._gram + gram
        before = self._weights
        self._weights = after = self._settle(gram)
        return after if before is None else before, after

    def _settle(self, hop: _Weights) -> _Weights:
        """Return signed weights for the recent energies; silence keeps the last ones."""
        energy = np.diag(self._gram)
        total = energy.sum()
        if total <= 0.0:
            even = np.full(self.channels, 1 / self.channels)
            return even if self._weights is None else self._weights
        weights: _Weights = energy / total
        audible = np.trace(hop) > AUDIBLE * (1 - DECAY) * total
        for channel in range(1, self.channels):
            if audible:
                self._turn(channel, weights[:channel], hop)
            weights[channel] *= self._signs[channel]
        return weights

    def _turn(self, channel: int, earlier: _Weights, hop: _Weights) -> None:
        """Choose the channel's sign by its correlation with the mix of the channels before it.

        One hop decides: a longer memory would leave sound that turns silent for half a second.
        """
        power = earlier @ hop[:channel, :channel] @ earlier
        norm = np.sqrt(max(power, 0.0) * hop[channel, channel])
        correlation = float(earlier @ hop[:channel, channel] / norm) if norm > 0 else 0.0
        if correlation < CANCELS:
            self._signs[channel] = -1.0
        elif correlation > 0:
            self._signs[channel] = 1.0


class ToMono16k:
    """Turn decoded frames of any rate, format and layout into mono float32 at 16 kHz.

    ``channel`` is 1-based and picks one channel instead of mixing. A change of format inside a
    stream (joined files) is followed.
    """

    def __init__(self, channel: int | None = None) -> None:
        self.channel = channel
        self._shape: tuple[int, str, str] | None = None
        self._resampler: av.AudioResampler | None = None
        self._mixer = Mixer(1)

    def feed(self, frame: av.AudioFrame) -> Samples:
        """Take one decoded frame and return what has come out so far."""
        if not frame.samples:
            return np.zeros(0, np.float32)
        shape = (frame.sample_rate, frame.layout.name, frame.format.name)
        parts = []
        if shape != self._shape:
            parts.append(self.flush())
            self._start(frame, shape)
        if self._resampler is None:
            raise AssertionError("no resampler")
        # Positions are counted by the caller; libswresample should see an unbroken stream.
        frame.pts = None
        parts.append(self._take(self._resampler.resample(frame)))
        return np.concatenate(parts)

    def feed_array(self, frames: NDArray[np.float32], rate: int) -> Samples:
        """Take ``(n, channels)`` samples at ``rate``."""
        packed = np.ascontiguousarray(frames, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(
            packed, format="flt", layout=f"{frames.shape[1]} channels"
        )
        frame.sample_rate = rate
        return self.feed(frame)

    def flush(self) -> Samples:
        """Return the last samples and be ready for a new stream."""
        if self._resampler is None:
            return np.zeros(0, np.float32)
        last = self._take(self._resampler.resample(None))
        self._resampler = self._shape = None
        return np.concatenate([last, _clean(self._mixer.flush())])

    def _start(self, frame: av.AudioFrame, shape: tuple[int, str, str]) -> None:
        # Packed floats with the layout as it is: `to_ndarray` of planar frames crashes from eight
        # channels on (PyAV 18), and an unknown layout cannot be mixed down by libswresample.
        self._shape = shape
        self._resampler = av.AudioResampler("flt", frame.layout, SAMPLE_RATE)
        self._mixer = Mixer(1 if self.channel else frame.layout.nb_channels)

    def _take(self, frames: Iterable[av.AudioFrame | None]) -> Samples:
        parts = [self._mono(frame) for frame in frames if frame is not None]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _mono(self, frame: av.AudioFrame) -> Samples:
        channels = frame.layout.nb_channels
        packed = _clean(frame.to_ndarray().reshape(-1, channels).astype(np.float32, copy=False))
        if self.channel:
            column = min(self.channel, channels) - 1
            packed = packed[:, column : column + 1]
        return _clean(self._mixer.feed(packed))


def _clean(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep samples in [-1, 1]; float files may hold NaN, which would poison every later value."""
    if not np.isfinite(samples).all():
        samples = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    return np.clip(samples, -1.0, 1.0)
