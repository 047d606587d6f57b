"""What becomes of windows when providers crash, hang, run out of memory or cannot be loaded."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from echocli.clock import SteppingClock
from echocli.errors import ExitCode, ModelError, ProviderError
from echocli.events import Failover
from echocli.providers.base import DecodeOptions, Hypothesis, LoadSpec, Window
from echocli.runtime.policy import LEAVING
from echocli.runtime.service import Service, ServiceOptions
from echocli.runtime.standing import Standing
from echocli.runtime.supervisor import Lost, Outcome, Supervisor
from echocli.runtime.warmup import Level, warm_windows
from tests.runtime.conftest import Script, window
from tests.runtime.services import (
    HASTY,
    OPTIONS,
    Passing,
    Serve,
    codes,
    crashes,
    decode,
    failovers,
    leaving,
    services,
    texts,
    workers,
)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with services() as make:
        yield make


@pytest.mark.unit
def test_what_was_in_flight_when_a_provider_broke_is_decoded_by_the_next_in_its_order(
    serve: Serve, script: Script
) -> None:
    first = script(name="first", texts=["a"], steps=crashes(3, 4, 5))
    second = script(name="second", texts=["one", "two", "three"])
    service = serve(first, second)
    assert decode(service, 0) == ["a"]
    assert decode(service, 1, 2, 3) == ["one", "two", "three"]
    assert failovers(service) == [("first", "second", 3.0)]
    assert [it.reason for it in service.notices if isinstance(it, Failover)] == [
        "worker was killed by signal 9"
    ]
    assert service.spec == second
    assert service.standings.of(first) is Standing.DOWN


@pytest.mark.unit
def test_what_a_provider_had_decoded_before_it_broke_is_not_decoded_again(
    serve: Serve, script: Script
) -> None:
    first = script(name="first", texts=["a"], steps=crashes(1, 3, 4, 5))
    service = serve(first, script(name="second", texts=["b"]))
    assert decode(service, 0, 1, 2) == ["a", "b", "b"]
    assert failovers(service) == [("first", "second", 2.0)]


@pytest.mark.unit
def test_a_provider_that_breaks_on_the_very_last_window_costs_nothing(
    serve: Serve, script: Script
) -> None:
    first = script(name="first", texts=["a"], steps=crashes(3, 4, 5))
    service = serve(first, script(name="second", texts=["b"]))
    assert [decode(service, number)[0] for number in range(3)] == ["a", "a", "b"]
    assert failovers(service) == [("first", "second", 1.0)]


@pytest.mark.unit
def test_two_crashes_are_restarts_and_no_reason_to_leave(serve: Serve, script: Script) -> None:
    first = script(name="first", texts=["a"], steps=crashes(1, 2, 4, 5))
    service = serve(first, script(name="second", texts=["b"]))
    assert [decode(service, number)[0] for number in range(2)] == ["a", "a"]
    assert (failovers(service), service.restarts) == ([], 4)


@pytest.mark.unit
def test_a_provider_that_is_stopped_is_left_when_its_time_is_up(
    serve: Serve, script: Script
) -> None:
    first, second = script(name="first", texts=["a"]), script(name="second", texts=["b"])
    service = serve(first, second, make=leaving(HASTY))
    assert decode(service, 0) == ["a"]
    assert service.current.worker_pid is not None
    os.kill(service.current.worker_pid, signal.SIGSTOP)
    assert decode(service, 1, 2) == ["b", "b"]
    assert failovers(service) == [("first", "second", 2.0)]
    assert workers() == [service.current.worker_pid]


@pytest.mark.unit
@pytest.mark.parametrize("keys", [{"room": {"cpu": 0}}, {"steps": {"1": "full"}}], ids=str)
def test_a_provider_without_room_for_one_window_is_left_at_once(
    serve: Serve, script: Script, keys: dict[str, object]
) -> None:
    service = serve(script(name="first", **keys), script(name="second", texts=["b"]))
    assert decode(service, 0) == ["b"]
    assert (failovers(service), service.restarts) == ([("first", "second", 1.0)], 0)


@pytest.mark.unit
def test_a_model_that_cannot_be_loaded_is_never_tried_again(serve: Serve, script: Script) -> None:
    clock = SteppingClock()
    first = script(name="first", load_error="the weights are damaged")
    service = serve(first, script(name="second", texts=["b"]), clock=clock)
    service.ready()
    assert failovers(service) == [("first", "second", 0.0)]
    assert service.standings.of(first) is Standing.DISABLED
    assert service.standings.reason(first) == "the weights are damaged"
    clock.advance(10_000)
    assert decode(service, 0) == ["b"]
    assert service.coming is None


@pytest.mark.unit
def test_a_provider_that_is_not_there_is_disabled(serve: Serve, script: Script) -> None:
    nobody = LoadSpec("nobody", "m", "")
    service = serve(nobody, script(name="second", texts=["b"]))
    assert decode(service, 0) == ["b"]
    assert service.standings.of(nobody) is Standing.DISABLED


@pytest.mark.unit
def test_a_crash_in_the_warm_up_costs_a_fresh_worker(serve: Serve, script: Script) -> None:
    service = serve(script(texts=["a"], steps=crashes(1)))
    service.ready(warm_windows(Level.FIRST))
    assert (failovers(service), codes(service)) == ([], ["worker_restarted"])
    assert decode(service, 0) == ["a"]


@pytest.mark.unit
def test_a_provider_that_cannot_be_warmed_gives_way(serve: Serve, script: Script) -> None:
    first = script(name="first", steps=crashes(1))
    service = serve(first, script(name="second", texts=["b"]))
    service.ready(warm_windows(Level.FIRST))
    assert failovers(service) == [("first", "second", 0.0)]
    assert service.standings.of(first) is Standing.DOWN
    assert len(service.current.warm_runs) == 1


@pytest.mark.unit
def test_when_both_die_that_is_an_error_of_its_own(serve: Serve, script: Script) -> None:
    both = [script(name=name, load_error=f"{name} is broken") for name in ("first", "second")]
    service = serve(*both)
    with pytest.raises(ProviderError, match="second is broken") as caught:
        decode(service, 0)
    assert caught.value.exit_code is ExitCode.UNAVAILABLE
    assert caught.value.hint
    assert workers() == []


@pytest.mark.unit
def test_the_only_model_there_is_says_itself_why_it_cannot_be_loaded(
    serve: Serve, script: Script
) -> None:
    with pytest.raises(ModelError, match=r"^the weights are damaged$"):
        serve(script(load_error="the weights are damaged")).ready()


@pytest.mark.unit
def test_providers_that_crash_for_a_while_cost_two_windows_at_most(
    serve: Serve, script: Script
) -> None:
    steps = crashes(*range(1, 15))
    specs = [script(name=name, texts=[name], steps=steps) for name in ("first", "second")]
    options = ServiceOptions(outage=1000.0, retry=0.0)
    service = serve(*specs, clock=Passing(), options=options)
    found = decode(service, *range(4))
    assert (found[:2], found[2], found[3]) == ([None, None], found[3], found[2])
    assert found[2] in ("first", "second")
    assert codes(service).count("all_down") == 1


@pytest.mark.unit
def test_models_that_cannot_be_loaded_for_a_while_are_waited_for(
    serve: Serve, script: Script
) -> None:
    first = script(name="first", texts=["a"], no_room_to_load=["cpu"])
    options = ServiceOptions(outage=1000.0, retry=0.0)

    class Mending(Passing):
        def now(self) -> float:
            if self.time == 20:
                script(name="first", texts=["a"])
            return super().now()

    service = serve(first, clock=Mending(), options=options)
    assert decode(service, 0) == ["a"]
    assert codes(service).count("all_down") == 1
    assert service.standings.of(first) is Standing.HEALTHY


@pytest.mark.unit
def test_an_outage_that_lasts_ends_with_an_error(serve: Serve, script: Script) -> None:
    specs = [script(name=name, no_room_to_load=["cpu"]) for name in ("first", "second")]
    options = ServiceOptions(outage=10.0, retry=0.0)
    service = serve(*specs, clock=Passing(), options=options)
    with pytest.raises(ProviderError, match="cpu has no room for the model"):
        decode(service, 0)
    assert codes(service).count("all_down") == 1
    assert len(failovers(service)) > 2


def dying(serve: Serve, script: Script, *deadly: int, alone: bool = False) -> Service:
    """Return a service whose providers die of these windows of eight, asked for in their order."""
    words = ["poison" if number in deadly else "first" for number in range(8)]
    first = script(name="first", texts=words, crash_on="poison")
    second = script(name="second", texts=["poison"], crash_on="poison")  # gets no others
    return serve(first, *([] if alone else [second]))


@pytest.mark.unit
@pytest.mark.parametrize("alone", [False, True])
def test_a_window_that_kills_everybody_is_lost_and_the_rest_is_whole(
    serve: Serve, script: Script, alone: bool
) -> None:
    service = dying(serve, script, 1, alone=alone)
    outcomes = service.decode([window(number) for number in range(4)], OPTIONS)
    assert [isinstance(found, Lost) for found in outcomes] == [False, True, False, False]
    assert isinstance(outcomes[1], Lost)
    assert "signal 9" in outcomes[1].reason
    assert service.spec.model == "first"
    assert service.standings.of(service.target) is Standing.HEALTHY
    there_and_back = [("first", "second", 3.0), ("second", "first", 2.0)]
    assert failovers(service) == ([] if alone else there_and_back)


@pytest.mark.unit
@pytest.mark.parametrize("alone", [False, True])
def test_two_windows_in_a_row_that_kill_everybody_are_both_lost(
    serve: Serve, script: Script, alone: bool
) -> None:
    service = dying(serve, script, 1, 2, alone=alone)
    assert decode(service, *range(4)) == ["first", None, None, "first"]
    assert decode(service, 1, 2) == [None, None]


@pytest.mark.unit
@pytest.mark.slow
def test_windows_that_kill_with_a_good_one_in_between_are_the_windows_fault(
    serve: Serve, script: Script
) -> None:
    service = dying(serve, script, 1, 3, 5, 7, alone=True)
    found = decode(service, *range(8))
    assert found == ["first", None] * 4


@pytest.mark.unit
@pytest.mark.parametrize("alone", [False, True])
def test_three_in_a_row_that_kill_everybody_are_the_providers_fault(
    serve: Serve, script: Script, alone: bool
) -> None:
    service = dying(serve, script, 1, 2, 3, alone=alone)
    with pytest.raises(ProviderError, match=r"no provider can decode this any more: .*signal 9"):
        decode(service, *range(4))


@pytest.mark.unit
def test_while_the_target_is_down_a_window_that_kills_the_other_is_lost_alone(
    serve: Serve, script: Script
) -> None:
    first = script(name="first", load_error="no")
    second = script(name="second", texts=["b", "poison", "d"], crash_on="poison")
    service = serve(first, second)
    assert decode(service, 0, 1, 2) == ["b", None, "d"]
    assert service.spec == second


@pytest.mark.unit
def test_text_in_another_vocabulary_is_not_given_to_whom_takes_over(
    serve: Serve, script: Script
) -> None:
    class Noting(Supervisor):
        def decode(
            self, windows: Sequence[Window], options: DecodeOptions, *, urgency: int = 0
        ) -> list[Outcome]:
            heard.extend((self.spec.model, one.previous) for one in windows)
            return super().decode(windows, options, urgency=urgency)

    heard: list[tuple[str, tuple[int, ...]]] = []
    # The first death is put down to the text before, which is a prompt.
    first = script(name="first", texts=["a"], steps=crashes(3, 4, 5, 6))
    second = script(name="second", texts=["b"], multilingual=True)
    service = serve(first, second, make=lambda spec: Noting(spec, policy=LEAVING))
    for number in range(4):
        service.decode([replace(window(number), previous=(number,))], OPTIONS)
    assert heard == [
        ("first", (0,)), ("first", (1,)), ("first", (2,)), ("second", ()), ("second", ()),
    ]  # fmt: skip


def copied(model: Path, folder: Path) -> Path:
    shutil.copytree(model, folder)
    return folder


def spoken(samples: Path) -> list[Window]:
    import soundfile

    sound, _ = soundfile.read(samples / "pauses.flac", dtype="float32", frames=8 * 16_000)
    return [Window(number, 0, sound) for number in range(2)]


def said(outcomes: list[Outcome]) -> list[str]:
    assert all(isinstance(found, Hypothesis) for found in outcomes)
    return [text for text in texts(outcomes) if text]


@pytest.mark.model
def test_damaged_weights_are_left_for_whole_ones(
    serve: Serve, tiny_model: Path, tmp_path: Path, samples: Path
) -> None:
    damaged = copied(tiny_model, tmp_path / "damaged")
    (damaged / "model.bin").write_bytes((damaged / "model.bin").read_bytes()[:1_000_000])
    whole = LoadSpec("faster-whisper", "tiny.en", str(tiny_model))
    broken = replace(whole, model="damaged", path=str(damaged))
    service = serve(broken, whole)
    assert len(said(service.decode(spoken(samples), OPTIONS))) == 2
    assert failovers(service) == [("damaged", "tiny.en", 16.0)]
    assert service.standings.of(broken) is Standing.DISABLED


@pytest.mark.model
def test_a_real_worker_that_gets_no_more_memory_costs_no_window(
    serve: Serve, tiny_model: Path, samples: Path
) -> None:
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system cannot limit another process")
    spec = LoadSpec("faster-whisper", "tiny.en", str(tiny_model))
    service = serve(spec, replace(spec, model="other"))
    service.ready()
    pid = service.current.worker_pid
    assert pid is not None
    resource.prlimit(pid, resource.RLIMIT_AS, (2**20, 2**20))
    found = said(service.decode(spoken(samples), OPTIONS))
    assert len(found) == 2
    assert found[0] == found[1]
    assert codes(service) or failovers(service)
