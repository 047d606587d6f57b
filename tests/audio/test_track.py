"""What a device's blocks become: every frame at its place, whatever the rate and the losses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.audio.capture import Captured, Item, Missing
from echocli.audio.intake import Block
from echocli.audio.track import Track
from echocli.types import SAMPLE_RATE

pytestmark = pytest.mark.unit


SIZES = st.one_of(st.integers(1, 20), st.integers(200, 5000))
"""Frames of a block; libswresample swallows streams that are shorter than its filter."""


def length(items: list[Item]) -> int:
    return sum(
        len(item.samples) if isinstance(item, Captured) else item.samples
        for item in items
        if isinstance(item, Captured | Missing)
    )


@settings(max_examples=30, deadline=None)
@given(
    rate=st.sampled_from([8_000, 16_000, 44_100, 48_000, 96_000]),
    channels=st.integers(1, 3),
    sizes=st.lists(st.tuples(SIZES, st.sampled_from([0, 0, 0, 7_000])), max_size=20),
)
def test_positions_count_every_frame_and_every_loss(
    rate: int, channels: int, sizes: list[tuple[int, int]]
) -> None:
    items: list[Item] = []
    track = Track(items.append, None)
    frames, now = 0, 100.0
    for size, dropped in sizes:
        frames += size + dropped
        now = 100.0 + frames / rate
        data = np.full(size * channels, 0.25, np.float32).tobytes()
        track.feed(Block(data, size, rate, now, dropped=dropped))
    track.pause()
    last = sizes[-1][0] if sizes else 0
    # What libswresample swallows of the last stretch is stated with the next loss.
    swallowed = 40 if last < 500 else 0
    assert length(items) == pytest.approx(frames * SAMPLE_RATE / rate, abs=2 + swallowed)
    times = [item.time for item in items if isinstance(item, Captured)]
    assert times == sorted(times)
    assert not times or swallowed or times[-1] == pytest.approx(now, abs=0.001)


def test_the_time_of_a_sample_does_not_depend_on_what_the_resampler_keeps() -> None:
    items: list[Item] = []
    track = Track(items.append, None)
    for index in range(20):
        data = np.zeros(2 * 441, np.float32).tobytes()
        track.feed(Block(data, 441, 44_100, 50.0 + (index + 1) / 100))
    position = 0
    for item in items:
        assert isinstance(item, Captured)
        position += len(item.samples)
        assert item.time == pytest.approx(50.0 + position / SAMPLE_RATE, abs=1e-6)


def test_one_channel_can_be_picked() -> None:
    items: list[Item] = []
    track = Track(items.append, 2)
    frames = np.zeros((16_000, 2), np.float32)
    frames[:, 1] = 0.5
    track.feed(Block(frames.tobytes(), 16_000, 16_000, 1.0))
    (item,) = items
    assert isinstance(item, Captured)
    assert item.samples[100:].min() == pytest.approx(0.5)
