"""Files on machines that are too slow: what is done otherwise, and that nothing is lost by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from echocli.audio.file import FileSource
from echocli.audio.source import Source
from echocli.clock import SteppingClock, SystemClock
from echocli.errors import ModelError
from echocli.events import Event, Failover, Final, Gap, Level, StatsEvent
from echocli.providers.base import DecodeOptions, LoadSpec
from echocli.runtime.adjusting import Adjuster
from echocli.runtime.ladder import LadderOptions, Rung
from echocli.runtime.offline import OfflineOptions, Transcription
from echocli.runtime.policy import LEAVING
from echocli.runtime.service import Service
from echocli.runtime.shared import Shared
from echocli.runtime.supervisor import Supervisor
from tests.runtime.conftest import Script, eventually, finals, lasting
from tests.runtime.pacing import Paced, Prompt, adjusting

ALL_SOUND = OfflineOptions(decode=DecodeOptions(language="en", beam_size=2), vad=None)

Speed = Callable[[str], float]


@dataclass(slots=True)
class Machine:
    """Workers of one speed, and every supervisor there was."""

    rtf: Speed
    clock: SteppingClock = field(default_factory=SteppingClock)
    supervisors: list[Supervisor] = field(default_factory=list)

    def make(self, spec: LoadSpec) -> Supervisor:
        self.supervisors.append(Paced(spec, self.clock, self.rtf))
        return self.supervisors[-1]

    def run(
        self, source: Source, service: Service, adjuster: Adjuster | None, options: OfflineOptions
    ) -> list[Event]:
        shared = Shared(service, self.clock, adjuster)
        transcription = Transcription(source, service, options, clock=self.clock, shared=shared)
        return list(transcription.events())

    @property
    def beams(self) -> list[int]:
        """What each worker says of its last decode."""
        told = [supervisor.conditions for supervisor in self.supervisors]
        return [conditions.beam_size for conditions in told if conditions is not None]


Serve = Callable[..., Service]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return ``serve(machine, spec, *fallbacks) -> Service``; all of them end."""
    made: list[Service] = []

    def start(machine: Machine, spec: LoadSpec, *fallbacks: LoadSpec) -> Service:
        made.append(Prompt(spec, fallbacks, make=machine.make, clock=machine.clock))
        return made[-1]

    yield start
    for service in made:
        service.close()


@pytest.fixture
def sizes(script: Script) -> list[LoadSpec]:
    """Return three scripts that say their names."""
    return [script(name=name, texts=[name]) for name in ("base", "small", "smallest")]


def always(**rtf: float) -> Speed:
    return lambda model: rtf[model]


def stats_of(events: Sequence[Event]) -> dict[str, object]:
    (stats,) = [event.stats for event in events if isinstance(event, StatsEvent)]
    return stats


def levels_of(events: Sequence[Event]) -> list[Level]:
    return [event for event in events if isinstance(event, Level)]


def covered(events: Sequence[Event]) -> float:
    assert not [event for event in events if isinstance(event, Gap)]
    segments = [event.segment for event in events if isinstance(event, Final)]
    return sum(segment.end - segment.start for segment in segments)


@pytest.mark.unit
def test_a_slow_file_goes_on_with_a_smaller_model_and_says_from_where(
    serve: Serve, sizes: list[LoadSpec]
) -> None:
    machine = Machine(always(base=1.1, small=0.75))
    service = serve(machine, sizes[0])
    adjuster = adjusting(service, *sizes[1:])
    events = machine.run(lasting(200), service, adjuster, ALL_SOUND)
    (level,) = levels_of(events)
    assert (level.from_, level.to, level.reason) == ("NORMAL", "DEGRADE", "RTF 1.10")
    assert level.effects == ("model small", "greedy", "larger batches")
    (first, *others) = [event.segment for event in events if isinstance(event, Final)]
    assert (first.text, first.end) == ("base", level.position)
    assert {segment.text for segment in others} == {"small"}
    assert covered(events) == pytest.approx(200)
    assert machine.beams == [2, 1]
    stats = stats_of(events)
    assert stats["level_at_start"] == "NORMAL"
    assert stats["levels"] == [
        {
            "position": level.position,
            "from": "NORMAL",
            "to": "DEGRADE",
            "reason": "RTF 1.10",
            "effects": ["model small", "greedy", "larger batches"],
        }
    ]
    assert stats["model"] == "small"


@pytest.mark.unit
def test_a_warning_keeps_the_model_and_decodes_greedily_in_larger_batches(
    serve: Serve, sizes: list[LoadSpec]
) -> None:
    machine = Machine(always(base=0.85))
    service = serve(machine, sizes[0])
    events = machine.run(lasting(200), service, adjusting(service, *sizes[1:]), ALL_SOUND)
    (level,) = levels_of(events)
    assert (level.to, level.effects) == ("WARNING", ("greedy", "larger batches"))
    assert set(finals(events)) == {"base"}
    assert machine.beams == [1]


@pytest.mark.unit
def test_an_emergency_goes_down_two_models_and_leaves_nothing_out(
    serve: Serve, sizes: list[LoadSpec]
) -> None:
    machine = Machine(always(base=1.5, small=9.0, smallest=0.75))
    service = serve(machine, sizes[0])
    events = machine.run(lasting(200), service, adjusting(service, *sizes[1:]), ALL_SOUND)
    (level,) = levels_of(events)
    assert (level.to, level.effects[0]) == ("EMERGENCY", "model smallest")
    assert set(finals(events)) == {"base", "smallest"}
    assert covered(events) == pytest.approx(200)


@pytest.mark.unit
def test_when_the_load_is_over_everything_is_as_before(serve: Serve, sizes: list[LoadSpec]) -> None:
    clock = SteppingClock()
    machine = Machine(lambda model: 1.1 if model == "base" and clock.time < 60 else 0.3, clock)
    service = serve(machine, sizes[0])
    events = machine.run(lasting(1500), service, adjusting(service, *sizes[1:]), ALL_SOUND)
    assert [level.to for level in levels_of(events)][-3:] == ["DEGRADE", "WARNING", "NORMAL"]
    assert levels_of(events)[-1].effects == ("beam size 2", "batches as before")
    texts = finals(events)
    assert (texts[0], texts[-1]) == ("base", "base")
    assert "small" in texts
    assert machine.beams[-1] == 2
    assert covered(events) == pytest.approx(1500)
    positions = [level.position for level in levels_of(events)]
    assert positions == sorted(positions)


@pytest.mark.unit
def test_what_was_pinned_stays_and_is_said_once_a_level(
    serve: Serve, sizes: list[LoadSpec]
) -> None:
    machine = Machine(always(base=1.5))
    service = serve(machine, sizes[0])
    adjuster = adjusting(service, keeps_beam=True)
    events = machine.run(lasting(400), service, adjuster, ALL_SOUND)
    assert [(level.to, level.effects) for level in levels_of(events)] == [
        ("EMERGENCY", ("larger batches",))
    ]
    assert set(finals(events)) == {"base"}
    assert machine.beams == [2]


@pytest.mark.unit
@pytest.mark.parametrize("given", [False, True])
def test_without_a_ladder_a_slow_file_is_decoded_as_asked(
    serve: Serve, sizes: list[LoadSpec], given: bool
) -> None:
    machine = Machine(always(base=5.0))
    service = serve(machine, sizes[0])
    adjuster = adjusting(service, *sizes[1:], options=None) if given else None
    events = machine.run(lasting(200), service, adjuster, ALL_SOUND)
    assert levels_of(events) == []
    assert set(finals(events)) == {"base"}
    assert machine.beams == [2]
    stats = stats_of(events)
    assert (stats["level_at_start"], stats["levels"], stats["failovers"]) == ("NORMAL", [], [])


@pytest.mark.unit
def test_a_fast_file_is_the_same_with_the_ladder(serve: Serve, script: Script) -> None:
    spec = script(name="base", texts=["one", "two", "three", "four"])
    machine = Machine(always(base=0.1))
    plain = machine.run(lasting(300), serve(machine, spec), None, ALL_SOUND)
    again = replace(spec, path=script(name="copy", texts=["one", "two", "three", "four"]).path)
    service = serve(machine, again)
    laddered = machine.run(lasting(300), service, adjusting(service), ALL_SOUND)
    assert [it for it in laddered if isinstance(it, Final)] == [
        it for it in plain if isinstance(it, Final)
    ]
    assert machine.beams == [2, 2]


@pytest.mark.unit
def test_the_level_stays_for_the_next_file_and_its_figures_say_so(
    serve: Serve, sizes: list[LoadSpec]
) -> None:
    machine = Machine(always(base=1.1, small=0.75))
    service = serve(machine, sizes[0])
    shared = Shared(service, machine.clock, adjusting(service, *sizes[1:]))
    first, second = [
        list(Transcription(lasting(secs), service, ALL_SOUND, shared=shared).events())
        for secs in (60, 50)
    ]
    assert len(levels_of(first)) == 1
    assert levels_of(second) == []
    stats = stats_of(second)
    assert (stats["level_at_start"], stats["levels"]) == ("DEGRADE", [])
    assert set(finals(second)) == {"small"}


@pytest.mark.unit
def test_a_file_that_was_begun_before_the_change_says_where_it_was_then(
    serve: Serve, script: Script
) -> None:
    base, small = (script(name=name, texts=[name], slots=2) for name in ("base", "small"))
    machine = Machine(always(base=1.1, small=0.75))
    service = serve(machine, base)
    shared = Shared(service, machine.clock, adjusting(service, small))
    sources = [lasting(15), lasting(30)]
    first, second = [Transcription(it, service, ALL_SOUND, shared=shared) for it in sources]
    second.begin()
    eventually(sources[1].closed.is_set, "the second input is read")
    assert len(levels_of(list(first.events()))) == 1
    events = list(second.events())
    stats = stats_of(events)
    segments = [event.segment for event in events if isinstance(event, Final)]
    begun = [segment.end for segment in segments if segment.text == "base"]
    assert stats["level_at_start"] == "NORMAL"
    (change,) = second.stats.levels
    assert (change["to"], [change["position"]]) == ("DEGRADE", begun)


@pytest.mark.unit
def test_a_failover_is_told_counted_and_no_load(serve: Serve, script: Script) -> None:
    crashes = {str(number): "crash" for number in (2, 3, 4)}
    base = script(name="base", texts=["base"], steps=crashes)
    other = script(name="other", texts=["other"])
    machine = Machine(always(base=0.5, other=0.5))
    service = serve(machine, base, other)
    adjuster = adjusting(service)
    events = machine.run(lasting(150), service, adjuster, ALL_SOUND)
    (failover,) = [event for event in events if isinstance(event, Failover)]
    assert (failover.from_, failover.to) == ("scripted:base", "scripted:other")
    assert "signal 9" in failover.reason
    assert covered(events) == pytest.approx(150)
    assert set(finals(events)) == {"base", "other"}
    assert stats_of(events)["failovers"] == [
        {
            "from": "scripted:base",
            "to": "scripted:other",
            "reason": failover.reason,
            "replayed_seconds": failover.replayed_seconds,
        }
    ]
    assert failover.replayed_seconds > 0
    assert adjuster.rung is Rung.NORMAL


@pytest.mark.unit
def test_what_was_tried_is_told_before_the_error_it_came_to(serve: Serve, script: Script) -> None:
    base = script(name="base", load_error="the weights are damaged")
    other = script(name="other", load_error="the library is broken")
    machine = Machine(always())
    service = serve(machine, base, other)
    stream = Transcription(lasting(5), service, ALL_SOUND, clock=machine.clock).events()
    event = next(stream)
    assert isinstance(event, Failover)
    assert (event.to, event.reason) == ("scripted:other", "the weights are damaged")
    with pytest.raises(ModelError, match="the library is broken"):
        next(stream)


@pytest.mark.model
def test_a_real_model_that_is_slow_gives_way_without_losing_a_word(
    tiny_model: Path, samples: Path
) -> None:
    heavy = LoadSpec("faster-whisper", "tiny.en", str(tiny_model))
    light = replace(heavy, model="lighter")  # the same weights, so that the text is the same
    calm = run_real(heavy, light, samples / "pauses.flac", LadderOptions(), slowdown=1.0)
    assert levels_of(calm) == []
    rtf = real_rtf(calm)
    steps = LadderOptions(
        rtf=(2 * rtf, 2.2 * rtf, 2.4 * rtf), recovery=rtf, hopeless=1000 * rtf, dwell=0.0
    )
    slow = run_real(heavy, light, samples / "pauses.flac", steps, slowdown=8.0)
    (level,) = levels_of(slow)
    assert (level.to, level.effects) == ("EMERGENCY", ("model lighter", "larger batches"))
    assert 0 < level.position < 46
    assert stats_of(slow)["model"] == "lighter"
    assert finals(slow) == finals(calm)


def real_rtf(events: Sequence[Event]) -> float:
    stats = stats_of(events)
    return float(str(stats["busy_seconds"])) / float(str(stats["speech_seconds"]))


def run_real(
    heavy: LoadSpec, light: LoadSpec, path: Path, steps: LadderOptions, *, slowdown: float
) -> list[Event]:
    def make(spec: LoadSpec) -> Supervisor:
        supervisor = Supervisor(spec, policy=LEAVING)
        supervisor.slowdown = lambda: slowdown if spec == heavy else 1.0
        return supervisor

    service = Prompt(heavy, make=make)
    try:
        adjuster = adjusting(service, light, options=steps, beam_size=1)
        shared = Shared(service, SystemClock(), adjuster)
        options = OfflineOptions(decode=DecodeOptions(language="en"))
        return list(Transcription(FileSource(path), service, options, shared=shared).events())
    finally:
        service.close()
