from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.audio.capture import Captured, Item, Over
from echocli.audio.file import FileSource
from echocli.audio.pipe import PipeSource, RawFormat
from echocli.audio.playback import PIECE, Playback
from echocli.audio.source import Source
from echocli.clock import SteppingClock, SystemClock
from echocli.errors import InputError
from echocli.events import Notice
from echocli.types import SAMPLE_RATE, Samples

pytestmark = pytest.mark.unit

PATIENCE = 10.0
SIZES = st.lists(st.integers(0, 2 * SAMPLE_RATE), max_size=8)


class Given:
    """A source of these blocks, numbered samples; then it fails if it was told to."""

    def __init__(self, sizes: Sequence[int], error: BaseException | None = None) -> None:
        self.name = "given"
        self.duration: float | None = None
        self.notices = ["given: ends early"] if error else []
        self.sound = np.arange(sum(sizes), dtype=np.float32)
        self.open = False
        self._sizes = sizes
        self._error = error

    def blocks(self) -> Iterator[Samples]:
        assert self.open
        yield from np.split(self.sound, np.cumsum(self._sizes)[:-1]) if self._sizes else []
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        self.open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.open = False


class Listener:
    """A sink that keeps what it gets; ``delay`` seconds pass on its clock each time."""

    def __init__(self, clock: SteppingClock | None = None, delay: float = 0.0) -> None:
        self.items: list[Item] = []
        self.times: list[float] = []
        self.some = threading.Event()
        self.over = threading.Event()
        self._clock = clock or SteppingClock()
        self._delay = delay

    def __call__(self, item: Item) -> None:
        self.items.append(item)
        self.times.append(self._clock.now())
        self._clock.advance(self._delay)
        (self.over if isinstance(item, Over) else self.some).set()

    @property
    def captured(self) -> list[Captured]:
        return [item for item in self.items if isinstance(item, Captured)]

    @property
    def sound(self) -> Samples:
        return np.concatenate([np.zeros(0, np.float32), *(one.samples for one in self.captured)])

    @property
    def ends(self) -> list[Over]:
        return [item for item in self.items if isinstance(item, Over)]


def play(source: Source, *, pace: bool, delay: float = 0.0) -> Listener:
    """Play a source to its end on a clock that waiting moves."""
    clock = SteppingClock(100.0)
    heard = Listener(clock, delay)
    Playback(source, name="file", pace=pace, clock=clock, sleep=clock.advance).start(heard)
    assert heard.over.wait(PATIENCE)
    return heard


def thread_of(playback: Playback) -> threading.Thread:
    name = f"playback {playback.name}"
    return next(thread for thread in threading.enumerate() if thread.name == name)


@given(sizes=SIZES, pace=st.booleans())
def test_any_block_sizes_give_the_same_sound_in_small_pieces(sizes: list[int], pace: bool) -> None:
    source = Given(sizes)
    heard = play(source, pace=pace)
    np.testing.assert_array_equal(heard.sound, source.sound)
    assert all(0 < len(one.samples) <= SAMPLE_RATE // 10 for one in heard.captured)
    assert heard.items[-1] == Over()
    assert len(heard.ends) == 1
    assert not source.open


@given(sizes=SIZES, delay=st.sampled_from([0.0, 0.03, 0.1, 0.25]))
def test_paced_sound_is_never_early_and_keeps_the_time_it_was_due(
    sizes: list[int], delay: float
) -> None:
    heard = play(Given(sizes), pace=True, delay=delay)
    ends = np.cumsum([len(one.samples) for one in heard.captured]) / SAMPLE_RATE
    due = [one.time for one in heard.captured]
    np.testing.assert_allclose(due, 100.0 + ends, rtol=0, atol=1e-9)
    assert all(handed >= time for handed, time in zip(heard.times, due, strict=False))
    assert due == sorted(due)


def test_paced_sound_catches_up_when_the_sink_was_busy() -> None:
    clock = SteppingClock()
    heard = Listener(clock)

    def busy_at_first(item: Item) -> None:
        if not heard.items:
            clock.advance(1.0)
        heard(item)

    source = Given([2 * SAMPLE_RATE])
    Playback(source, name="f", pace=True, clock=clock, sleep=clock.advance).start(busy_at_first)
    assert heard.over.wait(PATIENCE)
    piece = PIECE / SAMPLE_RATE
    first = 1.0 + piece
    due = [min(n * piece, 2.0) for n in range(1, len(heard.captured) + 1)]
    assert heard.times[: len(due)] == pytest.approx([max(first, time) for time in due])


def test_unpaced_sound_has_the_time_it_was_handed_on() -> None:
    heard = play(Given([SAMPLE_RATE]), pace=False, delay=0.5)
    assert [one.time for one in heard.captured] == heard.times[:-1]
    assert heard.times[:3] == [100.0, 100.5, 101.0]


@pytest.mark.parametrize("pace", [True, False])
def test_an_error_of_the_source_comes_after_the_sound_and_the_notices_before_it(pace: bool) -> None:
    error = InputError("given: breaks off")
    source = Given([8_000, 100], error)
    heard = play(source, pace=pace)
    np.testing.assert_array_equal(heard.sound, source.sound)
    assert heard.items[-2:] == [Notice("input", "given: ends early"), Over(error)]
    assert not source.open


def test_a_file_is_played_whole(samples: Path) -> None:
    with FileSource(samples / "meeting.flac") as source:
        whole = np.concatenate(list(source.blocks()))
    heard = play(FileSource(samples / "meeting.flac"), pace=True)
    np.testing.assert_array_equal(heard.sound, whole)


def test_a_missing_file_is_an_error_at_the_start(tmp_path: Path) -> None:
    source = FileSource(tmp_path / "none.wav")
    with pytest.raises(InputError, match="no such file"):
        Playback(source, name="f", pace=True, clock=SystemClock()).start(Listener())


def test_stopping_does_not_wait_for_the_pace() -> None:
    source = Given([60 * SAMPLE_RATE])
    playback = Playback(source, name="long", pace=True, clock=SystemClock())
    heard = Listener()
    playback.start(heard)
    assert heard.some.wait(PATIENCE)
    playback.stop()
    playback.stop()
    assert heard.over.wait(PATIENCE)
    assert len(heard.sound) < 20 * SAMPLE_RATE
    assert heard.ends == [Over()]


def test_stopping_hands_on_the_block_that_was_read() -> None:
    heard = Listener()
    playback = Playback(Given([9_000, 9_000]), name="f", pace=False, clock=SystemClock())

    def stop_at_once(item: Item) -> None:
        playback.stop()
        heard(item)

    playback.start(stop_at_once)
    assert heard.over.wait(PATIENCE)
    np.testing.assert_array_equal(heard.sound, np.arange(9_000))
    assert heard.ends == [Over()]


def test_stopped_before_it_starts_it_ends_without_sound() -> None:
    heard = Listener()
    playback = Playback(Given([1_600]), name="f", pace=False, clock=SystemClock())
    playback.stop()
    playback.start(heard)
    assert heard.over.wait(PATIENCE)
    assert heard.items == [Over()]


@pytest.mark.parametrize("before", [b"", bytes(640)])
def test_a_pipe_that_delivers_nothing_more_is_stopped_at_once(before: bytes) -> None:
    read, write = os.pipe()
    heard = Listener()
    with os.fdopen(read, "rb", buffering=0) as handle:
        source = PipeSource(handle, raw=RawFormat("s16le", SAMPLE_RATE, 1))
        playback = Playback(source, name="pipe", pace=False, clock=SystemClock())
        playback.start(heard)
        thread = thread_of(playback)
        if before:
            os.write(write, before)
            assert heard.some.wait(PATIENCE)
        playback.stop()
        assert heard.over.wait(PATIENCE)
        os.write(write, bytes(640))
        os.close(write)
        thread.join(PATIENCE)
    assert not thread.is_alive()
    assert len(heard.sound) == len(before) // 2
    assert heard.items[-1] == Over()
    assert len(heard.ends) == 1


@given(after=st.integers(0, 40))
def test_whenever_it_is_stopped_there_is_one_end_and_nothing_behind_it(after: int) -> None:
    heard = Listener()
    playback = Playback(Given([160] * 40), name="raced", pace=False, clock=SystemClock())
    reached = threading.Event()

    def count(item: Item) -> None:
        heard(item)
        if len(heard.items) >= after:
            reached.set()

    playback.start(count)
    assert reached.wait(PATIENCE)
    playback.stop()
    assert heard.over.wait(PATIENCE)
    for thread in threading.enumerate():
        if thread.name == "playback raced":
            thread.join(PATIENCE)
    assert len(heard.ends) == 1
    assert heard.items[-1] == Over()
