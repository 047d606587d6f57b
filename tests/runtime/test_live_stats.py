from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest

from echocli.audio.capture import Captured
from echocli.runtime.ear import Ear
from echocli.runtime.live_options import Kind, LiveOptions
from echocli.runtime.live_session import LiveSession
from echocli.runtime.live_stats import Latencies, live_stats, spread
from echocli.runtime.stats import MOST, RunStats
from echocli.types import SAMPLE_RATE
from tests.runtime.playing import Conditions, play
from tests.runtime.recogniser import speech

pytestmark = pytest.mark.unit


def test_a_spread_is_count_mean_and_percentiles() -> None:
    values = [float(value) for value in range(1, 101)]
    expected = {"count": 100, "mean": 50.5, "p50": 50.0, "p95": 95.0, "p99": 99.0}
    assert spread(values) == expected


def test_nothing_measured_has_no_spread() -> None:
    assert spread([]) == {"count": 0, "mean": None, "p50": None, "p95": None, "p99": None}


def test_times_are_noted_in_milliseconds_and_never_negative() -> None:
    latencies = Latencies()
    latencies.note(latencies.commit, 800)
    latencies.note(latencies.commit, -1)
    assert latencies.commit == [50.0, 0.0]


def test_only_the_newest_times_are_kept() -> None:
    latencies = Latencies()
    for number in range(MOST + 10):
        latencies.note(latencies.commit, number)
    assert len(latencies.commit) == MOST
    assert latencies.commit[-1] == (MOST + 9) / 16


def test_the_last_latency_is_hangover_and_work_of_the_newest_final() -> None:
    latencies = Latencies()
    assert latencies.last is None
    for samples in (8000, 16000):
        latencies.note(latencies.hangover, 8000)
        latencies.note(latencies.finalising, samples)
    assert latencies.last == 1500.0


def test_times_of_two_sources_are_counted_together() -> None:
    one = Latencies(hangover=[1], finalising=[2], first_partial=[3], commit=[4], words=4)
    two = Latencies(hangover=[5], finalising=[6], words=6, committed=5)
    one.add(two)
    figures = one.to_dict()
    assert figures["ttfs_ms"]["count"] == 2
    assert figures["ttfs_ms"]["p99"] == 11
    assert figures["commit_ms"]["count"] == 1
    assert figures["committed_share"] == 0.5


def test_without_words_there_is_no_share_of_committed_ones() -> None:
    assert Latencies().to_dict()["committed_share"] is None


def test_a_final_that_was_ready_took_the_hangover_only() -> None:
    """The answer is there before the hangover is over."""
    played = play(speech([(3, 1)]), Conditions(delay=(0.1, 0.1)))
    latencies = played.session.sources[0].latencies
    assert latencies.hangover == [512.0]
    assert latencies.finalising == [0.0]
    assert latencies.last == 512.0


def test_a_final_that_was_late_took_the_work_too() -> None:
    played = play(speech([(3, 3)]), Conditions(delay=(1.0, 1.0)))
    latencies = played.session.sources[0].latencies
    final_at = next(at for at, event in played.timed if event is played.finals[0])
    waited = final_at - played.finals[0].segment.end
    assert latencies.last == pytest.approx(waited * 1000, abs=1)


def test_words_count_as_committed_from_when_they_were() -> None:
    played = play(speech([(8, 1)]))
    latencies = played.session.sources[0].latencies
    assert latencies.words == len(played.finals[0].segment.text.split())
    assert 0.7 < latencies.committed / latencies.words <= 1
    assert len(latencies.commit) == latencies.words
    # The last words are held back, and three hypotheses must agree.
    assert 500 < sorted(latencies.commit)[len(latencies.commit) // 2] < 2000
    (first,) = latencies.first_partial
    assert 300 <= first < 400


def heard(**options: bool) -> tuple[RunStats, list[Ear]]:
    session = LiveSession(["mic", "system"], LiveOptions())
    ears = [Ear(source, detect=False) for source in session.sources]
    for ear, secs in zip(ears, (2, 4), strict=True):
        ear.hear(Captured(np.full(secs * SAMPLE_RATE, 0.1, np.float32), 0.0), 0.0)
        ear.source.lose(SAMPLE_RATE, "lost", 0.0)
        for job in ear.source.jobs(Kind.FINAL, 1):
            ear.source.answer(job, "the worker broke", 0.0)
    stats = RunStats()
    live_stats(stats, ears, session, **options)
    return stats, ears


def test_figures_of_a_run_are_those_of_all_sources() -> None:
    stats, _ = heard(in_real_time=True)
    assert stats.audio_seconds == 5
    assert stats.speech_seconds == pytest.approx(6, abs=0.1)
    assert stats.lost_seconds == pytest.approx(8, abs=0.1)
    assert stats.live is not None
    assert stats.live["finals"] == 0
    assert stats.live["partials"] == 0
    json.dumps(stats.to_dict())


def session_figures() -> Mapping[str, float]:
    return LiveSession(["mic"], LiveOptions()).backfilling.stats()


def test_latencies_are_told_in_real_time_only() -> None:
    live, step = heard(in_real_time=True)[0].live, heard(in_real_time=False)[0].live
    assert live is not None
    assert step is not None
    assert set(live) - set(step) == set(Latencies().to_dict())
    put_aside = set(session_figures())
    assert set(step) == {"finals", "partials", "partials_skipped"} | put_aside
