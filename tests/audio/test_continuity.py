"""What is lost is told from what is late, whatever the timing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.audio.continuity import (
    DEVICE_LOST,
    LATE,
    OVERFLOW,
    OVERRUN,
    PATIENCE,
    STALL,
    Continuity,
    Hole,
    Piece,
)
from echocli.audio.intake import Block

pytestmark = pytest.mark.unit

RATE = 48_000
STEP = 0.05
"""Seconds of sound in a block, as PortAudio gives them with the latency asked for."""

START = 1000.0


def block(
    time: float, *, adc: float = 0.0, overflow: bool = False, dropped: int = 0, secs: float = STEP
) -> Block:
    return Block(b"", round(secs * RATE), RATE, time, adc, overflow, dropped)


def steady(count: int, first: float = START) -> list[Block]:
    return [block(first + index * STEP) for index in range(count)]


def fed(*blocks: Block) -> list[Piece]:
    continuity = Continuity()
    pieces = [piece for one in blocks for piece in continuity.feed(one)]
    return pieces + continuity.release()


def holes(pieces: list[Piece]) -> list[tuple[float, str]]:
    """Return length, to the microsecond, and reason of each hole."""
    found = [piece for piece in pieces if isinstance(piece, Hole)]
    return [(round(piece.seconds, 6), piece.reason) for piece in found]


@given(
    jitters=st.lists(st.floats(0, 0.15), min_size=1, max_size=200),
    stalls=st.dictionaries(st.sampled_from([20, 90, 160]), st.floats(0.3, 2.5)),
)
def test_whatever_comes_late_but_whole_has_no_hole(
    jitters: list[float], stalls: dict[int, float]
) -> None:
    """Blocks wait behind a stall and then come at once, as from a sound server."""
    now, blocks = 0.0, []
    for index in range(200):
        due = index * STEP + jitters[index % len(jitters)]
        now = max(now, due) + stalls.get(index, 0.0)
        blocks.append(block(START + now))
    assert fed(*blocks) == blocks


@given(before=st.integers(1, 60), lost=st.floats(LATE + 0.01, 900), jitter=st.floats(0, 0.04))
def test_what_a_stall_swallows_is_a_hole_at_its_place(
    before: int, lost: float, jitter: float
) -> None:
    first = steady(before)
    behind = [
        block(START + (before + index) * STEP + lost + jitter * (index % 2)) for index in range(80)
    ]
    pieces = fed(*first, *behind)
    ((seconds, reason),) = holes(pieces)
    assert pieces[:before] + pieces[before + 1 :] == [*first, *behind]
    assert reason == STALL
    assert seconds == pytest.approx(lost, abs=jitter + 0.001)


@settings(max_examples=10, deadline=None)
@given(drift=st.floats(-4e-4, 4e-4))
def test_the_drift_of_a_sound_card_makes_no_hole_in_four_hours(drift: float) -> None:
    blocks = [block(START + second * (1 + drift), secs=1.0) for second in range(4 * 3600)]
    assert fed(*blocks) == blocks


def test_small_losses_add_up_to_a_hole() -> None:
    """Nobody reported them, and each could be jitter."""
    blocks = [block(START + index * STEP + index // 40 * 0.15) for index in range(160)]
    total = sum(seconds for seconds, _ in holes(fed(*blocks)))
    assert total == pytest.approx(0.3, abs=0.03)


def test_a_loss_shows_while_a_burst_is_still_under_way_only_after_patience() -> None:
    continuity = Continuity()
    for one in steady(20):
        assert continuity.feed(one) == [one]
    # Three seconds were held up and come at one and a third times the speed: too slow to wait for.
    now, waited = START + 20 * STEP + 3.0, 0.0
    while not continuity.feed(block(now + waited)):
        waited += STEP * 0.75
    assert waited == pytest.approx(PATIENCE, abs=2 * STEP)


def test_a_late_block_is_handed_on_at_once_when_sound_catches_up() -> None:
    continuity = Continuity()
    for one in steady(10):
        continuity.feed(one)
    late = [block(START + 10 * STEP + 0.52) for _ in range(11)]
    given_on = [continuity.feed(one) for one in late]
    assert [len(pieces) for pieces in given_on[:7]] == [0] * 7
    assert [piece for pieces in given_on for piece in pieces] == late


def test_a_reported_overflow_has_the_length_the_device_says() -> None:
    times = [
        block(START, adc=50.0),
        block(START + STEP + 0.13, adc=50.0 + STEP + 0.1, overflow=True),
    ]
    assert holes(fed(*times)) == [(0.1, OVERFLOW)]


@pytest.mark.parametrize("adc", [0.0, 50.0 - 3, 50.0 + STEP, 50.0 + 9])
def test_without_a_usable_time_of_the_device_an_overflow_has_that_of_the_clock(adc: float) -> None:
    times = [block(START, adc=50.0), block(START + STEP + 0.13, adc=adc, overflow=True)]
    assert holes(fed(*times)) == [(0.13, OVERFLOW)]


def test_an_overflow_that_cost_no_time_is_no_hole() -> None:
    assert holes(fed(block(START), block(START + STEP - 0.01, overflow=True))) == []


def test_what_the_queue_dropped_is_a_hole_of_that_length() -> None:
    last = block(START + 20.0 + STEP, dropped=20 * RATE)
    assert fed(block(START), last) == [block(START), Hole(20.0, OVERRUN), last]


def test_a_stream_opened_anew_is_as_far_behind_as_the_clock_says() -> None:
    continuity = Continuity()
    for one in steady(10):
        continuity.feed(one)
    continuity.resume()
    again = block(START + 9 * STEP + 7.0)
    pieces = continuity.feed(again)
    assert holes(pieces) == [(7.0 - STEP, DEVICE_LOST)]
    assert pieces[1:] == [again]
    after = block(START + 10 * STEP + 7.0)
    assert continuity.feed(after) == [after]


def test_up_to_a_stop_the_rest_is_lost_and_nothing_before_the_first_block() -> None:
    continuity = Continuity()
    assert continuity.until(START) is None
    continuity.feed(block(START))
    rest = continuity.until(START + 2.5)
    assert rest is not None
    assert holes([rest]) == [(2.5, DEVICE_LOST)]
    assert continuity.until(START + 2.5) is None
