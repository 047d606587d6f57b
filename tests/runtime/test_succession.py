from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.providers.base import LoadSpec
from echocli.runtime.standing import Standing
from echocli.runtime.succession import ServiceOptions, Succession

pytestmark = pytest.mark.unit

HOME, SMALL, OTHER = (LoadSpec("scripted", name, name) for name in ("home", "small", "other"))


def line(*fallbacks: LoadSpec, outage: float = 0.0) -> Succession:
    return Succession(HOME, fallbacks, ServiceOptions(outage=outage))


def test_the_target_comes_first_then_fallbacks_then_home() -> None:
    succession = line(OTHER)
    assert succession.candidates == [HOME, OTHER]
    succession.target = SMALL
    assert succession.candidates == [SMALL, OTHER, HOME]
    succession.target = OTHER
    assert succession.candidates == [OTHER, HOME]


def test_fallbacks_may_change_later() -> None:
    succession = line(OTHER)
    succession.fallbacks = (SMALL,)
    assert succession.candidates == [HOME, SMALL]


def test_whoever_fails_is_followed_by_the_best_that_is_usable() -> None:
    succession = line(OTHER, SMALL)
    assert succession.after(HOME, 0.0, "why") == OTHER
    assert succession.after(OTHER, 0.0, "why") == SMALL
    assert succession.best == SMALL


def test_the_last_one_gets_one_more_chance_unless_it_is_beyond_help() -> None:
    succession = line(OTHER)
    assert succession.after(HOME, 0.0, "why") == OTHER
    assert succession.after(OTHER, 0.0, "why") == OTHER
    assert succession.standings.of(OTHER) is Standing.SUSPECT
    assert succession.after(OTHER, 0.0, "why") is None
    assert line().after(HOME, 0.0, "damaged", permanent=True) is None


def test_a_window_has_failed_all_when_nobody_is_left_who_did_not_try() -> None:
    succession = line(OTHER)
    assert not succession.has_failed_all([HOME])
    assert succession.has_failed_all([HOME, OTHER])
    assert line().has_failed_all([HOME, HOME])
    assert not succession.has_failed_all([OTHER, OTHER])
    succession.standings.failed(HOME, 0.0, "why")
    assert succession.has_failed_all([OTHER, OTHER])
    succession.standings.probing(HOME)
    assert not succession.has_failed_all([OTHER, OTHER])


def test_an_outage_lasts_as_long_as_the_options_say() -> None:
    succession = line(outage=60.0)
    assert [succession.is_over(now) for now in (100.0, 130.0, 159.9, 160.0)] == [
        False,
        False,
        False,
        True,
    ]
    assert not succession.in_outage
    assert not succession.is_over(1000.0)


def test_a_window_that_is_decoded_ends_an_outage() -> None:
    succession = line(outage=60.0)
    succession.is_over(0.0)
    assert succession.in_outage
    succession.completed(HOME)
    assert not succession.in_outage


def test_waiting_is_vain_where_all_are_disabled() -> None:
    succession = line(outage=60.0)
    succession.standings.failed(HOME, 0.0, "damaged", permanent=True)
    assert succession.is_over(0.0)


def test_everybody_but_the_disabled_is_forgiven() -> None:
    succession = line(OTHER, SMALL)
    succession.standings.failed(HOME, 0.0, "damaged", permanent=True)
    succession.standings.failed(SMALL, 0.0, "why")
    succession.standings.failed(OTHER, 0.0, "why")
    assert succession.forgive() == OTHER
    assert succession.best == OTHER
    assert [succession.standings.usable(one) for one in (HOME, OTHER, SMALL)] == [False, True, True]


@given(st.lists(st.booleans(), max_size=12), st.integers(0, 2))
def test_who_is_next_is_always_usable_and_failing_for_ever_ends(
    permanent: list[bool], fallbacks: int
) -> None:
    succession = line(*(OTHER, SMALL)[:fallbacks])
    serving: LoadSpec | None = HOME
    turns = 0
    for lasting in [*permanent, *[False] * 9]:
        if serving is None:
            break
        serving = succession.after(serving, 0.0, "why", permanent=lasting)
        turns += 1
        assert serving is None or succession.standings.usable(serving)
    assert serving is None
    assert turns <= fallbacks + 2
