"""How much is let in."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.clock import SteppingClock
from echocli.server.limits import (
    GRACE,
    LEAST_RATE,
    SETTLED,
    SLOW_LINE,
    Bucket,
    Budget,
    Busy,
    Pace,
    RateLimit,
    Slots,
    slowest,
)

pytestmark = pytest.mark.unit


def test_an_address_may_ask_so_often_and_then_has_to_wait() -> None:
    clock = SteppingClock()
    rate = RateLimit(6, clock)
    assert [rate.admit("10.0.0.1") for _ in range(6)] == [0.0] * 6
    assert rate.admit("10.0.0.1") == pytest.approx(10)
    assert rate.admit("10.0.0.2") == 0
    clock.advance(10)
    assert rate.admit("10.0.0.1") == 0
    assert rate.admit("10.0.0.1") == pytest.approx(10)


def test_a_bucket_takes_all_that_is_asked_for_or_nothing_of_it() -> None:
    bucket = Bucket(60, 100.0)
    assert bucket.take(100, 50) == 0
    assert bucket.take(100, 20) == pytest.approx(10)
    assert bucket.take(100, 10) == 0
    assert bucket.take(120, 20) == 0


def test_zero_is_no_limit_and_remembers_nobody() -> None:
    rate = RateLimit(0, SteppingClock())
    assert not any(rate.admit("10.0.0.1") for _ in range(1000))
    assert len(rate) == 0


def test_a_network_of_ipv6_is_one_address() -> None:
    rate = RateLimit(1, SteppingClock())
    assert rate.admit("2001:db8::1") == 0
    assert rate.admit("2001:db8::ffff:2") > 0
    assert rate.admit("2001:db8:0:1::1") == 0


def test_an_ipv4_address_in_ipv6_is_itself() -> None:
    rate = RateLimit(1, SteppingClock())
    assert rate.admit("::ffff:10.0.0.1") == 0
    assert rate.admit("::ffff:10.0.0.2") == 0
    assert rate.admit("10.0.0.1") > 0


def test_only_so_many_addresses_are_remembered() -> None:
    rate = RateLimit(1, SteppingClock(), most=3)
    for number in range(10):
        rate.admit(f"10.0.0.{number}")
    assert len(rate) == 3


@given(
    per_minute=st.integers(1, 1000),
    waits=st.lists(st.floats(0, 30), min_size=1, max_size=200),
)
def test_no_more_than_a_minutes_worth_and_what_came_since_is_let_in(
    per_minute: int, waits: list[float]
) -> None:
    clock = SteppingClock()
    rate, let_in = RateLimit(per_minute, clock), 0
    for wait in waits:
        clock.advance(wait)
        let_in += rate.admit("a") == 0
    assert let_in <= per_minute * (1 + clock.now() / 60) + 1e-6


async def _crowd(count: int, most: int, patience: float) -> tuple[int, int]:
    slots, release, done, refused = Slots(most, patience), asyncio.Event(), 0, 0

    async def one() -> None:
        nonlocal done, refused
        try:
            async with slots.hold():
                assert slots.held <= most
                await release.wait()
            done += 1
        except Busy:
            refused += 1

    tasks = [asyncio.create_task(one()) for _ in range(count)]
    while slots.held + slots.waiting + refused < count:
        await asyncio.sleep(0)
    if patience > 1:
        release.set()
    await asyncio.gather(*tasks) if patience > 1 else await asyncio.wait(tasks, timeout=0.2)
    release.set()
    await asyncio.gather(*tasks)
    assert slots.held == slots.waiting == 0
    return done, refused


def test_as_many_wait_as_are_in_and_the_rest_is_refused_at_once() -> None:
    assert asyncio.run(_crowd(7, most=2, patience=60)) == (4, 3)


def test_who_waits_too_long_is_refused() -> None:
    assert asyncio.run(_crowd(4, most=2, patience=0.05)) == (2, 2)


def test_who_is_cancelled_while_waiting_leaves_no_trace() -> None:
    async def scene() -> None:
        slots = Slots(1, 60)
        async with slots.hold():
            waiting = asyncio.create_task(slots.hold().__aenter__())
            await asyncio.sleep(0)
            assert slots.full
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert not slots.full
        async with slots.hold():
            assert slots.held == 1

    asyncio.run(scene())


def test_a_budget_is_never_overdrawn() -> None:
    budget = Budget(10)
    assert budget.take(6)
    assert not budget.take(5)
    assert budget.take(4)
    budget.give(6)
    assert budget.take(6)


def test_an_upload_has_time_and_then_must_go_on() -> None:
    pace = Pace(100.0, 10 * LEAST_RATE * SLOW_LINE)
    assert pace.keeps(1, 100 + GRACE)
    assert not pace.keeps(1, 100 + GRACE + 1)
    assert pace.keeps(LEAST_RATE, 100 + GRACE + 1)


def test_no_upload_takes_longer_than_the_largest_file_on_a_slow_line() -> None:
    pace = Pace(100.0, 10 * SLOW_LINE)
    assert pace.keeps(9 * SLOW_LINE, 100 + GRACE + 10)
    assert not pace.keeps(SLOW_LINE, 100 + GRACE + 10.1)


def test_who_brings_least_gives_way_unless_it_brings_enough_or_has_just_begun() -> None:
    largest, now = 10**9, 100.0
    quick = Pace(now - 2 * SETTLED, largest, round(2 * SETTLED * SLOW_LINE))
    fresh = Pace(now - SETTLED / 2, largest)
    slow, slower = (Pace(now - 60, largest, count) for count in (900_000, 400_000))
    assert slowest([quick, fresh], now) is None
    assert slowest([quick, fresh, slow], now) is slow
    assert slowest([slow, slower, quick], now) is slower
    assert slowest([], now) is None
