from __future__ import annotations

import collections
import itertools
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from echocli.audio.clip import ENDLESS, Clip
from echocli.audio.file import FileSource
from echocli.errors import InputError, ModelError, TranscriptionError
from echocli.events import End, Event, Final, Gap, Notice, Progress, Ready, StatsEvent
from echocli.providers.base import DecodeOptions, LoadSpec
from echocli.runtime.offline import OfflineOptions, Transcription
from echocli.runtime.reading import QUEUE_BLOCKS
from echocli.runtime.supervisor import Deadline, Policy
from echocli.types import SAMPLE_RATE, Span
from tests.runtime.conftest import (
    SECOND,
    Blocks,
    Script,
    Supervise,
    eventually,
    finals,
    lasting,
)

ALL_SOUND = OfflineOptions(vad=None)


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "reader"]


@pytest.mark.unit
def test_events_come_in_their_order(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["text"]))
    events = list(Transcription(lasting(95), supervisor, ALL_SOUND).events())
    assert events[0] == Ready("blocks", "scripted", "script")
    assert isinstance(events[-2], StatsEvent)
    assert events[-1] == End(95.0, "en")
    segments = [event.segment for event in events if isinstance(event, Final)]
    assert [segment.id for segment in segments] == list(range(len(segments)))
    edges = [edge for segment in segments for edge in (segment.start, segment.end)]
    assert edges == sorted(edges)
    assert (edges[0], edges[-1]) == (0, 95)
    assert {segment.source for segment in segments} == {"blocks"}
    progress = [event.position for event in events if isinstance(event, Progress)]
    assert progress == sorted(progress)
    assert progress[-1] == 95


@pytest.mark.unit
def test_all_sound_is_decoded_without_voice_detection(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["text"]))
    events = list(Transcription(lasting(70), supervisor, ALL_SOUND).events())
    segments = [event.segment for event in events if isinstance(event, Final)]
    assert sum(segment.end - segment.start for segment in segments) == pytest.approx(70)


@pytest.mark.unit
def test_figures_describe_the_run(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["text"], steps={"1": "crash"}))
    transcription = Transcription(lasting(40), supervisor, ALL_SOUND)
    (event,) = [e for e in transcription.events() if isinstance(e, StatsEvent)]
    stats = event.stats
    assert (stats["provider"], stats["model"], stats["device"]) == ("scripted", "script", "cpu")
    assert (stats["audio_seconds"], stats["speech_seconds"]) == (40, 40)
    assert (stats["worker_restarts"], stats["lost_seconds"]) == (1, 0)
    assert stats["vad_enabled"] is False
    assert stats["windows"] >= 2
    assert stats["busy_seconds"] > 0
    assert stats["first_text_ms"] > 0
    assert stats["worker_memory_mb"] > 1


@pytest.mark.unit
def test_silence_gives_no_text(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["invented"]))
    silence = Blocks([np.zeros(SAMPLE_RATE, np.float32)] * 20)
    events = list(Transcription(silence, supervisor).events())
    assert finals(events) == []
    assert events[-1] == End(20.0, None)
    (notice,) = [event for event in events if isinstance(event, Notice) and event.code != "input"]
    assert notice.code == "no_speech"
    assert notice.message.startswith(f"{silence.name}: no speech was found; --vad-threshold")


@pytest.mark.unit
def test_a_moment_of_silence_is_not_worth_a_word(supervise: Supervise, script: Script) -> None:
    silence = Blocks([np.zeros(SAMPLE_RATE // 2, np.float32)])
    events = list(Transcription(silence, supervise(script())).events())
    assert "no_speech" not in [event.code for event in events if isinstance(event, Notice)]


@pytest.mark.unit
def test_no_sound_at_all_ends_well(supervise: Supervise, script: Script) -> None:
    events = list(Transcription(Blocks([]), supervise(script()), ALL_SOUND).events())
    assert finals(events) == []
    assert events[-1] == End(0.0, None)


@pytest.mark.unit
def test_notices_of_the_source_are_passed_on(supervise: Supervise, script: Script) -> None:
    events = list(Transcription(lasting(2), supervise(script()), ALL_SOUND).events())
    assert Notice("input", "that was all") in events


@pytest.mark.unit
def test_an_input_that_cannot_be_read_is_told_before_the_model_is_ready(
    supervise: Supervise, script: Script
) -> None:
    source = Blocks([], InputError("broken.wav: no sound"))
    events = Transcription(source, supervise(script(load_ms=60_000)), ALL_SOUND).events()
    with pytest.raises(InputError, match=r"broken\.wav"):
        next(events)
    assert source.closed.is_set()


@pytest.mark.unit
@pytest.mark.parametrize("error", [InputError("it broke off"), RuntimeError("a defect")])
def test_an_error_in_the_middle_of_reading_surfaces(
    supervise: Supervise, script: Script, error: Exception
) -> None:
    source = Blocks([SECOND] * 40, error)
    with pytest.raises(type(error), match=str(error)):
        list(Transcription(source, supervise(script(texts=["a"])), ALL_SOUND).events())
    eventually(source.closed.is_set, "the source is closed")
    eventually(lambda: not readers(), "the reader ends")


@pytest.mark.unit
def test_a_model_that_cannot_be_loaded_stops_the_reader(
    supervise: Supervise, script: Script
) -> None:
    source = Blocks(itertools.repeat(SECOND))
    with pytest.raises(ModelError, match="no memory"):
        list(Transcription(source, supervise(script(load_error="no memory"))).events())
    assert source.closed.wait(10)


@pytest.mark.unit
def test_stopping_early_ends_the_reader_and_closes_the_source(
    supervise: Supervise, script: Script
) -> None:
    source = Blocks(itertools.repeat(SECOND))
    events = Transcription(source, supervise(script(texts=["a"])), ALL_SOUND).events()
    assert isinstance(next(events), Ready)
    events.close()  # type: ignore[attr-defined]
    assert source.closed.wait(10)
    eventually(lambda: not readers(), "the reader ends")


@pytest.mark.unit
def test_an_endless_input_is_read_only_a_little_ahead(supervise: Supervise, script: Script) -> None:
    source = Blocks(itertools.repeat(SECOND))
    events = Transcription(source, supervise(script(texts=["a"])), ALL_SOUND).events()
    decoded = 0.0
    for event in events:
        decoded = event.segment.end if isinstance(event, Final) else decoded
        if decoded >= 300:
            break
    eventually(lambda: source.given > decoded, "the reader goes on")
    # Two windows on their way, whatever decodes them side by side, and the queue.
    assert source.given <= decoded + 600 + QUEUE_BLOCKS
    events.close()  # type: ignore[attr-defined]


@pytest.mark.unit
def test_a_crash_in_the_middle_changes_nothing(supervise: Supervise, script: Script) -> None:
    whole = list(Transcription(lasting(100), supervise(script(texts=["a"])), ALL_SOUND).events())
    spec = script(name="shot", texts=["a"], steps={"2": "crash", "4": "exit"})
    supervisor = supervise(spec)
    events = list(Transcription(lasting(100), supervisor, ALL_SOUND).events())
    assert [e for e in events if isinstance(e, Final)] == [e for e in whole if isinstance(e, Final)]
    assert supervisor.restarts >= 1
    assert "worker_restarted" in [e.code for e in events if isinstance(e, Notice)]


@pytest.mark.unit
def test_a_window_that_always_kills_is_a_gap_and_the_rest_is_whole(
    supervise: Supervise, script: Script
) -> None:
    texts = ["a", "poison", *"cdefghijkl"]
    supervisor = supervise(script(texts=texts, crash_on="poison"))
    events = list(Transcription(lasting(100), supervisor, ALL_SOUND).events())
    (gap,) = [event for event in events if isinstance(event, Gap)]
    segments = [event.segment for event in events if isinstance(event, Final)]
    assert "signal 9" in gap.reason
    assert 0 < gap.end - gap.start <= 30
    covered = sum(segment.end - segment.start for segment in segments) + gap.end - gap.start
    assert covered == pytest.approx(100)
    assert all(s.end <= gap.start or s.start >= gap.end for s in segments)
    (stats,) = [event.stats for event in events if isinstance(event, StatsEvent)]
    assert stats["lost_seconds"] == pytest.approx(gap.end - gap.start)


@pytest.mark.unit
def test_a_provider_that_kills_every_window_ends_the_run(
    supervise: Supervise, script: Script
) -> None:
    source = lasting(1000)
    supervisor = supervise(script(texts=["poison"], crash_on="poison"), Policy(deaths_per_window=1))
    with pytest.raises(TranscriptionError, match="keeps failing"):
        list(Transcription(source, supervisor, ALL_SOUND).events())
    assert source.closed.wait(10)


@pytest.mark.unit
def test_one_supervisor_serves_many_inputs(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["a"]))
    for _ in range(3):
        events = list(Transcription(lasting(5), supervisor, ALL_SOUND).events())
        assert finals(events) == ["a"]
        (first,) = [e.segment for e in events if isinstance(e, Final)]
        assert first.id == 0
    assert supervisor.restarts == 0


@pytest.fixture
def tiny(tiny_model: Path) -> LoadSpec:
    return LoadSpec("faster-whisper", "tiny.en", str(tiny_model), slots=2)


@pytest.mark.model
def test_the_sample_is_heard(supervise: Supervise, tiny: LoadSpec, samples: Path) -> None:
    options = OfflineOptions(decode=DecodeOptions(language="en", beam_size=5))
    source = FileSource(samples / "pauses.flac")
    events = list(Transcription(source, supervise(tiny), options).events())
    text = " ".join(finals(events))
    for word in ("kettle", "comfortable", "listener", "invented", "speaker", "quiet"):
        assert word in text


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize("shock", [signal.SIGKILL, signal.SIGSTOP])
def test_a_real_worker_that_is_shot_or_frozen_costs_no_text(
    supervise: Supervise, tiny: LoadSpec, samples: Path, shock: signal.Signals
) -> None:
    path = samples / "pauses.flac"
    calm = finals(Transcription(FileSource(path), supervise(tiny)).events())
    supervisor = supervise(tiny, Policy(deadline=Deadline(minimum=5.0, factor=0.0)))
    events: list[Event] = []
    for event in Transcription(FileSource(path), supervisor).events():
        events.append(event)
        if isinstance(event, Ready):
            assert supervisor.worker_pid is not None
            os.kill(supervisor.worker_pid, shock)
    assert finals(events) == calm
    assert supervisor.restarts == 1
    assert not [event for event in events if isinstance(event, Gap)]


@pytest.mark.unit
def test_what_was_heard_before_a_read_error_is_still_decoded(
    supervise: Supervise, script: Script
) -> None:
    supervisor = supervise(script(texts=["text"], load_ms=200))
    events: list[Event] = []
    again = Blocks(itertools.repeat(SECOND, 70), InputError("the stick was pulled out"))
    stream = Transcription(again, supervisor, ALL_SOUND).events()
    with pytest.raises(InputError, match="pulled out"):
        collections.deque(map(events.append, stream), maxlen=0)
    assert [e.segment.end for e in events if isinstance(e, Final)][-1] == 70.0


def clipped(*parts: tuple[float, float]) -> OfflineOptions:
    spans = [Span(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)) for start, end in parts]
    return OfflineOptions(vad=None, clip=Clip.of(spans))


@pytest.mark.unit
def test_only_the_parts_asked_for_are_decoded_at_their_own_times(
    supervise: Supervise, script: Script
) -> None:
    supervisor = supervise(script(texts=["text"]))
    events = list(Transcription(lasting(60), supervisor, clipped((40, 45), (5, 10.5))).events())
    segments = [event.segment for event in events if isinstance(event, Final)]
    assert [(one.start, one.end) for one in segments] == [(5, 10.5), (40, 45)]


@pytest.mark.unit
def test_what_lies_behind_the_last_part_is_not_read(supervise: Supervise, script: Script) -> None:
    source = Blocks(itertools.repeat(SECOND))
    events = list(Transcription(source, supervise(script(texts=["a"])), clipped((2, 7))).events())
    assert source.given == 7
    assert source.closed.is_set()
    assert events[-1] == End(7.0, "en")


@pytest.mark.unit
def test_skipped_sound_is_not_counted_and_the_length_stays_that_of_the_input(
    supervise: Supervise, script: Script
) -> None:
    source = lasting(60)
    source.duration = 60.0
    events = list(Transcription(source, supervise(script(texts=["a"])), clipped((20, 24))).events())
    (stats,) = [event.stats for event in events if isinstance(event, StatsEvent)]
    assert (stats["audio_seconds"], stats["speech_seconds"]) == (4, 4)
    assert events[-1] == End(60.0, "en")
    assert {event.total for event in events if isinstance(event, Progress)} == {24.0}


@pytest.mark.unit
@pytest.mark.parametrize("end", [120.0, ENDLESS / SAMPLE_RATE])
def test_a_part_behind_the_end_is_empty_and_said(
    supervise: Supervise, script: Script, end: float
) -> None:
    supervisor = supervise(script(texts=["invented"]))
    events = list(Transcription(lasting(30), supervisor, clipped((100, end))).events())
    assert finals(events) == []
    assert events[-1] == End(30.0, None)
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert "blocks: ends at 30.0 s, there is nothing to hear from 100.0 s on" in notices
