"""When the client tries again, and when it gives up."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.remote.policy import (
    ALIVE,
    FAILURES,
    JITTER,
    LONGEST,
    OPEN_SECONDS,
    PATIENCE,
    Circuit,
    GiveUp,
    Loss,
    Policy,
    Retry,
    parse_retry_after,
)

pytestmark = pytest.mark.unit

BROKEN = Loss("it broke off", close=1006)

chances = st.floats(0, 1, exclude_max=True)


def waits(policy: Policy, loss: Loss = BROKEN, now: float = 0.0) -> list[float]:
    """Return all waits until it gives up, each try failing at once."""
    found = []
    while isinstance(verdict := policy.lost(loss, now), Retry):
        found.append(verdict.at - now)
        now = verdict.at
    return found


def test_the_back_off_doubles_until_the_circuit_opens() -> None:
    found = waits(Policy(lambda: 0.5))
    assert found[:4] == [1.0, 2.0, 4.0, 8.0]
    assert found[4:] == [OPEN_SECONDS * (1 + JITTER / 2)] * 11
    assert len(found) == 15


@given(st.lists(chances, min_size=1), st.integers(0, 30))
def test_waits_stay_within_the_jitter_and_their_sum_is_bounded(
    numbers: list[float], retries: int
) -> None:
    chance = iter(numbers * 80)  # two are drawn for each wait at most
    found = waits(Policy(lambda: next(chance), retries))
    assert len(found) == retries
    for place, wait in enumerate(found):
        plain = min(LONGEST, 2.0**place)
        least = max(plain * (1 - JITTER), OPEN_SECONDS if place >= FAILURES - 1 else 0.0)
        assert least - 1e-6 <= wait <= max(plain, least) * (1 + JITTER) + 1e-6
    assert sum(found) <= retries * LONGEST * (1 + JITTER)


@given(chances, st.lists(st.floats(0, ALIVE - 0.1), max_size=40), st.booleans())
def test_a_server_that_accepts_and_drops_makes_no_hot_loop(
    chance: float, lives: list[float], acknowledges: bool
) -> None:
    """Not even one that acknowledges sound, as long as it does not last."""
    policy, now, tries = Policy(lambda: chance), 0.0, 0
    for life in lives:
        policy.connected(now)
        if acknowledges:
            policy.acknowledged()
        now += life
        verdict = policy.lost(Loss("dropped", close=1000), now)
        tries += 1
        if isinstance(verdict, GiveUp):
            break
        assert verdict.at - now >= 1 - JITTER - 1e-6
        now = verdict.at
    assert tries <= 16


def test_a_connection_that_lasts_but_acknowledges_nothing_proves_nothing() -> None:
    policy = Policy(lambda: 0.5)
    policy.lost(BROKEN, 0.0)
    policy.connected(1.0)
    assert policy.lost(BROKEN, 1000.0) == Retry(1002.0, 2)


def test_sound_that_was_acknowledged_and_five_seconds_start_the_count_anew() -> None:
    policy = Policy(lambda: 0.5)
    for now in range(4):
        policy.lost(BROKEN, float(now))
    policy.connected(10.0)
    policy.acknowledged()
    assert policy.lost(BROKEN, 10.0 + ALIVE) == Retry(16.0, 1)


def test_the_circuit_opens_after_five_failures_and_lets_one_try_through() -> None:
    policy = Policy(lambda: 0.5)
    for _ in range(FAILURES):
        assert policy.circuit(0.0) is Circuit.CLOSED
        policy.lost(BROKEN, 0.0)
    assert policy.circuit(OPEN_SECONDS - 1) is Circuit.OPEN
    assert policy.circuit(OPEN_SECONDS) is Circuit.HALF_OPEN
    policy.lost(BROKEN, OPEN_SECONDS)
    assert policy.circuit(OPEN_SECONDS + 1) is Circuit.OPEN
    policy.connected(200.0)
    policy.acknowledged()
    policy.look(200.0 + ALIVE)
    assert policy.circuit(300.0) is Circuit.CLOSED


@given(st.floats(0, PATIENCE), chances, st.sampled_from([429, 503, 408, 425, 500, None]))
def test_retry_after_is_a_lower_bound(after: float, chance: float, status: int | None) -> None:
    loss = Loss("busy", close=None if status else 1013, status=status, retry_after=after)
    verdict = Policy(lambda: chance).lost(loss, 100.0)
    assert isinstance(verdict, Retry)
    assert verdict.at >= 100.0 + after


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 4409])
def test_fatal_closes_are_not_tried_again(code: int) -> None:
    verdict = Policy(lambda: 0.5).lost(Loss("no", close=code), 0.0)
    assert isinstance(verdict, GiveUp)
    assert verdict.fatal
    assert verdict.loss is not None
    assert verdict.loss.forbidden == (code == 1008)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1013, 4404, 4408])
def test_other_closes_are(code: int) -> None:
    assert isinstance(Policy(lambda: 0.5).lost(Loss("no", close=code), 0.0), Retry)


def test_what_is_wrong_on_this_side_is_not_tried_again() -> None:
    assert isinstance(Policy(lambda: 0.5).lost(Loss("no", hopeless=True), 0.0), GiveUp)


def test_clients_do_not_come_back_together_when_the_circuit_lets_them() -> None:
    last = [waits(Policy(partial(float, chance)))[-1] for chance in (0.0, 0.5, 0.99)]
    assert last[0] == OPEN_SECONDS
    assert last[0] < last[1] < last[2] < OPEN_SECONDS * (1 + JITTER)


@pytest.mark.parametrize("status", [200, 301, 302, 400, 401, 403, 404, 426, 501, 505])
def test_statuses_that_stay_the_same_are_not_tried_again(status: int) -> None:
    assert isinstance(Policy(lambda: 0.5).lost(Loss("no", status=status), 0.0), GiveUp)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_passing_statuses_are(status: int) -> None:
    assert isinstance(Policy(lambda: 0.5).lost(Loss("no", status=status), 0.0), Retry)


@pytest.mark.parametrize("status", [None, 429, 503])
def test_whoever_asks_for_more_than_an_hour_is_not_waited_for(status: int | None) -> None:
    loss = Loss("full", close=None if status else 1013, status=status, retry_after=PATIENCE * 24)
    verdict = Policy(lambda: 0.5).lost(loss, 0.0)
    assert isinstance(verdict, GiveUp)
    assert verdict.fatal
    assert verdict.reason == "full; come back in 24 hours"


def test_a_connection_that_was_left_is_no_failure() -> None:
    policy = Policy(lambda: 0.5)
    policy.connected(0.0)
    policy.left(1000.0)
    assert policy.failures == 0


def test_a_last_try_waits_for_nothing_but_what_the_server_asked_for() -> None:
    policy = Policy(lambda: 0.5)
    policy.lost(Loss("busy", close=1013, retry_after=20.0), 100.0)
    assert policy.hurried(101.0) == 120.0
    assert policy.hurried(130.0) == 130.0


@pytest.mark.parametrize(
    ("text", "secs"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, secs: float | None) -> None:
    assert parse_retry_after(text, 60.0) == secs


@given(st.text())
def test_any_retry_after_is_taken_without_a_complaint(text: str) -> None:
    assert (parse_retry_after(text, 60.0) or 0.0) >= 0.0
