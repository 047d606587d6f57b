"""Live speech through real workers while providers die for good."""

from __future__ import annotations

import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from echocli.audio.capture import Over, Sink
from echocli.clock import SystemClock
from echocli.errors import ExitCode, ProviderError
from echocli.events import (
    End,
    Event,
    Failover,
    Final,
    Gap,
    Notice,
    SpeechEnded,
    StatsEvent,
)
from echocli.runtime.backfill import Aside
from echocli.runtime.live_run import Live
from echocli.runtime.service import ServiceOptions
from echocli.runtime.spool import Spool
from echocli.runtime.watch import Watch
from echocli.types import SAMPLE_RATE, Samples
from tests.runtime.conftest import Script, finals
from tests.runtime.services import Serve, services
from tests.runtime.test_live_run import pieces, speech, take_all

pytestmark = pytest.mark.unit

__all__ = ["speech"]

CLOCK = SystemClock()

SHORT = ServiceOptions(outage=0.5, retry=0.1, lost_in_a_row=1)
"""Blames the provider for the first window, and holds out for half a second."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    with services() as make:
        yield make


class Parts:
    """A microphone that goes on with its next part when told to; one that ``stays`` is stopped."""

    name = "mic"

    def __init__(self, *parts: Samples, stays: bool = False) -> None:
        self.stays = stays
        self._parts = parts
        self.next = threading.Semaphore(1)
        self.stopped = threading.Event()

    def start(self, sink: Sink) -> None:
        threading.Thread(target=self._run, args=(sink,), daemon=True).start()

    def stop(self) -> None:
        self.stopped.set()
        self.next.release()

    def _run(self, sink: Sink) -> None:
        for part in self._parts:
            if not self.next.acquire(timeout=30) or self.stopped.is_set():
                break
            for item in pieces(part):
                sink(item)
        if self.stays:
            self.stopped.wait(30)
        sink(Over())


def dies(after: int) -> dict[str, str]:
    """Return the steps of a provider that dies on every decode from then on."""
    return {str(number): "crash" for number in range(after + 1, 400)}


def test_a_provider_that_dies_for_good_is_replaced_while_the_microphone_goes_on(
    serve: Serve, script: Script, speech: Samples
) -> None:
    first = script(name="first", texts=["One."], steps=dies(3))
    service = serve(first, script(name="second", texts=["Two."]))
    watch = Watch(service, CLOCK)
    mic = Parts(speech, speech)
    live = Live([mic], service, clock=CLOCK, watch=watch, spool=Spool())
    events: list[Event] = []
    for event in live.events():
        events.append(event)
        if isinstance(event, Failover):
            mic.next.release()
    (failover,) = [event for event in events if isinstance(event, Failover)]
    assert (failover.from_, failover.to) == ("scripted:first", "scripted:second")
    assert failover.replayed_seconds > 0
    assert len(finals(events)) == 6
    assert finals(events)[-3:] == ["Two."] * 3
    assert not any(isinstance(event, Gap) for event in events)
    assert live.stats.failovers[0]["to"] == "scripted:second"
    record = live.stats.health
    assert record is not None
    assert (record["model"], record["state"]) == ("second", "ready")
    assert live.kept is None


def test_with_all_providers_down_speech_is_kept_on_disk_and_that_is_said(
    serve: Serve, script: Script, speech: Samples, tmp_path: Path
) -> None:
    service = serve(script(texts=["One."], steps=dies(4)), options=SHORT)
    spool = Spool[Aside](tmp_path)
    live = Live([Parts(np.tile(speech, 2), stays=True)], service, clock=CLOCK, spool=spool)
    events: list[Event] = []
    with pytest.raises(ProviderError) as caught:
        take_all(live, events)
    assert caught.value.exit_code is ExitCode.UNAVAILABLE
    assert "all_down" in [event.code for event in events if isinstance(event, Notice)]
    assert [type(event) for event in events[-2:]] == [StatsEvent, End]
    ended = [event for event in events if isinstance(event, SpeechEnded)]
    gaps = [event for event in events if isinstance(event, Gap)]
    assert len(ended) == len(gaps) + sum(isinstance(event, Final) for event in events)
    assert gaps
    assert all(gap.reason.startswith("spooled: ") for gap in gaps)
    assert live.kept is not None
    folder, secs = live.kept
    assert folder.parent == tmp_path
    assert secs == pytest.approx(sum(gap.end - gap.start for gap in gaps), abs=0.01)
    kept = sorted(folder.iterdir())
    assert len(kept) == len(gaps)
    with wave.open(str(kept[0]), "rb") as file:
        assert file.getframerate() == SAMPLE_RATE


def test_with_all_down_and_nothing_to_keep_it_in_speech_is_discarded_and_said(
    serve: Serve, script: Script, speech: Samples
) -> None:
    service = serve(script(texts=["One."], steps=dies(4)), options=SHORT)
    live = Live([Parts(speech)], service, clock=CLOCK)
    events: list[Event] = []
    with pytest.raises(ProviderError):
        take_all(live, events)
    gaps = [event for event in events if isinstance(event, Gap)]
    assert gaps
    assert all(gap.reason.startswith("discarded: ") for gap in gaps)
    assert live.stats.live is not None
    assert live.stats.live["discarded_utterances"] == len(gaps)
    assert live.kept is None
