"""Sound from the network: any cutting gives the same samples at the same positions."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import SimpleQueue

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.audio.capture import Captured, Item, Missing, Over
from echocli.audio.pipe import RawFormat
from echocli.clock import SteppingClock
from echocli.server.intake import (
    GAP_COST,
    LEFT_OUT,
    Conversion,
    Filling,
    NetworkCapture,
    from_16k,
    to_16k,
)
from echocli.types import Samples

pytestmark = pytest.mark.unit

S16 = RawFormat("s16le", 16_000, 1)
FORMATS = [S16, RawFormat("f32le", 48_000, 2), RawFormat("s16le", 44_100, 1)]
NOISE = np.random.default_rng(8).integers(-8000, 8000, 200_000, dtype=np.int16)


def sound(raw: RawFormat, frames: int) -> bytes:
    flat = NOISE[: frames * raw.channels]
    return (flat if raw.encoding == "s16le" else (flat / np.float32(32768))).tobytes()


def capture_of(raw: RawFormat = S16, start: int = 0, bound: int = 1_000_000) -> NetworkCapture:
    return NetworkCapture("mic", raw, Filling(bound, 1000), SteppingClock(), start)


def heard(capture: NetworkCapture) -> list[Item]:
    """Return all items of a capture, in order; it is stopped first."""
    items: SimpleQueue[Item] = SimpleQueue()
    capture.stop()
    capture.start(items.put)
    found = [items.get(timeout=10)]
    while not isinstance(found[-1], Over):
        found.append(items.get(timeout=10))
    return found


def samples(items: Sequence[Item]) -> Samples:
    """Return the sound of items; what is missing is NaN."""
    parts = [
        one.samples
        if isinstance(one, Captured)
        else np.full(one.samples if isinstance(one, Missing) else 0, np.nan, np.float32)
        for one in items
    ]
    return np.concatenate(parts)


@pytest.mark.parametrize("raw", FORMATS)
@given(cuts=st.lists(st.integers(1, 30_000), max_size=8))
def test_any_cutting_gives_the_same_samples(raw: RawFormat, cuts: list[int]) -> None:
    whole, frames = sound(raw, 30_000), raw.frame_bytes
    one = capture_of(raw)
    one.feed(0, whole)
    many, at = capture_of(raw), 0
    for end in [*sorted(cuts), 30_000]:
        many.feed(at, whole[at * frames : end * frames])
        at = end
    found = samples(heard(many))
    assert np.array_equal(found, samples(heard(one)))
    assert len(found) == to_16k(30_000, raw.rate)


@pytest.mark.parametrize("raw", FORMATS)
@given(runs=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 3000)), max_size=6))
def test_positions_stay_those_of_the_client_whatever_is_left_out(
    raw: RawFormat, runs: list[tuple[int, int]]
) -> None:
    capture, at = capture_of(raw, start=777), 777
    for gap, length in runs:
        capture.feed(at + gap, sound(raw, length))
        at += gap + length
    assert capture.received == at
    assert len(samples(heard(capture))) == to_16k(at, raw.rate) - to_16k(777, raw.rate)


@given(at=st.integers(0, 2000), length=st.integers(0, 3000))
def test_what_was_sent_before_is_skipped(at: int, length: int) -> None:
    whole = sound(S16, 6000)
    capture = capture_of()
    capture.feed(0, whole[: 2 * 2000])
    fresh = capture.feed(at, whole[2 * at : 2 * (at + length)])
    assert fresh is (at + length > 2000)
    capture.feed(2000, whole[2 * 2000 :])
    assert capture.received == 6000
    assert np.array_equal(samples(heard(capture)), S16.decode(whole)[:, 0])


def test_what_is_left_out_is_stated_where_it_was() -> None:
    capture = capture_of()
    capture.feed(0, sound(S16, 100))
    capture.feed(500, sound(S16, 100))
    items = heard(capture)
    assert [one for one in items if isinstance(one, Missing)] == [Missing(400, LEFT_OUT)]
    assert capture.holes == 1
    found = samples(items)
    assert np.isnan(found[100:500]).all()
    assert np.array_equal(found[500:], found[:100])


def test_pieces_are_a_tenth_of_a_second_at_most_and_as_old_as_their_sound() -> None:
    clock = SteppingClock(5.0)
    capture = NetworkCapture("mic", S16, Filling(1_000_000, 0), clock)
    capture.feed(0, sound(S16, 5000))
    clock.advance(1.0)
    capture.feed(5000, sound(S16, 3000))
    found = [one for one in heard(capture) if isinstance(one, Captured)]
    assert max(len(one.samples) for one in found) == 1600
    assert [one.time for one in found] == [5.0] * 4 + [6.0] * 2


def test_what_waits_is_counted_until_it_is_handed_on() -> None:
    filling = Filling(4000, 1000)
    capture = NetworkCapture("mic", S16, filling, SteppingClock())
    capture.feed(0, sound(S16, 1000))
    assert (filling.fill, capture.queued) == (0.5, 2000)
    capture.feed(1000, sound(S16, 1500))
    assert filling.fill == 1.25
    assert not filling.overdrawn
    capture.feed(2500, sound(S16, 1))
    assert filling.overdrawn
    heard(capture)
    assert (filling.used, capture.queued) == (0, 0)


def test_many_small_gaps_fill_the_buffer_sooner_than_their_bytes_do() -> None:
    filling = Filling(1_000_000, 0)
    capture = NetworkCapture("mic", S16, filling, SteppingClock())
    for index in range(0, 300, 3):
        capture.feed(index, sound(S16, 1))
    assert filling.used == 99 * GAP_COST + 100 * 2
    heard(capture)
    assert filling.used == 0


def test_feeding_never_waits_for_a_sink_that_does() -> None:
    release, entered = threading.Event(), threading.Event()
    items: SimpleQueue[Item] = SimpleQueue()

    def slow(item: Item) -> None:
        entered.set()
        release.wait()
        items.put(item)

    capture = capture_of()
    capture.start(slow)
    capture.feed(0, sound(S16, 1600))
    assert entered.wait(10)
    capture.feed(1600, sound(S16, 30_000))
    assert capture.queued == 60_000
    capture.stop()
    release.set()
    while not isinstance(items.get(timeout=10), Over):
        pass
    assert capture.queued == 0


def test_after_the_end_nothing_is_taken() -> None:
    capture = capture_of()
    capture.feed(0, sound(S16, 10))
    capture.stop()
    capture.stop()
    assert not capture.feed(10, sound(S16, 10))
    assert capture.received == 10
    assert len(samples(heard(capture))) == 10


def test_a_source_without_sound_is_over_without_any() -> None:
    assert heard(capture_of()) == [Over()]


def test_a_hole_shorter_than_a_sample_is_none() -> None:
    raw = RawFormat("s16le", 48_000, 1)
    capture = capture_of(raw)
    capture.feed(0, sound(raw, 4800))
    capture.feed(4801, sound(raw, 4799))
    items = heard(capture)
    assert not any(isinstance(one, Missing) for one in items)
    assert len(samples(items)) == 3200


def test_a_sink_that_fails_is_told_so_at_the_end() -> None:
    found: list[Item] = []

    def sink(item: Item) -> None:
        if isinstance(item, Captured):
            raise OSError("no")
        found.append(item)
        ended.set()

    ended = threading.Event()
    capture = capture_of()
    capture.feed(0, sound(S16, 10))
    capture.start(sink)
    assert ended.wait(10)
    assert isinstance(found[0], Over)
    assert str(found[0].error) == "no"


@given(position=st.integers(0, 2**53 - 1), rate=st.integers(8000, 48_000))
def test_positions_there_and_back_are_never_later(position: int, rate: int) -> None:
    back = from_16k(to_16k(position, rate), rate)
    assert position - rate // 16_000 - 1 <= back <= position


def test_a_conversion_begins_where_it_is_told() -> None:
    conversion = Conversion(RawFormat("s16le", 48_000, 1), 48_000)
    before, missing = conversion.skip(48_000)
    assert (len(before), missing) == (0, 16_000)
