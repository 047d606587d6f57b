from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

from echocli.audio.file import FileSource
from echocli.audio.source import Source
from echocli.clock import SteppingClock
from echocli.errors import InputError, TranscriptionError
from echocli.events import Event, Final, StatsEvent
from echocli.providers.base import MOST_WINDOWS, DecodeOptions, LoadReport, LoadSpec, Window
from echocli.runtime.ladder import Rung
from echocli.runtime.offline import OfflineOptions, Transcription
from echocli.runtime.service import Service
from echocli.runtime.shared import Shared
from echocli.runtime.supervisor import Lost, Outcome, Supervisor
from tests.runtime.conftest import (
    SECOND,
    Blocks,
    Script,
    Supervise,
    eventually,
    finals,
    lasting,
    window,
)
from tests.runtime.pacing import Paced, adjusting

OPTIONS = DecodeOptions(language="en")
ALL_SOUND = OfflineOptions(decode=OPTIONS, vad=None)


class Waiting:
    """A member with windows that are ready; it keeps what it is asked for and given."""

    def __init__(self, *windows: Window) -> None:
        self.windows = list(windows)
        self.asked: list[int] = []
        self.outcomes: list[Outcome] = []
        self.busy = 0.0

    @property
    def answered(self) -> list[int]:
        return [outcome.window_id for outcome in self.outcomes]

    def ahead(self, count: int) -> list[Window]:
        self.asked.append(count)
        given, self.windows = self.windows[:count], self.windows[count:]
        return given

    def withdraw(self, windows: Sequence[Window]) -> None:
        self.windows = [*windows, *self.windows]

    def take(self, outcomes: Sequence[Outcome], busy: float) -> None:
        self.outcomes += outcomes
        self.busy += busy


class Ticking(SteppingClock):
    """A clock that goes a second further each time it is looked at."""

    def now(self) -> float:
        self.advance(1)
        return super().now()


@pytest.mark.unit
def test_the_first_requests_are_small_and_the_later_full(
    supervise: Supervise, script: Script
) -> None:
    shared, member = Shared(supervise(script(slots=2)), SteppingClock()), Waiting()
    wanted = []
    for number in range(6):
        wanted.append(shared.wanted)
        shared.decode(member, [window(number)], OPTIONS)
    assert wanted == [2, 4, 8, 16, 2 * MOST_WINDOWS, 2 * MOST_WINDOWS]


@pytest.mark.unit
def test_windows_of_those_that_wait_fill_the_request_in_their_order(
    supervise: Supervise, script: Script
) -> None:
    shared = Shared(supervise(script(slots=8)), SteppingClock())
    first = Waiting()
    second = Waiting(window(10), window(11))
    third = Waiting(*map(window, range(20, 30)))
    fourth = Waiting(window(40))
    for member in (second, third, fourth):
        shared.join(member)
    shared.decode(first, [window(1), window(2)], OPTIONS)
    assert [member.answered for member in (first, second, third, fourth)] == [
        [1, 2],
        [10, 11],
        [20, 21, 22, 23],
        [],
    ]
    assert (second.asked, third.asked, fourth.asked) == ([6], [4], [])


@pytest.mark.unit
def test_one_that_left_is_not_asked(supervise: Supervise, script: Script) -> None:
    shared = Shared(supervise(script(slots=4)), SteppingClock())
    gone, stays = Waiting(window(1)), Waiting(window(2))
    shared.join(gone)
    shared.join(stays)
    shared.leave(gone)
    shared.leave(gone)
    shared.decode(Waiting(), [window(0)], OPTIONS)
    assert (gone.asked, stays.answered) == ([], [2])


@pytest.mark.unit
def test_a_full_request_asks_nobody(supervise: Supervise, script: Script) -> None:
    shared, other = Shared(supervise(script()), SteppingClock()), Waiting(window(1))
    shared.join(other)
    shared.decode(Waiting(), [window(0)], OPTIONS)
    assert other.asked == []


@pytest.mark.unit
def test_everybody_pays_for_the_length_of_their_windows(
    supervise: Supervise, script: Script
) -> None:
    shared = Shared(supervise(script(slots=3)), Ticking())
    first, second = Waiting(), Waiting(window(1, 2.0), window(2, 1.0))
    shared.join(second)
    shared.decode(first, [window(0, 1.0)], OPTIONS)
    assert (first.busy, second.busy) == (0.25, 0.75)


@pytest.mark.unit
def test_a_window_that_is_lost_is_lost_to_its_own_input_only(
    supervise: Supervise, script: Script
) -> None:
    spec = script(slots=2, texts=["poison", "fine"], crash_on="poison")
    supervisor = supervise(spec)
    shared = Shared(supervisor, SteppingClock())
    first, second = Waiting(), Waiting(window(1), window(2))
    shared.join(second)
    shared.decode(first, [window(0)], OPTIONS)
    shared.decode(first, [window(3), window(4), window(5)], OPTIONS)
    everything = {outcome.window_id: outcome for outcome in first.outcomes + second.outcomes}
    lost = [id_ for id_, outcome in everything.items() if isinstance(outcome, Lost)]
    assert sorted(everything) == [0, 1, 2, 3, 4, 5]
    assert 0 < len(lost) < 6
    for outcome in everything.values():
        assert isinstance(outcome, Lost) or outcome.text == "fine"


class FailsOnce(Supervisor):
    """A supervisor whose provider gives up on the first request."""

    asked = 0

    def decode(
        self, windows: Sequence[Window], options: DecodeOptions, *, urgency: int = 0
    ) -> list[Outcome]:
        if not self.asked:
            self.asked = len(windows)
            raise TranscriptionError("the provider keeps failing")
        return super().decode(windows, options, urgency=urgency)


@pytest.mark.unit
def test_windows_of_a_request_that_fails_are_asked_for_again(
    supervise: Supervise, script: Script
) -> None:
    sources = [lasting(70), lasting(15)]
    spec = supervise(script(slots=8, texts=["a"])).spec
    supervisor = FailsOnce(spec)
    first, second = beside(supervisor, sources, ALL_SOUND)
    eventually(lambda: sources[1].closed.is_set(), "the second input is read")
    try:
        with pytest.raises(TranscriptionError):
            list(first.events())
        assert supervisor.asked > 4, "the other input took part in the request that failed"
        assert finals(second.events()) == ["a"]
    finally:
        supervisor.close()


def beside(
    supervisor: Supervisor, sources: Sequence[Source], options: OfflineOptions
) -> list[Transcription]:
    """Return transcriptions that share requests, all but the first already reading."""
    shared = Shared(supervisor, SteppingClock())
    inputs = [Transcription(source, supervisor, options, shared=shared) for source in sources]
    for waiting in inputs[1:]:
        waiting.begin()
    return inputs


def windows_taken(transcription: Transcription) -> int:
    return len(transcription.stats.infer_ms)


@pytest.mark.unit
def test_a_later_input_is_decoded_beside_the_first_and_gives_its_text_at_its_turn(
    supervise: Supervise, script: Script
) -> None:
    sources = [lasting(70), lasting(15)]
    supervisor = supervise(script(slots=8, texts=["a"]))
    first, second = beside(supervisor, sources, ALL_SOUND)
    eventually(lambda: sources[1].closed.is_set(), "the second input is read")
    assert finals(first.events())
    assert windows_taken(second) == 1
    events = list(second.events())
    assert finals(events) == ["a"]
    assert windows_taken(second) == 1
    (segment,) = [event.segment for event in events if isinstance(event, Final)]
    assert (segment.id, segment.start, segment.end) == (0, 0, 15)
    (stats,) = [event.stats for event in events if isinstance(event, StatsEvent)]
    assert (stats["audio_seconds"], stats["windows"]) == (15, 1)


@pytest.mark.unit
@pytest.mark.parametrize("heard", [0, 5])
def test_a_later_input_that_cannot_be_read_fails_at_its_own_turn(
    supervise: Supervise, script: Script, heard: int
) -> None:
    broken = Blocks([SECOND] * heard, InputError("broken.wav: no sound"))
    supervisor = supervise(script(slots=8, texts=["a"]))
    first, second, third = beside(supervisor, [lasting(70), broken, lasting(5)], ALL_SOUND)
    eventually(broken.closed.is_set, "the broken input is read")
    assert "a" in finals(first.events())
    events: list[Event] = []
    with pytest.raises(InputError, match=r"broken\.wav"):
        events.extend(second.events())
    assert finals(third.events()) == ["a"]


@pytest.mark.unit
def test_an_endless_input_that_waits_is_read_only_a_little(
    supervise: Supervise, script: Script
) -> None:
    endless = Blocks(itertools.repeat(SECOND))
    supervisor = supervise(script(slots=8, texts=["a"]))
    first, second = beside(supervisor, [lasting(300), endless], ALL_SOUND)
    assert finals(first.events())
    # What a queue holds, what a pipeline holds ahead of its turn, and windows already decoded.
    assert endless.given <= 32 + 1 + 60 + 20 * windows_taken(second) + 20
    second.close()
    assert endless.closed.wait(10)


@pytest.fixture
def paced() -> Iterator[Callable[[LoadSpec, float], tuple[Service, SteppingClock]]]:
    """Return ``make(spec, rtf) -> service, clock``; all of them end."""
    made: list[Service] = []

    def make(spec: LoadSpec, rtf: float) -> tuple[Service, SteppingClock]:
        clock = SteppingClock()
        made.append(Service(spec, make=lambda it: Paced(it, clock, lambda _: rtf), clock=clock))
        return made[-1], clock

    yield make
    for service in made:
        service.close()


Pace: TypeAlias = Callable[[LoadSpec, float], tuple[Service, SteppingClock]]


@pytest.mark.unit
def test_above_normal_the_worker_decodes_greedily_in_requests_twice_as_large(
    paced: Pace, script: Script
) -> None:
    service, clock = paced(script(), 0.9)
    shared, member = Shared(service, clock, adjusting(service)), Waiting()
    wanted, beams = [], []
    for number in range(3):
        wanted.append(shared.wanted)
        shared.decode(member, [window(number)], DecodeOptions(language="en", beam_size=2))
        assert service.current.conditions is not None
        beams.append(service.current.conditions.beam_size)
    assert (wanted, beams) == ([1, 2 * 2, 2 * 4], [2, 1, 1])


@pytest.mark.unit
def test_at_normal_the_beam_is_that_of_the_caller(paced: Pace, script: Script) -> None:
    service, clock = paced(script(), 0.1)
    shared, member = Shared(service, clock, adjusting(service, beam_size=2)), Waiting()
    for number in range(3):
        shared.decode(member, [window(number)], DecodeOptions(language="en", beam_size=4))
        assert service.current.conditions is not None
        assert service.current.conditions.beam_size == 4


@pytest.mark.unit
def test_a_request_in_which_a_worker_is_replaced_is_no_measure_of_the_load(
    paced: Pace, script: Script
) -> None:
    service, clock = paced(script(steps={"1": "crash"}), 5.0)
    adjuster = adjusting(service)
    shared, member = Shared(service, clock, adjuster), Waiting()
    shared.decode(member, [window(0)], OPTIONS)
    assert (service.restarts, adjuster.rung) == (1, Rung.NORMAL)
    shared.decode(member, [window(1)], OPTIONS)
    assert adjuster.rung is Rung.EMERGENCY


@pytest.mark.unit
def test_one_request_that_leaves_slots_idle_is_no_measure_of_the_load(
    paced: Pace, script: Script
) -> None:
    service, clock = paced(script(slots=2), 1.1)
    adjuster = adjusting(service)
    shared, member = Shared(service, clock, adjuster), Waiting()
    rungs = []
    for number in range(2):
        shared.decode(member, [window(number)], OPTIONS)
        rungs.append(adjuster.rung)
    assert rungs == [Rung.NORMAL, Rung.DEGRADE], "where every request does, that is how fast it is"


@pytest.mark.unit
def test_loading_is_neither_busy_time_nor_load(paced: Pace, script: Script) -> None:
    class Loading(Service):
        def ready(self, warm: Sequence[Window] = ()) -> LoadReport:
            clock.advance(60)
            return super().ready(warm)

    clock = SteppingClock()
    spec = script()
    service = Loading(spec, make=lambda it: Paced(it, clock, lambda _: 0.5), clock=clock)
    adjuster, member = adjusting(service), Waiting()
    try:
        Shared(service, clock, adjuster).decode(member, [window(0, 2.0)], OPTIONS)
    finally:
        service.close()
    assert (member.busy, adjuster.rung) == (1.0, Rung.NORMAL)


@pytest.mark.model
def test_text_does_not_depend_on_what_is_decoded_beside_it(
    supervise: Supervise, tiny_model: Path, samples: Path
) -> None:
    supervisor = supervise(LoadSpec("faster-whisper", "tiny.en", str(tiny_model), slots=2))
    options = OfflineOptions(decode=OPTIONS)
    paths = [samples / name for name in ("meeting.flac", "pauses.flac", "meeting.flac")]
    alone = [
        finals(Transcription(FileSource(path), supervisor, options).events()) for path in paths
    ]
    together = beside(supervisor, [FileSource(path) for path in paths], options)
    assert [finals(one.events()) for one in together] == alone
    assert all(alone)
