from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.runtime.rtf import MOST, LoadMeter

pytestmark = pytest.mark.unit

SECS = st.floats(0.01, 30.0)


def steady(meter: LoadMeter, source: str, ratio: float, audio: float, count: int) -> float:
    """Decode ``count`` utterances that cost ``ratio`` of their sound; return when it is over."""
    for n in range(count):
        now = (n + 1) * audio
        meter.busy(source, ratio * audio, now)
        meter.covered(source, audio, now)
    return count * audio


def test_nothing_decoded_has_no_rtf() -> None:
    meter = LoadMeter()
    assert meter.rtf(0.0) is None
    assert meter.average(0.0, 60.0) is None


@given(st.floats(0.01, 20.0), st.floats(0.5, 9.0), st.integers(1, 40))
def test_a_steady_load_is_its_cost_by_its_sound(ratio: float, audio: float, count: int) -> None:
    meter = LoadMeter()
    now = steady(meter, "microphone", ratio, audio, count)
    assert meter.rtf(now) == pytest.approx(ratio)
    assert meter.average(now, 60.0) == pytest.approx(ratio)


@given(st.floats(0.01, 5.0), st.floats(0.01, 5.0))
def test_two_sources_add_up_because_they_share_a_model(first: float, second: float) -> None:
    meter = LoadMeter()
    steady(meter, "microphone", first, 4.0, 5)
    now = steady(meter, "system", second, 5.0, 4)
    assert meter.rtf(now) == pytest.approx(first + second)


def test_decoding_slower_than_speech_is_above_one() -> None:
    meter = LoadMeter()
    # 3 s of speech every 9 s of the wall, because each takes so long.
    for n in range(1, 4):
        meter.busy("microphone", 9.0, n * 9.0)
        meter.covered("microphone", 3.0, n * 9.0)
    assert meter.rtf(27.0) == pytest.approx(3.0)


def test_the_window_forgets() -> None:
    meter = LoadMeter(window=10.0)
    meter.busy("a", 20.0, 1.0)
    meter.covered("a", 10.0, 1.0)
    assert meter.rtf(10.9) == pytest.approx(2.0)
    assert meter.rtf(11.0) is None
    assert meter.average(60.9, 60.0) == pytest.approx(2.0)
    assert meter.average(61.0, 60.0) is None


def test_a_window_longer_than_a_minute_keeps_what_it_needs() -> None:
    meter = LoadMeter(window=300.0)
    meter.busy("a", 1.0, 0.0)
    meter.covered("a", 10.0, 0.0)
    meter.end(299.0)
    assert meter.rtf(299.0) == pytest.approx(0.1)


def test_work_counts_with_the_sound_it_was_for_however_long_ago_it_began() -> None:
    meter = LoadMeter(window=10.0)
    meter.busy("a", 8.0, 8.0)
    meter.busy("a", 16.0, 24.0)
    assert meter.rtf(24.0) is None
    meter.covered("a", 6.0, 24.0)
    assert meter.rtf(24.0) == pytest.approx(4.0)


def test_work_for_another_source_stays_with_that() -> None:
    meter = LoadMeter()
    meter.busy("a", 5.0, 1.0)
    meter.busy("b", 1.0, 1.0)
    meter.covered("b", 10.0, 1.0)
    assert meter.rtf(1.0) == pytest.approx(0.1)


def test_a_request_in_flight_counts_once_it_takes_long() -> None:
    meter = LoadMeter()
    meter.busy("a", 1.0, 10.0)
    meter.covered("a", 10.0, 10.0)
    meter.begin(10.0, 5.0)
    assert meter.rtf(10.2) == pytest.approx(0.1)
    assert meter.rtf(15.0) == pytest.approx(6.0 / 15.0)
    # What was decoded before is forgotten, the request is not.
    assert meter.rtf(40.0) == pytest.approx(30.0 / 5.0)
    meter.end(40.0)
    assert meter.rtf(40.0) is None


def test_a_request_of_nobody_knows_whom_counts_where_it_changes_least() -> None:
    meter = LoadMeter()
    for source, audio in (("a", 4.0), ("b", 9.0)):
        meter.busy(source, 1.0, 1.0)
        meter.covered(source, audio, 1.0)
    meter.begin(1.0, 1.0)
    assert meter.rtf(6.0) == pytest.approx(1 / 4 + 6 / 10)


@given(st.floats(0.05, 3.0), st.floats(1.0, 9.0), st.floats(0.0, 1.0))
def test_a_steady_load_is_steady_in_flight_too(ratio: float, audio: float, share: float) -> None:
    meter = LoadMeter()
    now = steady(meter, "a", ratio, audio, 5)
    meter.begin(now, audio)
    later = now + share * ratio * audio
    found = meter.rtf(min(later, now + 9.9))
    assert found == pytest.approx(ratio)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["busy", "covered", "begin", "end"]),
        st.sampled_from(["a", "b", "c"]),
        st.floats(-5.0, 50.0),
        st.floats(0.0, 20.0),
    ),
    max_size=60,
)


@given(STEPS, SECS)
def test_it_is_never_negative_and_forgets_everything(
    steps: list[tuple[str, str, float, float]], window: float
) -> None:
    meter, now = LoadMeter(window), 0.0
    for what, source, amount, wait in steps:
        now += wait
        match what:
            case "begin":
                meter.begin(now, amount)
            case "end":
                meter.end(now)
            case _:
                getattr(meter, what)(source, amount, now)
        assert (meter.rtf(now) or 0.0) >= 0.0
        assert (meter.average(now, 60.0) or 0.0) >= 0.0
    meter.end(now + 1000.0)
    assert meter.rtf(now + 1000.0) is None


@given(STEPS)
def test_a_request_in_flight_never_makes_the_load_look_smaller(
    steps: list[tuple[str, str, float, float]],
) -> None:
    meter, now = LoadMeter(), 0.0
    for what, source, amount, wait in steps:
        now += wait
        if what in ("busy", "covered"):
            getattr(meter, what)(source, amount, now)
    before = meter.rtf(now)
    meter.begin(now, 3.0)
    for elapsed in (0.0, 0.5, 5.0):
        settled = meter.average(now + elapsed, meter.window)
        assert (meter.rtf(now + elapsed) or 0.0) >= (settled or 0.0)
    meter.end(now)
    assert meter.rtf(now) == before


def test_memory_is_bounded() -> None:
    meter = LoadMeter()
    for n in range(3 * MOST):
        meter.busy("a", 1e-4, n * 1e-3)
        meter.covered("a", 1e-3, n * 1e-3)
    assert len(meter._tracks["a"].entries) == MOST
    assert meter.rtf(3 * MOST * 1e-3) == pytest.approx(0.1)
    for n in range(1000):
        meter.covered(f"source {n}", 1.0, 100.0 * n)
    assert len(meter._tracks) == 1
