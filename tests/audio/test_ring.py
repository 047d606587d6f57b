from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.audio.ring import AudioBuffer

pytestmark = pytest.mark.unit


def counted(start: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.arange(start, start + count, dtype=np.float32)


@given(st.lists(st.tuples(st.integers(0, 30_000), st.floats(0, 1)), max_size=20))
def test_positions_stay_true_and_memory_is_bounded_by_what_is_kept(
    steps: list[tuple[int, float]],
) -> None:
    buffer = AudioBuffer()
    for count, share in steps:
        buffer.append(counted(buffer.end, count))
        buffer.drop_before(buffer.start + round((buffer.end - buffer.start) * share))
        kept = buffer.end - buffer.start
        assert buffer.capacity <= max(16_000, 4 * kept)
        np.testing.assert_array_equal(
            buffer.slice(buffer.start, buffer.end), counted(buffer.start, kept)
        )


def test_dropped_sound_cannot_be_asked_for() -> None:
    buffer = AudioBuffer()
    buffer.append(counted(0, 100))
    buffer.drop_before(40)
    with pytest.raises(IndexError, match=r"\[39, 50\)"):
        buffer.slice(39, 50)


@pytest.mark.parametrize(("start", "end"), [(0, 101), (60, 50), (-1, 3)])
def test_positions_outside_the_buffer_are_an_index_error(start: int, end: int) -> None:
    buffer = AudioBuffer()
    buffer.append(counted(0, 100))
    with pytest.raises(IndexError):
        buffer.slice(start, end)


def test_dropping_beyond_the_end_is_an_index_error_and_going_back_does_nothing() -> None:
    buffer = AudioBuffer()
    buffer.append(counted(0, 10))
    buffer.drop_before(5)
    buffer.drop_before(2)
    assert (buffer.start, buffer.end) == (5, 10)
    with pytest.raises(IndexError):
        buffer.drop_before(11)


def test_a_slice_is_a_copy_that_later_appends_do_not_change() -> None:
    buffer = AudioBuffer()
    buffer.append(counted(0, 10))
    part = buffer.slice(2, 4)
    buffer.drop_before(10)
    buffer.append(counted(10, 50_000))
    assert part.tolist() == [2.0, 3.0]
