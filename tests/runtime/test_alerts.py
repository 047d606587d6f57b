from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.events import Notice
from echocli.runtime.alerts import Alert, AlertCode, AlertOptions, Alerts, Severity
from echocli.runtime.ladder import Rung
from echocli.runtime.lifecycle import State

pytestmark = pytest.mark.unit

Feed = Callable[[Alerts, float], Alert | None]

FACTS: dict[AlertCode, tuple[Feed, Feed, Severity]] = {
    AlertCode.OOM_DETECTED: (
        lambda alerts, now: alerts.memory(500.1, 500.0, now),
        lambda alerts, now: alerts.memory(500.0, 500.0, now),
        Severity.CRITICAL,
    ),
    AlertCode.PROVIDER_CRASH: (
        lambda alerts, now: alerts.errors(6, now),
        lambda alerts, now: alerts.errors(5, now),
        Severity.HIGH,
    ),
    AlertCode.DEGRADE_EMERGENCY: (
        lambda alerts, now: alerts.level(Rung.EMERGENCY, now),
        lambda alerts, now: alerts.level(Rung.DEGRADE, now),
        Severity.HIGH,
    ),
    AlertCode.INFERENCE_STUCK: (
        lambda alerts, now: alerts.wait(30.1, now),
        lambda alerts, now: alerts.wait(30.0, now),
        Severity.HIGH,
    ),
}


@pytest.mark.parametrize("code", FACTS)
def test_an_alert_comes_once_until_its_condition_has_cleared(code: AlertCode) -> None:
    bad, good, severity = FACTS[code]
    alerts = Alerts()
    assert good(alerts, 1.0) is None
    first = bad(alerts, 2.0)
    assert first is not None
    assert (first.code, first.severity, first.time) == (code, severity, 2.0)
    assert bad(alerts, 3.0) is None
    assert good(alerts, 4.0) is None
    again = bad(alerts, 5.0)
    assert again is not None
    assert again.time == 5.0


@pytest.mark.parametrize("code", FACTS)
def test_an_alert_is_a_notice_with_the_same_code(code: AlertCode) -> None:
    alert = FACTS[code][0](Alerts(), 0.0)
    assert alert is not None
    assert alert.notice == Notice(code.value, alert.message)
    assert type(alert.notice.code) is str


def test_a_model_that_does_not_start_is_critical() -> None:
    alerts = Alerts()
    alerts.lifecycle(State.LOADING, 0.0)
    alert = alerts.lifecycle(State.ERROR, 1.0, "no such file")
    assert alert == Alert(
        AlertCode.MODEL_INIT_FAILED,
        Severity.CRITICAL,
        1.0,
        "the model could not be started: no such file",
    )


def test_a_start_that_fails_again_is_one_alert_and_being_ready_clears_it() -> None:
    alerts = Alerts()
    states = (State.LOADING, State.ERROR, State.LOADING, State.WARMING_UP, State.ERROR)
    found = [alerts.lifecycle(state, 0.0) for state in states]
    assert [alert is not None for alert in found] == [False, True, False, False, False]
    for state in (State.LOADING, State.WARMING_UP, State.READY, State.UNINITIALIZED):
        assert alerts.lifecycle(state, 1.0) is None
    alerts.lifecycle(State.LOADING, 2.0)
    assert alerts.lifecycle(State.ERROR, 3.0) is not None


def test_a_crash_of_a_model_that_was_ready_is_no_failed_start() -> None:
    alerts = Alerts()
    for state in (State.LOADING, State.WARMING_UP, State.READY, State.ERROR, State.LOADING):
        assert alerts.lifecycle(state, 0.0) is None


def test_a_hopeless_rtf_must_last_a_minute() -> None:
    alerts = Alerts()
    found = [alerts.rtf(2.5, float(n)) for n in range(70)]
    assert [n for n, alert in enumerate(found) if alert] == [60]
    alert = found[60]
    assert alert is not None
    assert (alert.code, alert.severity) == (AlertCode.RTF_CRITICAL, Severity.CRITICAL)


@pytest.mark.parametrize("relief", [2.0, 0.1, None])
def test_a_moment_of_relief_starts_the_minute_anew(relief: float | None) -> None:
    alerts = Alerts()
    for n in range(60):
        assert alerts.rtf(3.0, float(n)) is None
    assert alerts.rtf(relief, 60.0) is None
    found = [alerts.rtf(3.0, 61.0 + n) for n in range(61)]
    assert [n for n, alert in enumerate(found) if alert] == [60]


def test_without_a_budget_memory_is_no_alert() -> None:
    assert Alerts().memory(1e6, None, 0.0) is None


def test_failover_after_emergency_is_the_same_alert() -> None:
    alerts = Alerts()
    assert alerts.level(Rung.EMERGENCY, 0.0) is not None
    assert alerts.level(Rung.FAILOVER, 1.0) is None


def test_thresholds_can_be_set() -> None:
    alerts = Alerts(AlertOptions(rtf=1.0, rtf_patience=0.0, errors_in_a_row=0, wait=1.0))
    assert alerts.rtf(1.1, 0.0) is not None
    assert alerts.errors(1, 0.0) is not None
    assert alerts.wait(1.5, 0.0) is not None


@given(st.lists(st.tuples(st.sampled_from(list(FACTS)), st.booleans()), max_size=60))
def test_alerts_of_a_kind_are_always_parted_by_a_clearing(
    trace: list[tuple[AlertCode, bool]],
) -> None:
    alerts, active = Alerts(), set[AlertCode]()
    for code, is_bad in trace:
        bad, good, _ = FACTS[code]
        alert = (bad if is_bad else good)(alerts, 0.0)
        assert (alert is not None) == (is_bad and code not in active)
        (active.add if is_bad else active.discard)(code)
