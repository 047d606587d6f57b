"""What happens when a device has no room: smaller batches, then the fallback, nothing lost."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from echocli.audio.file import FileSource
from echocli.decoding.packing import PackOptions
from echocli.decoding.pipeline import PipelineOptions
from echocli.errors import ModelError
from echocli.events import End, Event, Final, Gap, Notice, StatsEvent
from echocli.providers.base import DecodeOptions, LoadSpec
from echocli.runtime.lifecycle import State
from echocli.runtime.offline import OfflineOptions, Transcription
from echocli.runtime.supervisor import Lost, Policy, Supervisor
from echocli.types import SAMPLE_RATE
from tests.runtime.conftest import Script, Supervise, gone, window

pytestmark = pytest.mark.unit

OPTIONS = DecodeOptions(language="en")
SHORT = OfflineOptions(OPTIONS, PipelineOptions(PackOptions(longest=4 * SAMPLE_RATE)))
"""Several windows of a short recording."""
MESSAGE = "cuda has no room left for script (float16): continuing on the CPU"


def decode(supervisor: Supervisor, *numbers: int) -> list[str | None]:
    outcomes = supervisor.decode([window(n) for n in numbers], OPTIONS)
    return [None if isinstance(found, Lost) else found.text for found in outcomes]


def on_gpu(script: Script, **keys: Any) -> tuple[LoadSpec, LoadSpec]:
    """Return a script that plays on a GPU, and how it goes on without."""
    spec = replace(script(device="cuda", **keys), compute_type="float16")
    return spec, replace(spec, device="cpu", compute_type="int8", slots=2)


def told(supervisor: Supervisor) -> list[tuple[str, str]]:
    notices = [event for event in supervisor.notices if isinstance(event, Notice)]
    return [(notice.code, notice.message) for notice in notices]


def test_a_batch_without_room_is_halved_before_anything_else(
    supervise: Supervise, script: Script
) -> None:
    spec, fallback = on_gpu(script, texts=["a", "b", "c", "d"], room={"cuda": 2})
    supervisor = supervise(spec, fallback=fallback)
    assert decode(supervisor, 0, 1, 2, 3) == ["a", "b", "c", "d"]
    assert json.loads(Path(spec.path + ".state").read_text())["too_large"] == [4]
    assert (told(supervisor), supervisor.restarts) == ([], 0)
    assert supervisor.spec is spec


def test_a_gpu_without_room_for_one_window_leaves_the_rest_to_the_cpu(
    supervise: Supervise, script: Script
) -> None:
    spec, fallback = on_gpu(script, texts=["a", "b", "c"], room={"cuda": 0})
    supervisor = supervise(spec, fallback=fallback)
    supervisor.ready()
    on_the_gpu = supervisor.worker_pid
    assert on_the_gpu is not None
    assert decode(supervisor, 0, 1, 2) == ["a", "b", "c"]
    assert told(supervisor) == [("out_of_memory", MESSAGE)]
    assert supervisor.report is not None
    assert (supervisor.report.device, supervisor.report.compute_type) == ("cpu", "int8")
    assert (supervisor.spec, supervisor.restarts) == (fallback, 0)
    assert gone(on_the_gpu)
    assert supervisor.lifecycle.state is State.READY


def test_what_the_gpu_has_decoded_stays(supervise: Supervise, script: Script) -> None:
    spec, fallback = on_gpu(script, texts=["a", "b", "c"], steps={"2": "full"})
    supervisor = supervise(spec, fallback=fallback)
    assert [decode(supervisor, n) for n in range(3)] == [["a"], ["b"], ["c"]]
    assert told(supervisor) == [("out_of_memory", MESSAGE)]


def test_a_model_that_does_not_fit_on_the_gpu_is_loaded_on_the_cpu(
    supervise: Supervise, script: Script
) -> None:
    spec, fallback = on_gpu(script, texts=["a"], no_room_to_load=["cuda"])
    supervisor = supervise(spec, fallback=fallback)
    assert decode(supervisor, 0) == ["a"]
    assert told(supervisor) == [("out_of_memory", MESSAGE)]
    assert supervisor.lifecycle.history == [
        State.UNINITIALIZED,
        State.LOADING,
        State.WARMING_UP,
        State.READY,
    ]


def test_everybody_who_waits_for_the_model_gets_that_of_the_cpu(
    supervise: Supervise, script: Script
) -> None:
    spec, fallback = on_gpu(script, texts=["a"], no_room_to_load=["cuda"], load_ms=50)
    supervisor = supervise(spec, fallback=fallback)
    with ThreadPoolExecutor(4) as pool:
        reports = [pool.submit(supervisor.ready) for _ in range(4)]
        assert {report.result().device for report in reports} == {"cpu"}
    assert len(supervisor.notices) == 1


def test_a_gpu_without_room_to_warm_up_is_left(supervise: Supervise, script: Script) -> None:
    spec, fallback = on_gpu(script, texts=["a"], room={"cuda": 0})
    supervisor = supervise(spec, fallback=fallback)
    assert supervisor.ready([window(0)]).device == "cpu"
    assert [run.seconds for run in supervisor.warm_runs] == [1.0]
    assert supervisor.lifecycle.state is State.READY


def test_without_a_fallback_a_load_without_room_is_a_model_error(
    supervise: Supervise, script: Script
) -> None:
    spec, _ = on_gpu(script, no_room_to_load=["cuda"])
    with pytest.raises(ModelError, match=r"loading 'script' failed: .*no room for the model"):
        supervise(spec).ready()


def test_a_fallback_without_room_either_is_a_model_error(
    supervise: Supervise, script: Script
) -> None:
    spec, fallback = on_gpu(script, no_room_to_load=["cuda", "cpu"])
    with pytest.raises(ModelError, match="cpu has no room for the model"):
        supervise(spec, fallback=fallback).ready()


def test_a_cpu_without_room_for_a_window_loses_that_window(
    supervise: Supervise, script: Script
) -> None:
    supervisor = supervise(script(texts=["a"], steps=dict.fromkeys("123", "full")))
    assert decode(supervisor, 0) == [None]
    assert decode(supervisor, 1) == ["a"]
    assert told(supervisor) == []


def test_errors_that_are_not_about_memory_do_not_leave_the_gpu(
    supervise: Supervise, script: Script
) -> None:
    spec, fallback = on_gpu(script, texts=["a"], steps={"1": "error", "2": "crash"})
    supervisor = supervise(spec, Policy(), fallback)
    assert decode(supervisor, 0) == ["a"]
    assert supervisor.spec is spec


@pytest.mark.parametrize("keys", [{"room": {"cuda": 0}}, {"no_room_to_load": ["cuda"]}], ids=str)
def test_a_transcript_is_whole_and_says_what_made_it(
    supervise: Supervise, script: Script, samples: Path, keys: dict[str, Any]
) -> None:
    def events(supervisor: Supervisor) -> list[Event]:
        source = FileSource(samples / "meeting.flac")
        return list(Transcription(source, supervisor, SHORT).events())

    def text(events: list[Event]) -> list[str]:
        return [event.segment.text for event in events if isinstance(event, Final)]

    words = [f"Window {n} is here." for n in range(40)]
    whole = events(supervise(script(name="plain", texts=words)))
    spec, fallback = on_gpu(script, texts=words, **keys)
    found = events(supervise(spec, fallback=replace(fallback, slots=1)))
    assert text(found) == text(whole)
    assert len(text(found)) > 2
    assert not [event for event in found if isinstance(event, Gap)]
    assert [event.message for event in found if isinstance(event, Notice)] == [MESSAGE]
    stats = next(event.stats for event in found if isinstance(event, StatsEvent))
    assert (stats["device"], stats["compute_type"]) == ("cpu", "int8")
    assert isinstance(found[-1], End)
