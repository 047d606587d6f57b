"""Several live runs and files that share one model, on real workers."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from echocli.audio.file import FileSource
from echocli.audio.playback import Playback
from echocli.clock import SystemClock
from echocli.errors import ModelError
from echocli.events import Event, Final, SpeechEnded, SpeechStarted
from echocli.providers.base import Hypothesis
from echocli.runtime.guest import Guest
from echocli.runtime.lifecycle import State
from echocli.runtime.live_options import LAST, Kind
from echocli.runtime.live_run import Live
from echocli.runtime.serving import Gone, Withdrawn
from echocli.runtime.supervisor import Outcome
from tests.runtime.conftest import Script, eventually, window
from tests.runtime.hosting import OPTIONS, Later, Open, asked, hosting
from tests.runtime.services import workers

pytestmark = pytest.mark.unit


@pytest.fixture
def open_house() -> Iterator[Open]:
    with hosting() as make:
        yield make


def test_a_host_loads_and_warms_its_model_before_anybody_asks(
    open_house: Open, script: Script
) -> None:
    host = open_house(script(texts=["a"], load_ms=50))
    assert host.wait_ready(30)
    standing = host.standing
    assert standing.ready
    assert standing.state is State.READY
    assert standing.load_ms is not None
    assert standing.warmup_ms is not None
    assert standing.reason is None
    assert [standing.worker_pid] == workers()


def test_guests_share_one_worker_and_each_gets_its_own_answers(
    open_house: Open, script: Script
) -> None:
    host = open_house(script(texts=[f"text {n}" for n in range(40)], slots=2, delay_ms=1))
    guests = [host.enter(f"guest {n}", live=n % 2 == 0) for n in range(4)]

    def nine(guest: Guest, number: int) -> list[Outcome]:
        windows = [window(10 * number + i) for i in range(9)]
        return [found for one in windows for found in guest.decode([one], OPTIONS)]

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(nine, *pair) for pair in zip(guests, range(4), strict=True)]
        answers = [job.result() for job in jobs]
    for number, found in enumerate(answers):
        ids = [one.window_id for one in found if isinstance(one, Hypothesis)]
        assert ids == [10 * number + i for i in range(9)]
    assert len(workers()) == 1


def test_a_final_goes_before_what_waits_for_partials_and_files(
    open_house: Open, script: Script
) -> None:
    host = open_house(script(delay_ms=150))
    assert host.wait_ready(30)
    order: list[str] = []

    def ask(name: str, numbers: Sequence[int], *, live: bool, kind: Kind) -> None:
        guest = host.enter(name, live=live)
        asked(guest, numbers, kind)
        order.append(name)

    running = threading.Thread(
        target=ask, args=("first", [0]), kwargs={"live": True, "kind": Kind.FINAL}
    )
    running.start()
    eventually(lambda: host.scheduler.metrics()["queue_wait_count"] > 0, "the first is decoded")
    others = [
        threading.Thread(target=ask, args=args, kwargs=keys)
        for args, keys in (
            (("file", [10, 11, 12]), {"live": False, "kind": Kind.FINAL}),
            (("partial", [20]), {"live": True, "kind": Kind.PARTIAL}),
            (("final", [30]), {"live": True, "kind": Kind.FINAL}),
        )
    ]
    for depth, thread in zip((3, 4, 5), others, strict=True):
        thread.start()
        in_line = partial(lambda least: host.scheduler.metrics()["queue_depth"] >= least, depth)
        eventually(in_line, "it is in line")
    for thread in [running, *others]:
        thread.join()
    assert order[:2] == ["first", "final"]
    assert order[-1] == "file"


def test_a_partial_that_waits_can_be_taken_back_for_a_final(
    open_house: Open, script: Script
) -> None:
    host = open_house(script(texts=["x"], delay_ms=300))
    assert host.wait_ready(30)
    busy, guest = host.enter("busy", live=True), host.enter("mine", live=True)
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(asked, busy, [0])
        eventually(lambda: host.scheduler.metrics()["queue_wait_count"] > 0, "one is decoded")
        waiting = pool.submit(asked, guest, [1], Kind.PARTIAL)
        eventually(lambda: host.scheduler.metrics()["queue_depth"] == 1, "one waits")
        guest.take_back()
        with pytest.raises(Withdrawn):
            waiting.result()
        assert not running.done()
        assert running.result() == ["x"]
    assert asked(guest, [2]) == ["x"]


def test_a_partial_that_comes_too_late_is_shed_and_nothing_else(
    open_house: Open, script: Script
) -> None:
    clock = Later()
    host = open_house(script(texts=["x"], delay_ms=300), clock=clock)
    assert host.wait_ready(30)
    guests = [host.enter(f"guest {n}", live=True) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        running = pool.submit(asked, guests[0], [0])
        eventually(lambda: host.scheduler.metrics()["queue_wait_count"] > 0, "one is decoded")
        final = pool.submit(asked, guests[1], [1], Kind.FINAL)
        last = pool.submit(asked, guests[3], [3], LAST)
        late = pool.submit(asked, guests[2], [2], Kind.PARTIAL)
        eventually(lambda: host.scheduler.metrics()["queue_depth"] == 3, "three wait")
        clock.more = 60.0
        with pytest.raises(Withdrawn):
            late.result()
        assert [one.result() for one in (running, final, last)] == [["x"]] * 3
    assert host.metrics()["partials_shed"] == 1


def test_whoever_is_cancelled_stops_waiting_at_once_and_others_go_on(
    open_house: Open, script: Script
) -> None:
    host = open_house(script(texts=["x"], delay_ms=100))
    assert host.wait_ready(30)
    file, other = host.enter("file", live=False), host.enter("other", live=False)
    with ThreadPoolExecutor(2) as pool:
        gone = pool.submit(asked, file, range(100, 140))
        stays = pool.submit(asked, other, [1, 2])
        eventually(lambda: host.scheduler.metrics()["queue_wait_count"] > 0, "one is decoded")
        host.cancel("file")
        with pytest.raises(Withdrawn):
            gone.result(10)
        assert stays.result(10) == ["x", "x"]
    with pytest.raises(Withdrawn):
        asked(file, [200])


def test_a_live_run_that_is_cancelled_ends(open_house: Open, script: Script, samples: Path) -> None:
    host = open_house(script(texts=["x"]))
    path = samples / "meeting.flac"
    sound = Playback(FileSource(path), name="mic", pace=True, clock=SystemClock())
    run = Live([sound], host.enter("live", live=True), clock=SystemClock(), can_wait=True)
    events = run.events()
    next(event for event in events if isinstance(event, SpeechStarted))
    host.leave("live")
    with pytest.raises(Gone):
        list(events)


def test_a_final_of_a_live_run_does_not_wait_behind_the_finals_of_others(
    open_house: Open, script: Script, samples: Path
) -> None:
    host = open_house(script(texts=["x"], delay_ms=60))
    assert host.wait_ready(30)
    done = threading.Event()
    waits: list[float] = []

    def hog(number: int) -> None:
        guest = host.enter(f"hog {number}", live=True)
        for one in itertools.count(1000 * number):
            if done.is_set():
                return
            asked(guest, [one])
            waits.append(guest.waited)

    with ThreadPoolExecutor(4) as pool:
        for number in range(1, 5):
            pool.submit(hog, number)
        try:
            sound = Playback(
                FileSource(samples / "meeting.flac"), name="mic", pace=True, clock=SystemClock()
            )
            run = Live([sound], host.enter("polite", live=True), clock=SystemClock(), can_wait=True)
            events = cast("Generator[Event]", run.events())
            ended = next(event for event in events if isinstance(event, SpeechEnded))
            final = next(event for event in events if isinstance(event, Final))
            late = run.position - ended.end
            assert final.segment.id == ended.id
            # The hangover, a look around, and what is an eternity for those that keep it waiting.
            assert late < 2.0 + 5 * max(waits)
        finally:
            done.set()
            events.close()


def test_closing_a_host_leaves_nobody_waiting(open_house: Open, script: Script) -> None:
    host = open_house(script(texts=["x"], delay_ms=2000))
    assert host.wait_ready(30)
    guests = [host.enter(f"guest {n}", live=n == 0) for n in range(3)]
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(asked, guest, [n]) for n, guest in enumerate(guests)]
        eventually(lambda: host.scheduler.metrics()["queue_wait_count"] > 0, "one is decoded")
        host.close()
        for job in jobs:
            assert job.exception(10) is not None
    assert workers() == []
    with pytest.raises(ModelError, match="going away"):
        host.wait_ready(1)


def test_silence_is_no_sound_to_be_afraid_of(open_house: Open, script: Script) -> None:
    host = open_house(script(texts=["x"]))
    guest = host.enter("guest", live=True)
    assert guest.decode([], OPTIONS) == []
    assert np.isfinite(guest.waited)
