"""From load to what the worker does: with a service that only notes, and with real ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.events import Failover, Level, Notice
from echocli.providers.base import DecodeOptions, LoadSpec
from echocli.runtime.adjusting import Adjuster, Standing
from echocli.runtime.ladder import Ladder, LadderOptions, Load, Rung
from echocli.runtime.operating import Change, Choices, OperatingPoint, operating_point
from echocli.runtime.protocol import Conditions
from echocli.runtime.service import Service
from echocli.types import SAMPLE_RATE
from tests.runtime.conftest import Script, window
from tests.runtime.services import Serve, services

BIG, SMALL, OTHER, ENGLISH = (
    LoadSpec(provider, name, f"/{name}")
    for provider, name in (
        ("faster-whisper", "big"),
        ("faster-whisper", "small"),
        ("whisper-cpp", "tiny"),
        ("faster-whisper", "small.en"),
    )
)
BASE = OperatingPoint(BIG, 5, None, SAMPLE_RATE, 2 * SAMPLE_RATE)
CHOICES = Choices(BASE, (SMALL,), OTHER)
IDLE, HEAVY = Load(0.1), Load(1.5, 12.0)


@dataclass
class Wishes:
    """A service whose models get warm when told so."""

    spec: LoadSpec = BIG
    fallbacks: tuple[LoadSpec, ...] = (OTHER,)
    wanted: list[LoadSpec] = field(default_factory=list)
    prompt: bool = True

    @property
    def in_force(self) -> bool:
        return not self.wanted or self.wanted[-1] == self.spec

    def want(self, spec: LoadSpec) -> None:
        self.wanted.append(spec)

    def settle(self, *, wait: bool = False) -> bool:
        if (wait or self.prompt) and self.wanted:
            self.spec = self.wanted[-1]
        return False


class Refusing(Wishes):
    """A service that cannot start another model."""

    @property
    def in_force(self) -> bool:
        return True

    def settle(self, *, wait: bool = False) -> bool:
        return wait


def adjuster(service: Wishes, *, rescue: bool = False) -> Adjuster:
    return Adjuster(replace(CHOICES, rescue=OTHER if rescue else None), service, Ladder())


def levels(found: Iterator[Level | Notice | Failover]) -> list[Level]:
    return [event for event in found if isinstance(event, Level)]


@pytest.mark.unit
def test_without_a_ladder_nothing_is_ever_changed() -> None:
    service = Wishes()
    fixed = Adjuster(CHOICES, service, None)
    assert not fixed.observe(0.0, HEAVY)
    fixed.restore()
    assert (list(fixed.news(0.0, 0.0)), service.wanted) == ([], [])
    assert (fixed.point, fixed.rung, fixed.recovers_at) == (BASE, Rung.NORMAL, 1.0)


@pytest.mark.unit
def test_a_jump_over_levels_applies_all_their_effects_and_says_so_once_in_force() -> None:
    service = Wishes(prompt=False)
    it = adjuster(service)
    assert it.observe(0.0, HEAVY)
    assert it.point == operating_point(CHOICES, Rung.EMERGENCY)
    assert service.wanted == [SMALL]
    assert list(it.news(1.0, 1.0)) == []
    service.prompt = True
    assert list(it.news(2.0, 17.1234)) == [
        Level(
            "NORMAL",
            "EMERGENCY",
            "RTF 1.50",
            1.5,
            12.0,
            ("model small", "greedy", "no partials", "every other utterance kept for later"),
            17.123,
        )
    ]
    assert list(it.news(3.0, 18.0)) == []


@pytest.mark.unit
def test_recovery_restores_everything_level_by_level() -> None:
    service = Wishes()
    it = adjuster(service)
    it.observe(0.0, HEAVY)
    told = levels(it.news(0.0, 0.0))
    for second in range(1, 100):
        it.observe(float(second), IDLE)
        told += levels(it.news(float(second), float(second)))
    assert [level.to for level in told] == ["EMERGENCY", "DEGRADE", "WARNING", "NORMAL"]
    assert [level.effects for level in told[1:]] == [
        ("every utterance at once",),
        ("model big", "partials"),
        ("beam size 5", "open speech every 1 s"),
    ]
    assert (it.point, service.spec) == (BASE, BIG)


@pytest.mark.unit
def test_nothing_recovers_before_the_smaller_model_serves() -> None:
    it = adjuster(Wishes(prompt=False))
    it.observe(0.0, HEAVY)
    for second in range(1, 200):
        assert not it.observe(float(second), IDLE)
    assert it.rung is Rung.EMERGENCY


@pytest.mark.unit
def test_a_model_that_could_not_be_started_or_stands_in_is_no_effect() -> None:
    class Failing(Wishes):
        @property
        def in_force(self) -> bool:
            return True

    it = Adjuster(CHOICES, Failing(spec=OTHER, prompt=False), Ladder())
    it.observe(0.0, Load(1.1))
    (level,) = levels(it.news(0.0, 0.0))
    assert level.effects == ("greedy", "no partials")


@pytest.mark.unit
def test_what_changes_nothing_is_not_told() -> None:
    it = adjuster(Wishes())
    told = []
    for second in range(300):
        it.observe(float(second), Load(0.9))
        told += levels(it.news(float(second), 0.0))
    assert {level.to for level in told} == {"WARNING"}
    # From 1 s to 8 s, a second at a time.
    assert [level.effects[-1] for level in told] == [
        f"open speech every {secs} s" for secs in range(2, 9)
    ]


@pytest.mark.unit
def test_at_the_end_everything_is_as_in_the_beginning_for_good() -> None:
    service = Wishes()
    it = adjuster(service)
    it.observe(0.0, HEAVY)
    levels(it.news(0.0, 0.0))
    it.restore()
    assert (it.point, it.rung) == (BASE, Rung.NORMAL)
    (level,) = levels(it.news(1.0, 9.0))
    assert (level.from_, level.to, level.reason) == ("EMERGENCY", "NORMAL", "no more sound comes")
    assert not it.observe(20.0, HEAVY)
    it.restore()
    assert levels(it.news(20.0, 9.0)) == []


@pytest.mark.unit
def test_a_change_that_was_never_in_force_is_not_told_at_the_end() -> None:
    service = Wishes(prompt=False)
    it = adjuster(service)
    it.observe(0.0, HEAVY)
    it.restore()
    assert levels(it.news(1.0, 1.0)) == []
    assert service.wanted[-1] == BIG


@pytest.mark.unit
@pytest.mark.parametrize("rescue", [False, True])
def test_a_hopeless_machine_fails_over_or_is_told_so_once(rescue: bool) -> None:
    service = Wishes()
    it = adjuster(service, rescue=rescue)
    told = []
    for second in range(100):
        it.observe(float(second), Load(3.0))
        told += list(it.news(float(second), 0.0))
    notices = [event.code for event in told if isinstance(event, Notice)]
    assert notices == ([] if rescue else ["no_faster_fallback"])
    assert it.rung is (Rung.FAILOVER if rescue else Rung.EMERGENCY)
    assert service.spec == (OTHER if rescue else SMALL)


@pytest.mark.unit
def test_once_english_is_heard_its_models_are_what_there_is_to_go_down_to() -> None:
    service = Wishes()
    english = replace(CHOICES, smaller=(ENGLISH,), fallback=ENGLISH)
    it = Adjuster(CHOICES, service, Ladder(), english=english)
    it.heard("de")
    it.heard(None)
    assert service.fallbacks == (OTHER,)
    it.heard("en")
    it.observe(0.0, Load(1.1))
    assert (it.point.spec, service.fallbacks) == (ENGLISH, (ENGLISH,))


@pytest.fixture
def serve() -> Iterator[Serve]:
    with services() as make:
        yield make


def reported(service: Service, it: Adjuster, number: int) -> Conditions | None:
    """Decode as the point says, and return what the worker says about that."""
    point = it.point
    options = DecodeOptions(
        language="en",
        beam_size=point.beam_size,
        chunk_seconds=point.least_interval / SAMPLE_RATE,
    )
    service.decode([window(number)], options)
    return service.current.conditions


def change(*, fails_over: bool = False) -> Change:
    choices = Choices(replace(BASE, spec=OTHER), (), SMALL)
    return Change(choices, choices, (SMALL, BIG), "asked for", fails_over)


@pytest.mark.unit
class TestAsking:
    def test_another_model_serves_and_is_the_base_from_then_on(self) -> None:
        service = Wishes()
        it = adjuster(service)
        it.change(change())
        assert service.fallbacks == (SMALL, BIG)
        (level,) = it.news(0.0, 3.0)
        assert isinstance(level, Level)
        assert (level.from_, level.to, level.reason) == ("NORMAL", "NORMAL", "asked for")
        assert level.effects == ("model whisper-cpp tiny",)
        it.restore()
        assert it.point.spec == OTHER

    def test_a_fallback_asked_for_during_a_recovery_is_told_with_the_level(self) -> None:
        service = Wishes()
        it = adjuster(service)
        it.observe(0.0, HEAVY)
        assert levels(it.news(0.0, 0.0))[0].to == "EMERGENCY"
        service.prompt = False
        second = 1.0
        while it.rung is Rung.EMERGENCY:
            it.observe(second, IDLE)
            second += 1
        it.change(change(fails_over=True))
        service.settle(wait=True)
        failover, level = it.news(second, 3.0)
        assert isinstance(failover, Failover)
        assert isinstance(level, Level)
        assert (level.from_, level.to) == ("EMERGENCY", it.rung.name)
        assert not any("model" in effect for effect in level.effects)

    def test_what_is_left_is_what_serves_also_after_a_failure(self) -> None:
        service = Wishes()
        it = adjuster(service)
        service.spec = SMALL  # it took over from one that failed
        it.change(change(fails_over=True))
        (failover,) = it.news(0.0, 3.0)
        assert isinstance(failover, Failover)
        assert (failover.from_, failover.to) == ("faster-whisper:small", "whisper-cpp:tiny")

    def test_a_model_that_cannot_be_started_is_taken_back(self) -> None:
        service = Refusing()
        it = adjuster(service)
        asked = change()
        it.change(asked)
        assert it.base == OTHER
        assert list(it.news(0.0, 3.0)) == []
        assert (it.base, it.point, it.refused) == (BIG, BASE, asked)
        assert service.fallbacks == (OTHER,)
        assert service.wanted[-1] == BIG
        assert list(it.news(1.0, 4.0)) == []

    def test_nothing_is_said_before_it_serves(self) -> None:
        service = Wishes(prompt=False)
        it = adjuster(service)
        it.change(change())
        assert not list(it.news(0.0, 3.0))
        service.settle(wait=True)
        assert len(list(it.news(1.0, 4.0))) == 1

    def test_the_level_of_the_ladder_stays(self) -> None:
        service = Wishes()
        it = adjuster(service)
        it.observe(0.0, Load(0.9))
        list(it.news(0.0, 0.0))
        it.change(change())
        assert (it.rung, it.point.spec, it.point.beam_size) == (Rung.WARNING, OTHER, 1)

    def test_a_fallback_that_was_asked_for_is_a_failover(self) -> None:
        it = adjuster(Wishes())
        it.change(change(fails_over=True))
        (event,) = it.news(0.0, 3.0)
        assert event == Failover("faster-whisper:big", "whisper-cpp:tiny", "asked for", 0.0)

    def test_after_the_last_sound_nothing_is_changed(self) -> None:
        service = Wishes()
        it = adjuster(service)
        it.restore()
        it.change(change())
        assert it.point == BASE

    def test_what_is_held_changes_for_no_load_but_when_asked(self) -> None:
        service = Wishes(prompt=False)
        it = adjuster(service)
        it.hold()
        assert not it.observe(0.0, HEAVY)
        it.change(change())
        assert service.spec == OTHER  # the file waits until it is warm


def follow_real(service: Service, smaller: LoadSpec) -> None:
    """Go up to EMERGENCY and down again; the worker must say that it does as the levels say."""
    base = OperatingPoint(service.spec, 5, None, SAMPLE_RATE, 2 * SAMPLE_RATE)
    options = LadderOptions(dwell=1.0, calm=1.0)
    it = Adjuster(Choices(base, (smaller,)), service, Ladder(options))
    provider, big, small = service.spec.provider, service.spec.model, smaller.model
    assert reported(service, it, 0) == Conditions(provider, big, 5, 1.0)
    assert it.observe(0.0, HEAVY)
    service.settle(wait=True)
    (level,) = levels(it.news(0.0, 1.0))
    assert level.to == "EMERGENCY"
    assert reported(service, it, 1) == Conditions(provider, small, 1, 2.0)
    told = []
    for second in range(1, 10):
        it.observe(float(second), IDLE)
        service.settle(wait=True)
        told += levels(it.news(float(second), float(second)))
    assert [level.to for level in told] == ["DEGRADE", "WARNING", "NORMAL"]
    assert reported(service, it, 2) == Conditions(provider, big, 5, 1.0)
    assert not service.notices


@pytest.mark.unit
def test_the_worker_does_what_the_level_says_and_everything_comes_back(
    serve: Serve, script: Script
) -> None:
    service = serve(script(name="big", texts=["a"]))
    service.ready()
    follow_real(service, script(name="small", texts=["b"]))


@pytest.mark.model
def test_a_real_model_does_what_the_level_says_and_everything_comes_back(
    serve: Serve, tiny_model: Path
) -> None:
    spec = LoadSpec("faster-whisper", "tiny.en", str(tiny_model))
    service = serve(spec)
    service.ready()
    follow_real(service, replace(spec, model="smaller"))


NOTES = st.lists(st.tuples(st.floats(0.0, 3.0), st.integers(0, 5)), min_size=1, max_size=40)


@pytest.mark.unit
@given(NOTES, st.floats(0.5, 4.0))
def test_what_stands_is_the_least_that_held_in_the_interval(
    notes: list[tuple[float, int]], interval: float
) -> None:
    standing, now, values = Standing(interval), 0.0, list[tuple[float, int]]()
    for gap, value in notes:
        now += gap
        values.append((now, value))
        ends = [*(time for time, _ in values[1:]), float("inf")]
        held = [it for (_, it), end in zip(values, ends, strict=True) if end > now - interval]
        whole = now - values[0][0] >= interval
        assert standing.note(now, value) == (min(held) if whole else 0.0)
