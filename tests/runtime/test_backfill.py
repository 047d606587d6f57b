"""What is put aside and filled in: gaps, texts, counts, and what stays on disk."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.decoding.guards import Thresholds
from echocli.events import Backfill, Event, Final, Gap
from echocli.providers.base import Hypothesis
from echocli.runtime.backfill import Aside, Backfilling
from echocli.runtime.live import LiveSource
from echocli.runtime.live_options import Job, Kind, LiveOptions
from echocli.runtime.live_session import LiveSession
from echocli.runtime.spool import Spool, SpoolLost
from echocli.types import SAMPLE_RATE, to_samples
from tests.runtime.playing import Conditions, Feeder
from tests.runtime.recogniser import Speech, hypothesis, speech

pytestmark = pytest.mark.unit

OPTIONS = LiveOptions(backlog=3600 * SAMPLE_RATE, thresholds=Thresholds(temperatures=(0.0,)))
SENTENCES = speech([(2.0, 1.0)] * 6)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool[Aside]]:
    made = Spool[Aside](tmp_path)
    yield made
    made.close()


def said(sentences: Speech = SENTENCES) -> list[Aside]:
    """Return the utterances of a speech, none of them decoded."""
    source = LiveSource("mic", OPTIONS, count())
    feeder = Feeder(source, sentences, Conditions())
    feeder.feed(sentences.total, 60.0)
    feeder.finish(60.0)
    return [Aside("mic", job.utterance, "en") for job in source.jobs(Kind.FINAL, 99)]


def only(backfilling: Backfilling) -> Job:
    (job,) = backfilling.jobs(Kind.BACKFILL, 4)
    return job


def text(job: Job, words: str = " Well.") -> Hypothesis:
    return hypothesis(job.window, words)


def fill(backfilling: Backfilling, words: str = " Well.") -> list[Event]:
    job = only(backfilling)
    return backfilling.answer(job, text(job, words), 0.0)


def test_what_is_put_aside_leaves_a_gap_and_comes_back_in_order(spool: Spool[Aside]) -> None:
    backfilling, asides = Backfilling(OPTIONS, spool), said()
    gaps = [backfilling.put(aside, "the machine is too slow") for aside in asides]
    assert {gap.reason for gap in gaps} == {"spooled: the machine is too slow"}
    assert backfilling.pending == 6
    found = []
    while backfilling.due(Kind.BACKFILL):
        found += fill(backfilling)
    segments = [event.segment for event in found if isinstance(event, Backfill)]
    assert [one.id for one in segments] == list(range(6))
    assert [(one.start, one.end) for one in segments] == [(gap.start, gap.end) for gap in gaps]
    assert {(one.source, one.text) for one in segments} == {("mic", "Well.")}
    assert backfilling.pending == backfilling.waiting_samples == 0
    assert (backfilling.filled, backfilling.filled_samples) == (6, backfilling.spooled_samples)


def test_one_is_in_memory_at_a_time_and_its_sound_is_what_was_kept(spool: Spool[Aside]) -> None:
    backfilling, asides = Backfilling(OPTIONS, spool), said()
    finishing = asides[0].utterance.finishing
    assert finishing is not None
    first = finishing.sound
    for aside in asides:
        backfilling.put(aside, "slow")
    assert all(aside.utterance.finishing is None for aside in asides)
    job = only(backfilling)
    assert sum(aside.utterance.finishing is not None for aside in asides) == 1
    assert job.window.start == first.start
    assert job.window.samples == pytest.approx(first.samples, abs=1 / 32767)
    assert (job.window.language, job.window.tail) == ("en", OPTIONS.tail)
    assert not backfilling.due(Kind.BACKFILL)
    assert not backfilling.jobs(Kind.BACKFILL, 4)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.BACKFILL])
def test_nothing_else_is_asked_of_it(spool: Spool[Aside], kind: Kind) -> None:
    backfilling = Backfilling(OPTIONS, spool)
    backfilling.put(said()[0], "slow")
    assert not backfilling.due(kind)
    assert not backfilling.jobs(kind, 4)
    assert backfilling.jobs(Kind.BACKFILL, 0) == []


def test_what_is_taken_back_is_given_again(spool: Spool[Aside]) -> None:
    backfilling = Backfilling(OPTIONS, spool)
    backfilling.put(said()[0], "slow")
    job = only(backfilling)
    backfilling.withdraw(job)
    assert backfilling.due(Kind.BACKFILL)
    assert only(backfilling).window is job.window


def test_a_gap_without_words_is_filled_with_none(spool: Spool[Aside]) -> None:
    backfilling = Backfilling(OPTIONS, spool)
    gap = backfilling.put(said()[0], "slow")
    (event,) = fill(backfilling, "")
    assert isinstance(event, Backfill)
    segment = event.segment
    assert (segment.id, segment.text, segment.source) == (0, "", "mic")
    assert (segment.start, segment.end) == (gap.start, gap.end)


def test_what_nobody_can_decode_is_a_gap_for_good(spool: Spool[Aside]) -> None:
    backfilling, asides = Backfilling(OPTIONS, spool), said()
    first, _ = (backfilling.put(aside, "slow") for aside in asides[:2])
    job = only(backfilling)
    (event,) = backfilling.answer(job, "the worker broke", 0.0)
    assert event == Gap(first.start, first.end, "discarded: the worker broke", "mic")
    assert backfilling.answer(job, text(job), 0.0) == []
    assert only(backfilling).utterance is asides[1].utterance
    assert (backfilling.discarded, backfilling.discarded_samples) == (
        1,
        asides[0].utterance.speech.length,
    )


def test_what_was_committed_while_it_was_spoken_is_in_the_text(spool: Spool[Aside]) -> None:
    backfilling, (aside, *_) = Backfilling(OPTIONS, spool), said()
    for _ in range(3):
        aside.utterance.agreement.update(" Well begun is half", held=2)
    assert aside.utterance.committed == "Well begun"
    backfilling.put(aside, "slow")
    (event,) = fill(backfilling, " Will begun is half done.")
    assert isinstance(event, Backfill)
    assert event.segment.text == "Well begun is half done."


def test_without_a_spool_everything_is_discarded_and_counted() -> None:
    backfilling, asides = Backfilling(OPTIONS, None), said()
    gaps = [backfilling.put(aside, "the machine is too slow") for aside in asides]
    assert {gap.reason for gap in gaps} == {"discarded: the machine is too slow"}
    assert backfilling.pending == 0
    assert backfilling.due(Kind.BACKFILL) == []
    assert backfilling.stats() == {
        "spooled_seconds": 0.0,
        "backfilled_seconds": 0.0,
        "discarded_seconds": pytest.approx(sum(gap.end - gap.start for gap in gaps), abs=0.01),
        "discarded_utterances": 6,
    }
    assert backfilling.close() is None


def test_what_a_full_disk_does_not_take_waits_in_memory(tmp_path: Path) -> None:
    spool = Spool[Aside](tmp_path)
    backfilling, asides = Backfilling(OPTIONS, spool), said()
    backfilling.put(asides[0], "slow")
    (folder,) = tmp_path.iterdir()
    moved = folder.rename(tmp_path / "elsewhere")
    assert backfilling.put(asides[1], "slow").reason == "spooled: slow"
    moved.rename(folder)
    assert len(fill(backfilling)) == len(fill(backfilling)) == 1
    assert (backfilling.filled, backfilling.discarded, backfilling.pending) == (2, 0, 0)
    spool.close()


def test_more_than_may_wait_in_memory_is_discarded_and_said(tmp_path: Path) -> None:
    spool = Spool[Aside](tmp_path / "gone")
    backfilling = Backfilling(replace(OPTIONS, backlog=SAMPLE_RATE), spool)
    gap = backfilling.put(said()[0], "slow")
    assert gap.reason.startswith("discarded: the sound that waits cannot be kept in ")
    assert (backfilling.discarded, backfilling.pending) == (1, 0)


def test_sound_that_is_gone_is_said_and_the_next_one_is_taken(
    spool: Spool[Aside], tmp_path: Path
) -> None:
    backfilling, asides = Backfilling(OPTIONS, spool), said()
    gaps = [backfilling.put(aside, "slow") for aside in asides[:3]]
    for path in sorted(tmp_path.rglob("*.wav"))[:2]:
        path.unlink()
    assert only(backfilling).utterance is asides[2].utterance
    news = backfilling.take_news()
    assert all(isinstance(event, Gap) for event in news)
    assert [(event.start, event.end) for event in news if isinstance(event, Gap)] == [
        (gap.start, gap.end) for gap in gaps[:2]
    ]
    assert backfilling.take_news() == []
    assert backfilling.waiting_samples == asides[2].utterance.speech.length


@pytest.mark.parametrize("cut", [1, 1000, 1001])
def test_sound_that_is_not_whole_any_more_is_lost(
    spool: Spool[int], tmp_path: Path, cut: int
) -> None:
    spool.put(7, np.zeros(16_000, np.float32))
    (path,) = tmp_path.rglob("*.wav")
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(SpoolLost) as caught:
        spool.take()
    assert caught.value.what == 7
    assert len(spool) == 0


def test_sound_that_was_read_is_not_lost_because_its_file_stays(
    spool: Spool[Aside], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backfilling = Backfilling(OPTIONS, spool)
    backfilling.put(said()[0], "slow")

    def refuse(_path: Path, missing_ok: bool = False) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(Path, "unlink", refuse)
    (event,) = fill(backfilling)
    assert isinstance(event, Backfill)


class TestTheEnd:
    def test_what_was_not_decoded_stays_on_disk_and_is_said(
        self, spool: Spool[Aside], tmp_path: Path
    ) -> None:
        backfilling, asides = Backfilling(OPTIONS, spool), said()
        for aside in asides[:3]:
            backfilling.put(aside, "slow")
        fill(backfilling)
        only(backfilling)  # being decoded when everything ends
        kept = backfilling.close()
        assert kept is not None
        folder, secs = kept
        assert folder.parent == tmp_path
        assert secs == pytest.approx(4.1, abs=0.2)
        assert len(list(folder.iterdir())) == 2
        for path in folder.iterdir():
            with wave.open(str(path), "rb") as file:
                assert file.getframerate() == SAMPLE_RATE
                assert file.getnframes() > 2 * SAMPLE_RATE

    def test_where_all_is_decoded_nothing_stays(self, spool: Spool[Aside], tmp_path: Path) -> None:
        backfilling = Backfilling(OPTIONS, spool)
        backfilling.put(said()[0], "slow")
        fill(backfilling)
        assert backfilling.close() is None
        assert list(tmp_path.iterdir()) == []

    def test_for_nobody_nothing_stays_and_nothing_more_is_written(
        self, spool: Spool[Aside], tmp_path: Path
    ) -> None:
        backfilling, asides = Backfilling(OPTIONS, spool), said()
        backfilling.put(asides[0], "slow")
        only(backfilling)  # being decoded
        backfilling.put(asides[1], "slow")
        backfilling.discard()
        backfilling.put(asides[2], "broken off")
        assert backfilling.close() is None
        assert list(tmp_path.iterdir()) == []

    def test_a_disk_that_takes_no_more_is_no_reason_to_fail_at_the_end(
        self, spool: Spool[Aside], tmp_path: Path
    ) -> None:
        backfilling = Backfilling(OPTIONS, spool)
        backfilling.put(said()[0], "slow")
        only(backfilling)
        (folder,) = tmp_path.iterdir()
        shutil.rmtree(folder)
        assert backfilling.close() is None
        assert (backfilling.discarded, backfilling.waiting_samples) == (1, 0)


class TestGivingUp:
    """The model will answer no more."""

    def heard(self, spool: Spool[Aside] | None) -> LiveSession:
        session = LiveSession(["mic"], OPTIONS, spool)
        feeder = Feeder(session.sources[0], SENTENCES, Conditions())
        feeder.feed(to_samples(10.0), 10.0)
        return session

    def test_what_waits_is_kept_for_later(self, spool: Spool[Aside]) -> None:
        session = self.heard(spool)
        gaps = session.sources[0].give_up("no provider is left", 10.0)
        assert [gap.type for gap in gaps] == ["gap"] * 3
        assert session.backlog == 0
        assert session.backfilling.pending == 3
        kept = session.backfilling.close()
        assert kept is not None
        assert len(list(kept[0].iterdir())) == 3

    def test_without_a_spool_it_is_discarded_and_counted_once(self) -> None:
        session = self.heard(None)
        gaps = session.sources[0].give_up("no provider is left", 10.0)
        assert {gap.reason for gap in gaps if isinstance(gap, Gap)} == {
            "discarded: no provider is left"
        }
        assert session.backfilling.discarded == 3
        assert session.sources[0].lost_samples == 0

    def test_a_source_by_itself_says_that_it_is_lost(self) -> None:
        source = LiveSource("mic", OPTIONS, count())
        feeder = Feeder(source, SENTENCES, Conditions())
        feeder.feed(to_samples(10.0), 10.0)
        assert len(source.give_up("broken", 10.0)) == 3
        assert source.lost_samples > 0


def test_what_is_dropped_lets_go_what_it_was_in_the_way_of(spool: Spool[Aside]) -> None:
    """Too much waits, but only for one that is not decoded: its successors have their text."""
    options = LiveOptions(backlog=5 * SAMPLE_RATE, thresholds=OPTIONS.thresholds)
    session = LiveSession(["mic"], options, spool)
    (source,) = session.sources
    feeder = Feeder(source, SENTENCES, Conditions())
    feeder.feed(to_samples(6.6), 6.6)
    request = session.request(2, 6.6)
    assert request is not None
    (asker, first), (_, second) = request.jobs
    asker.withdraw(first)
    assert session.sources[0].answer(second, text(second), 6.6) == []
    events = feeder.feed(to_samples(9.6), 9.6)
    assert [event.segment.id for event in events if isinstance(event, Final)] == [1]
    assert [gap.start for gap in session.put_aside()] == [first.utterance.start / SAMPLE_RATE]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from(["fill", "fail", "withdraw", "lose"]), max_size=12))
def test_counts_add_up_whatever_becomes_of_each(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    spool = Spool[Aside](tmp_path_factory.getbasetemp())
    backfilling, asides = Backfilling(OPTIONS, spool), said()
    total = sum(aside.utterance.speech.length for aside in asides)
    for aside in asides:
        backfilling.put(aside, "slow")
    events: list[Event] = []
    for step in steps:
        if step == "lose" and spool._directory is not None:
            shutil.rmtree(spool._directory, ignore_errors=True)
        for job in backfilling.jobs(Kind.BACKFILL, 1):
            events += become(backfilling, job, step)
        events += backfilling.take_news()
        waiting, gone = backfilling.waiting_samples, backfilling.discarded_samples
        assert waiting + gone + backfilling.filled_samples == total
        assert len(events) == backfilling.filled + backfilling.discarded
        assert backfilling.pending == 6 - len(events)
    kept = backfilling.close()
    assert (kept is None) is (not backfilling.waiting_samples or "lose" in steps)
    if kept is not None:
        shutil.rmtree(kept[0])


def become(backfilling: Backfilling, job: Job, step: str) -> list[Event]:
    if step in ("withdraw", "lose"):
        backfilling.withdraw(job)
        return []
    return backfilling.answer(job, text(job) if step == "fill" else "it broke", 0.0)
