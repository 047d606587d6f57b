"""The queue between a device and the program never waits and never lies."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.audio.intake import Intake
from echocli.clock import SteppingClock

pytestmark = pytest.mark.unit

RATE = 1000
TIME = SimpleNamespace(inputBufferAdcTime=12.5)
FINE = SimpleNamespace(input_overflow=False)
LOST = SimpleNamespace(input_overflow=True)


def test_a_block_carries_a_copy_and_its_times() -> None:
    clock = SteppingClock(3.0)
    intake = Intake(RATE, clock)
    data = bytearray(b"\x01" * 40)
    intake.receive(data, 10, TIME, LOST)
    data[:] = bytes(40)
    block = intake.take(0)
    assert block is not None
    assert block.data == b"\x01" * 40
    assert (block.time, block.adc, block.overflow, block.seconds) == (3.0, 12.5, True, 0.01)


@given(st.lists(st.one_of(st.integers(1, 700), st.just(0)), max_size=60))
def test_every_frame_is_taken_or_counted_at_its_place(steps: list[int]) -> None:
    """A number brings so many frames, 0 takes a block."""
    intake = Intake(RATE, SteppingClock(), capacity=1.0)
    told, waiting, brought = 0, 0, 0
    for frames in steps:
        if frames:
            intake.receive(b"", frames, TIME, FINE)
            brought += frames
        elif (block := intake.take(0)) is not None:
            told += block.frames + block.dropped
    blocks, dropped = intake.rest()
    waiting = sum(block.frames for block in blocks)
    assert waiting <= RATE
    assert told + waiting + sum(block.dropped for block in blocks) + dropped == brought


def test_waking_ends_a_wait() -> None:
    intake = Intake(RATE, SteppingClock())
    intake.finish()
    assert intake.take(60) is None
    assert intake.ended
