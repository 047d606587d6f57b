"""Speech that waits at a server under load gets its text once, there or elsewhere."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import soundfile

from echocli.events import DISCARDED, SPOOLED, Backfill, Event, Final, Gap
from echocli.remote.actions import Connect, Phase
from echocli.remote.salvage import salvage
from echocli.types import SAMPLE_RATE, Segment, to_samples
from echocli.wire.messages import Ack, Format, Numbered, SourceStart, Start
from tests.remote.fake import speech
from tests.remote.network import Network, network

pytestmark = pytest.mark.unit


class TestPutAside:
    """Speech from 2 to 6 s waits at the server, under load; what follows has its text."""

    def put_aside(self, played: Network) -> None:
        played.capture(12)
        played.core.tick(played.now)
        for action in played.core.take():
            if isinstance(action, Connect):
                played.core.connected(played.now)
        played.begin(Start(SAMPLE_RATE, Format.PCM_S16LE, 1, (SourceStart("source0"),)))
        played.accept(resumed=False)
        while played.core.next_frame() is not None:
            pass
        gap = Gap(2.0, 6.0, f"{SPOOLED}: too slow", "source0")
        events: list[Event] = [gap, said(1, 7.0, 10.0, "later")]
        for seq, event in enumerate(events, 1):
            played.tell(Numbered(seq, event))
        self.acknowledge(played, 2)
        played.act()
        played.events.clear()

    def acknowledge(self, played: Network, final: int) -> None:
        played.tell(Ack({"source0": 12 * SAMPLE_RATE}, {"source0": final * SAMPLE_RATE}))

    def anew(self, played: Network) -> Start:
        """Lose the server, and begin with one that knows nothing."""
        played.talks.clear()
        played.cut()
        played.heard.clear()
        while not any(isinstance(one, Start) for one in played.heard):
            played.now += 1.0
            played.core.tick(played.now)
            played.act()
        start = played.heard[-1]
        assert isinstance(start, Start)
        played.events.clear()
        return start

    def tell(self, played: Network, *events: Event) -> list[Event]:
        """Have the new server say something; what is handed on of it."""
        for seq, event in enumerate(events, 1 + played.core.story.seen):
            played.tell(Numbered(seq, event))
        played.act()
        found: list[Event] = [
            one for one in played.events if isinstance(one, Final | Backfill | Gap)
        ]
        played.events.clear()
        return found

    def test_its_sound_is_kept_and_sent_to_another_server(self) -> None:
        with network() as played:
            self.put_aside(played)
            assert played.core.courses[0].outbox.start == 2 * SAMPLE_RATE
            assert played.core.waiting == 10
            assert self.anew(played).sources[0].start == 2 * SAMPLE_RATE

    def test_its_text_fills_the_gap_there_and_what_was_told_does_not_come_again(self) -> None:
        with network() as played:
            self.put_aside(played)
            self.anew(played)
            found = self.tell(
                played,
                said(2, 2.1, 4.0, "waited"),
                said(3, 4.2, 5.9, "too"),
                said(4, 7.0, 10.0, "later"),
                said(5, 10.5, 11.5, "new"),
            )
            assert [(type(one), text_of(one)) for one in found] == [
                (Backfill, "waited"),
                (Backfill, "too"),
                (Final, "new"),
            ]

    def test_its_text_fills_the_gap_also_where_nothing_was_told_behind_it(self) -> None:
        with network() as played:
            self.put_aside(played)
            gap = Gap(10.5, 11.5, f"{SPOOLED}: too slow", "source0")
            self.tell(played, gap, Backfill(said(0, 2.2, 5.7, "waited").segment))
            assert self.anew(played).sources[0].start == 2 * SAMPLE_RATE
            found = self.tell(
                played, said(2, 2.1, 5.9, "waited"), said(3, 10.6, 11.4, "at the end")
            )
            assert [(type(one), text_of(one)) for one in found] == [(Backfill, "at the end")]

    def test_a_backfill_is_not_told_again_by_a_server_that_did_not_acknowledge_it(self) -> None:
        with network() as played:
            self.put_aside(played)
            gap = Gap(10.5, 11.5, f"{SPOOLED}: too slow", "source0")
            first = Backfill(said(0, 2.2, 5.7, "waited").segment)
            self.tell(played, gap, first, Backfill(said(5, 10.6, 11.4, "too").segment))
            assert self.anew(played).sources[0].start == to_samples(11.4)

    def test_speech_that_is_put_aside_again_is_said_once(self) -> None:
        with network() as played:
            self.put_aside(played)
            self.anew(played)
            gaps = [
                Gap(start, end, f"{SPOOLED}: too slow", "source0")
                for start, end in ((2.0, 6.0), (7.0, 10.0))
            ]
            assert self.tell(played, *gaps) == []
            filled = Backfill(said(2, 2.1, 5.0, "waited").segment)
            again = Backfill(said(4, 7.0, 10.0, "later").segment)
            assert [text_of(one) for one in self.tell(played, filled, again)] == ["waited"]
            assert self.anew(played).sources[0].start == 10 * SAMPLE_RATE

    @pytest.mark.parametrize("how", ["backfill", "discarded", "ack"])
    def test_nothing_is_kept_for_it_any_longer_when_it_is_settled(self, how: str) -> None:
        with network() as played:
            self.put_aside(played)
            match how:
                case "backfill":
                    found = self.tell(played, Backfill(said(0, 2.2, 5.7, "waited").segment))
                    assert [text_of(one) for one in found] == ["waited"]
                case "discarded":
                    gap = Gap(2.0, 6.0, f"{DISCARDED}: it is gone", "source0")
                    assert len(self.tell(played, gap)) == 1
                case "ack":
                    self.acknowledge(played, 6)
            assert played.core.courses[0].settled == 10 * SAMPLE_RATE

    def test_its_sound_is_left_when_the_server_stays_away(self) -> None:
        with network(retries=0) as played:
            self.put_aside(played)
            played.cut()
            assert played.core.phase is Phase.LOST
            kept = salvage(played.core.courses, played.spool)
            assert kept is not None
            sound, _ = soundfile.read(kept.paths[0], dtype="float32")
            shutil.rmtree(kept.directories[0])
            assert np.array_equal(sound, speech(2, 11))


def said(id_: int, start: float, end: float, text: str) -> Final:
    return Final(Segment(id_, start, end, text, source="source0"))


def text_of(event: Event) -> str:
    assert isinstance(event, Final | Backfill)
    return event.segment.text
