from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from echocli.runtime.standing import ProbeOptions, Standing, Standings

pytestmark = pytest.mark.unit

NAMES = st.sampled_from(["a", "b"])


def test_whoever_was_never_heard_of_is_healthy() -> None:
    standings = Standings[str]()
    assert (standings.of("a"), standings.usable("a"), standings.reason("a")) == (
        Standing.HEALTHY,
        True,
        "",
    )


def test_a_suspect_is_given_work_and_healthy_once_it_decodes() -> None:
    standings = Standings[str]()
    standings.suspect("a", "it died")
    assert (standings.of("a"), standings.usable("a")) == (Standing.SUSPECT, True)
    standings.completed("a")
    assert standings.of("a") is Standing.HEALTHY


def test_whoever_is_down_is_due_when_its_time_has_come() -> None:
    standings = Standings[str]()
    standings.failed("a", 100.0, "it died")
    assert not standings.usable("a")
    assert (standings.due("a", 129.9), standings.due("a", 130.0)) == (False, True)
    assert standings.reason("a") == "it died"


def test_what_no_waiting_mends_stays_out() -> None:
    standings = Standings[str](ProbeOptions(first=0.0))
    standings.failed("a", 0.0, "damaged", permanent=True)
    standings.failed("a", 0.0, "it died")
    standings.suspect("a", "it died")
    standings.forgive("a")
    assert standings.of("a") is Standing.DISABLED
    assert not standings.due("a", 1e9)
    assert standings.reason("a") == "damaged"


def test_a_probe_that_was_broken_off_is_as_due_as_before() -> None:
    standings = Standings[str]()
    standings.failed("a", 0.0, "it died")
    standings.probing("a")
    assert not standings.due("a", 1000.0)
    standings.untried("a")
    assert (standings.due("a", 29.9), standings.due("a", 30.0)) == (False, True)


def test_only_a_probe_can_be_broken_off() -> None:
    standings = Standings[str]()
    standings.untried("a")
    assert standings.of("a") is Standing.HEALTHY


@given(st.integers(1, 30), st.floats(0.1, 100), st.floats(100, 1000))
def test_each_failure_doubles_the_wait_up_to_the_longest(
    failures: int, first: float, longest: float
) -> None:
    standings = Standings[str](ProbeOptions(first, longest))
    for _ in range(failures):
        standings.failed("a", 0.0, "it died")
    wait = min(first * 2 ** (failures - 1), longest)
    assert not standings.due("a", wait * 0.999)
    assert standings.due("a", wait * 1.001)
    standings.completed("a")
    standings.failed("a", 0.0, "it died")
    assert standings.due("a", first)


class Anything(RuleBasedStateMachine):
    """Whatever is told in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.standings = Standings[str]()
        self.disabled: set[str] = set()

    @rule(name=NAMES)
    def completes(self, name: str) -> None:
        if name not in self.disabled:
            self.standings.completed(name)

    @rule(name=NAMES, now=st.floats(0, 1e6), permanent=st.booleans())
    def fails(self, name: str, now: float, permanent: bool) -> None:
        self.standings.failed(name, now, "why", permanent=permanent)
        assert not self.standings.usable(name)
        assert self.standings.due(name, now + 600) is (name not in self.disabled and not permanent)
        self.disabled |= {name} if permanent else set()

    @rule(name=NAMES)
    def is_suspected(self, name: str) -> None:
        before = self.standings.usable(name)
        self.standings.suspect(name, "why")
        assert self.standings.usable(name) is before

    @rule(name=NAMES)
    def is_forgiven(self, name: str) -> None:
        self.standings.forgive(name)
        assert self.standings.usable(name) is (name not in self.disabled)

    @rule(name=NAMES)
    def is_probed(self, name: str) -> None:
        if self.standings.due(name, 1e9):
            self.standings.probing(name)
            assert not self.standings.usable(name)

    @rule(name=NAMES)
    def is_left_untried(self, name: str) -> None:
        self.standings.untried(name)
        assert self.standings.of(name) is not Standing.PROBING

    @invariant()
    def whoever_is_disabled_stays_so(self) -> None:
        found = {name for name in "ab" if self.standings.of(name) is Standing.DISABLED}
        assert found == self.disabled


TestAnything = Anything.TestCase
