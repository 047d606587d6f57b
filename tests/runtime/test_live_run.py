"""Live sources through a real worker: threads, queues, ends."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
import soundfile

from echocli.audio.capture import Captured, Item, Missing, Over, Sink
from echocli.audio.playback import Playback
from echocli.audio.stopping import StopRule
from echocli.clock import SystemClock
from echocli.errors import InputError, TranscriptionError
from echocli.events import End, Event, Final, Gap, Notice, Ready, SpeechEnded, StatsEvent
from echocli.runtime.live_run import Live
from echocli.types import SAMPLE_RATE, Samples
from tests.runtime.conftest import IMPATIENT, Blocks, Script, Supervise, finals

pytestmark = pytest.mark.unit

CLOCK = SystemClock()


class Scene:
    """A capture that hands on these items, then waits to be stopped."""

    def __init__(self, items: Sequence[Item], name: str = "scene") -> None:
        self.name = name
        self.stops = 0
        self._items = items
        self._stopped = threading.Event()

    def start(self, sink: Sink) -> None:
        threading.Thread(target=self._run, args=(sink,), daemon=True).start()

    def stop(self) -> None:
        self.stops += 1
        self._stopped.set()

    def _run(self, sink: Sink) -> None:
        for item in self._items:
            sink(item)
        if not any(isinstance(item, Over) for item in self._items):
            self._stopped.wait(30)
            sink(Over())


@pytest.fixture(scope="module")
def speech(samples: Path) -> Samples:
    """Return three sentences: 0.86 to 3.55 s, 4.38 to 9.15 s and 10.05 to 11.90 s of 12.4 s."""
    count = round(12.4 * SAMPLE_RATE)
    sound: Samples = soundfile.read(samples / "meeting.flac", dtype="float32", frames=count)[0]
    return sound


def pieces(sound: Samples) -> list[Item]:
    """Return sound as a microphone hands it on, a tenth of a second at a time."""
    step = SAMPLE_RATE // 10
    return [Captured(sound[at : at + step], CLOCK.now()) for at in range(0, len(sound), step)]


def played(sound: Samples, error: Exception | None = None, name: str = "file") -> Playback:
    """Return a file of that sound."""
    blocks = [sound[at : at + SAMPLE_RATE] for at in range(0, len(sound), SAMPLE_RATE)]
    return Playback(Blocks(blocks, error), name=name, pace=False, clock=CLOCK)


class TestAFile:
    def test_events_begin_with_ready_and_end_with_stats_and_end(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        live = Live([played(speech)], supervise(script(texts=["Hi."])), clock=CLOCK, in_step=True)
        events = list(live.events())
        assert events[0] == Ready("file", "scripted", "script")
        assert [type(event) for event in events[-2:]] == [StatsEvent, End]
        assert events[-1] == End(12.4, "en")
        assert finals(events) == ["Hi."] * 3
        assert Notice("input", "that was all") in events

    def test_how_long_decoding_takes_does_not_change_an_event(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        runs = []
        for delay in (0, 30):
            spec = script(
                name=f"after-{delay}-ms", texts=["One two", "One two three"], delay_ms=delay
            )
            live = Live([played(speech)], supervise(spec), clock=CLOCK, in_step=True)
            runs.append([e for e in live.events() if not isinstance(e, StatsEvent | Ready)])
        assert runs[0] == runs[1]

    def test_what_comes_before_an_error_of_the_source_is_final(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        broken = played(speech[: 6 * SAMPLE_RATE], InputError("it broke off"))
        live = Live([broken], supervise(script(texts=["Hi."])), clock=CLOCK, in_step=True)
        events: list[Event] = []
        with pytest.raises(InputError, match="it broke off"):
            take_all(live, events)
        assert finals(events) == ["Hi."] * 2

    def test_a_limit_is_exact_and_what_lies_behind_it_is_not_decoded(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        rule = StopRule(limit=4 * SAMPLE_RATE)
        live = Live(
            [played(speech)], supervise(script(texts=["Hi."])), clock=CLOCK, stop=rule, in_step=True
        )
        events = list(live.events())
        assert finals(events) == ["Hi."]
        end = events[-1]
        assert isinstance(end, End)
        assert end.duration == pytest.approx(4, abs=0.032)

    def test_a_source_that_can_wait_loses_nothing_to_a_slow_model(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        blocks = Blocks(speech[at : at + SAMPLE_RATE] for at in range(0, len(speech), SAMPLE_RATE))
        source = Playback(blocks, name="pipe", pace=False, clock=CLOCK)
        spec = script(texts=["Hi."], delay_ms=100)
        live = Live([source], supervise(spec), clock=CLOCK, can_wait=True)
        events = list(live.events())
        assert finals(events) == ["Hi."] * 3
        assert not any(isinstance(event, Gap) for event in events)


class TestSources:
    def test_two_are_told_apart_and_share_their_ids(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        scenes = [Scene([*pieces(speech), Over()], name) for name in ("mic", "system")]
        live = Live(scenes, supervise(script(texts=["Hi."])), clock=CLOCK)
        events = list(live.events())
        found = [event.segment for event in events if isinstance(event, Final)]
        assert sorted(segment.id for segment in found) == list(range(6))
        assert [segment.source for segment in found].count("mic") == 3
        assert {event.source for event in events if isinstance(event, Ready)} == {"mic", "system"}

    def test_one_that_ends_leaves_the_other_going(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        scenes = [Scene([Over()], "mic"), Scene([*pieces(speech), Over()], "system")]
        live = Live(scenes, supervise(script(texts=["Hi."])), clock=CLOCK)
        assert finals(live.events()) == ["Hi."] * 3

    def test_what_was_said_before_a_device_went_is_final_before_it_comes_back(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        # In the middle of the first sentence; nothing comes behind it.
        items = [*pieces(speech[: 2 * SAMPLE_RATE]), Notice("device_lost", "it is gone")]
        scene = Scene(items)
        live = Live([scene], supervise(script(texts=["Hi."])), clock=CLOCK)
        events: list[Event] = []
        for event in live.events():
            events.append(event)
            if isinstance(event, Final):
                assert scene.stops == 0
                live.stop()
        assert finals(events) == ["Hi."]
        assert [e.reason for e in events if isinstance(e, SpeechEnded)] == ["gap"]
        assert not any(isinstance(event, Gap) for event in events)

    def test_a_loss_that_was_announced_is_one_gap(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        items = [
            *pieces(speech[: 4 * SAMPLE_RATE]),
            Notice("device_lost", "it is gone"),
            Missing(5 * SAMPLE_RATE, "device lost"),
            *pieces(speech[4 * SAMPLE_RATE :]),
            Over(),
        ]
        live = Live([Scene(items)], supervise(script(texts=["Hi."])), clock=CLOCK)
        events = list(live.events())
        gaps = [event for event in events if isinstance(event, Gap)]
        assert gaps == [Gap(4.0, 9.0, "device lost", "scene")]
        starts = [event.segment.start for event in events if isinstance(event, Final)]
        assert starts == pytest.approx([0.86, 9.38, 15.05], abs=0.1)

    def test_one_that_breaks_off_is_told_while_the_other_goes_on(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        broken = Scene([*pieces(speech[:SAMPLE_RATE]), Over(InputError("unplugged"))], "system")
        mic = Scene(pieces(speech), "mic")
        live = Live([mic, broken], supervise(script(texts=["Hi."])), clock=CLOCK)
        events: list[Event] = []
        with pytest.raises(InputError, match="unplugged"):
            take_until_told(live, events)
        codes = [event.code for event in events if isinstance(event, Notice)]
        assert codes == ["source_failed"]
        assert [type(event) for event in events[-2:]] == [StatsEvent, End]

    def test_one_that_comes_later_counts_from_the_start_of_the_first(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        now = CLOCK.now()
        early: list[Item] = [Captured(speech, now), Over()]
        late: list[Item] = [
            Captured(speech[: 4 * SAMPLE_RATE], now + 2.0),
            Over(),
        ]  # began 10.4 s later
        live = Live(
            [Scene(early, "mic"), Scene(late, "system")],
            supervise(script(texts=["Hi."])),
            clock=CLOCK,
        )
        ended = [event for event in live.events() if isinstance(event, SpeechEnded)]
        first = {
            name: min(e.start for e in ended if e.source == name) for name in ("mic", "system")
        }
        assert first["system"] - first["mic"] == pytest.approx(10.4, abs=0.05)

    def test_a_limit_leaves_no_sound_of_a_source_that_is_behind_unheard(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        now = CLOCK.now()
        mic = Scene([Captured(speech[: 5 * SAMPLE_RATE], now)], "mic")
        behind = Scene([Captured(speech[: 4 * SAMPLE_RATE], now - 1.0)], "system")
        live = Live(
            [mic, behind],
            supervise(script(texts=["Hi."])),
            clock=CLOCK,
            stop=StopRule.parse("4"),
        )
        ended = [event for event in live.events() if isinstance(event, SpeechEnded)]
        assert {event.source for event in ended} == {"mic", "system"}


class TestEnds:
    def test_a_stop_writes_what_was_heard(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        scene = Scene(pieces(speech[: 2 * SAMPLE_RATE]))
        live = Live([scene], supervise(script(texts=["Hi."])), clock=CLOCK)
        events: list[Event] = []
        for event in live.events():
            events.append(event)
            if event.type == "partial":
                live.stop()
                live.stop()
        assert finals(events) == ["Hi."]
        assert isinstance(events[-1], End)

    def test_a_stop_before_the_first_sound_ends_it(
        self, script: Script, supervise: Supervise
    ) -> None:
        live = Live([Scene([])], supervise(script()), clock=CLOCK)
        live.stop()
        assert [event.type for event in live.events()] == ["stats", "end"]

    def test_leaving_in_the_middle_stops_the_sources_and_ends_every_thread(
        self, script: Script, supervise: Supervise, speech: Samples
    ) -> None:
        scene = Scene(pieces(speech))
        live = Live([scene], supervise(script(texts=["Hi."])), clock=CLOCK)
        events = live.events()
        assert next(events).type == "ready"
        decoders = [thread for thread in threading.enumerate() if thread.name == "decoder"]
        assert isinstance(events, Generator)
        events.close()
        assert scene.stops > 0
        for thread in decoders:
            thread.join(10)
            assert not thread.is_alive()

    @pytest.mark.parametrize(("in_step", "good"), [(True, 12), (False, 5)])
    def test_a_model_that_fails_for_good_is_an_error_behind_what_was_final(
        self, script: Script, supervise: Supervise, speech: Samples, in_step: bool, good: int
    ) -> None:
        spec = script(texts=["Hi."], steps={str(n): "error" for n in range(good + 1, 99)})
        source = played(speech) if in_step else Scene([*pieces(speech) * 3, Over()])
        live = Live([source], supervise(spec), clock=CLOCK, in_step=in_step, can_wait=True)
        events: list[Event] = []
        with pytest.raises(TranscriptionError, match="keeps failing"):
            take_all(live, events)
        assert "Hi." in finals(events)
        assert [type(event) for event in events[-2:]] == [StatsEvent, End]
        ended = sum(isinstance(event, SpeechEnded) for event in events)
        settled = sum(isinstance(event, Final | Gap) for event in events)
        assert ended == settled

    @pytest.mark.parametrize("step", ["crash", "exit", "hang"])
    def test_a_worker_that_dies_or_hangs_costs_no_word(
        self, script: Script, supervise: Supervise, speech: Samples, step: str
    ) -> None:
        spec = script(texts=["Hi."], steps={"2": step})
        live = Live([Scene([*pieces(speech), Over()])], supervise(spec, IMPATIENT), clock=CLOCK)
        events = list(live.events())
        assert finals(events) == ["Hi."] * 3
        notices = [event.code for event in events if isinstance(event, Notice)]
        assert notices == ["worker_restarted"]
        assert live.stats.worker_restarts == 1


def take_all(live: Live, events: list[Event]) -> None:
    """Keep each event before the next is asked for, which may fail."""
    for event in live.events():
        events.append(event)


def take_until_told(live: Live, events: list[Event]) -> None:
    """Take events; end the run once a source is said to have failed."""
    for event in live.events():
        events.append(event)
        if isinstance(event, Notice) and event.code == "source_failed":
            live.stop()
