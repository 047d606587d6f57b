"""Each alert through to what is done about it, and the figures on their way to disk."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.clock import SteppingClock
from echocli.errors import ModelError
from echocli.events import Event, Notice
from echocli.providers.base import DecodeOptions, Hypothesis
from echocli.runtime.incidents import What
from echocli.runtime.ladder import Rung
from echocli.runtime.memory import MemoryWatch, Reading
from echocli.runtime.metrics_file import MetricsFile
from echocli.runtime.stats import percentile
from echocli.runtime.supervisor import Lost
from echocli.runtime.watch import Now, Watch
from tests.runtime.conftest import Script, window
from tests.runtime.noting import Noted
from tests.runtime.services import Serve, crashes, services

pytestmark = pytest.mark.unit

TEXT = Hypothesis(1, (), 16_000, decode_ms=200.0)


class Guard:
    """A watch over a service that only notes, on a clock moved by hand."""

    def __init__(self, **keys: Any) -> None:
        self.clock = SteppingClock(500.0)
        self.service = Noted()
        self.watch = Watch(self.service, self.clock, **keys)

    def answer(self, used_mb: float | None = None) -> list[str]:
        """Have a request answered by a worker of that size; the codes that this leads to."""
        if used_mb is not None:
            self.service.used_mb = used_mb
        self.watch.asked()
        self.watch.answered([TEXT], {"mic": 0.2}, final=True)
        return self.look()

    def look(self, now: Now | None = None, after: float = 0.0) -> list[str]:
        self.clock.advance(after)
        return codes(list(self.watch.look(now or Now())))

    @property
    def alerts(self) -> list[str]:
        return [alert["code"] for alert in self.watch.record()["alerts"]]


def codes(events: list[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, Notice)]


class TestMemory:
    def test_a_worker_that_outgrows_its_beginning_is_replaced_once(self) -> None:
        guard = Guard()
        assert guard.answer(300) == guard.answer(800) == []
        assert guard.answer(801) == ["oom_detected"]
        assert guard.service.renewed == 1
        # Until the fresh one takes over, nothing more is asked for.
        assert guard.answer(850) == []
        assert guard.service.renewed == 1

    def test_the_fresh_worker_is_judged_by_what_it_takes_itself(self) -> None:
        guard = Guard()
        guard.answer(300)
        guard.answer(900)
        guard.service.happens(What.LOADED, load_ms=10.0)
        assert guard.answer(310) == guard.answer(800) == []
        assert guard.answer(811) == ["oom_detected"]
        assert guard.service.renewed == 2

    def test_what_is_allowed_counts_and_not_the_growth(self) -> None:
        guard = Guard(limit_mb=400)
        assert guard.answer(300) == guard.answer(400) == []
        assert guard.answer(401) == ["oom_detected"]
        assert guard.answer(500) == []
        assert guard.service.renewed == 1

    def test_what_could_never_be_within_its_limit_is_said_and_not_replaced(self) -> None:
        guard = Guard(limit_mb=100)
        assert guard.answer(300) == ["oom_detected"]
        assert guard.answer(310) == []
        assert (guard.service.renewed, guard.alerts) == (0, ["oom_detected"])

    def test_what_is_known_to_be_needed_is_no_growth(self) -> None:
        guard = Guard(needed=lambda _: 900.0)
        assert guard.answer(300) == guard.answer(1700) == []
        assert guard.answer(1801) == ["oom_detected"]

    def test_memory_that_cannot_be_known_is_no_alarm(self) -> None:
        guard = Guard(limit_mb=1)
        assert guard.answer(0) == []
        assert guard.watch.record()["memory_usage_mb"] is None

    def test_memory_is_told_a_second_at_a_time(self) -> None:
        guard = Guard()
        guard.service.used_mb = 123.4
        guard.look()
        assert guard.watch.record()["memory_usage_mb"] == 123.4
        guard.service.used_mb = 200.0
        guard.look(after=0.5)
        assert guard.watch.record()["memory_usage_mb"] == 123.4
        guard.look(after=0.5)
        assert guard.watch.record()["memory_usage_mb"] == 200.0

    def test_a_machine_that_is_short_is_told_to_the_ladder(self) -> None:
        free = [1000.0]
        guard = Guard(memory=MemoryWatch(lambda: Reading(free[0], 4000.0)))
        assert not guard.watch.short_of_memory
        free[0] = 100.0
        for _ in range(2):
            guard.clock.advance(2.0)
            short = guard.watch.short_of_memory
        assert short
        assert not Guard().watch.short_of_memory


class TestAlerts:
    def test_an_inference_that_is_waited_for_too_long_is_told_while_it_lasts(self) -> None:
        guard = Guard()
        guard.watch.asked()
        assert guard.look(after=30.0) == []
        assert guard.look(after=0.1) == ["inference_stuck"]
        assert guard.look(after=60.0) == []
        assert guard.answer() == []
        guard.watch.asked()
        assert guard.look(after=31.0) == ["inference_stuck"]
        assert guard.alerts == ["inference_stuck"] * 2

    def test_nobody_waits_for_an_answer_that_was_an_error(self) -> None:
        guard = Guard()
        guard.watch.asked()
        guard.watch.answered([], {"mic": 1.0}, final=True)
        assert guard.look(after=100.0) == []

    def test_hopeless_slowness_is_told_after_a_minute(self) -> None:
        guard = Guard()
        slow = Now(rtf=2.5)
        told = [guard.look(slow, after=1.0) for _ in range(90)]
        assert [second for second, one in enumerate(told) if one == ["rtf_critical"]] == [60]
        assert guard.look(Now(rtf=1.0)) == []

    def test_six_failures_in_a_row_are_a_crash_whoever_failed(self) -> None:
        guard = Guard()
        for _ in range(5):
            guard.service.happens(What.FAILED, "worker was killed by signal 9")
        assert guard.look() == []
        guard.service.happens(What.FAILED, "worker was killed by signal 9")
        assert guard.look() == ["provider_crash"]
        record = guard.watch.record()
        assert record["consecutive_errors"] == 6
        assert record["errors"][-1]["text"] == "worker was killed by signal 9"
        assert guard.answer() == []
        assert guard.watch.record()["consecutive_errors"] == 0

    def test_an_answer_in_between_breaks_the_row_and_a_lost_window_does_not(self) -> None:
        guard = Guard()
        for number in range(6):
            guard.service.happens(What.FAILED, "boom")
            lost = number != 3
            outcome = Lost(1, "boom") if lost else TEXT
            guard.watch.answered([outcome], {}, final=True)
        assert guard.look() == []
        assert guard.watch.record()["consecutive_errors"] == 2

    def test_a_model_that_does_not_load_is_told_until_one_is_ready(self) -> None:
        guard = Guard()
        for _ in range(2):
            guard.service.happens(What.NOT_LOADED, "out of memory")
        assert guard.look() == ["model_init_failed"]
        guard.service.happens(What.LOADED, load_ms=12.5, warmup_ms=3.0)
        assert guard.look() == []
        record = guard.watch.record()
        assert (record["model_load_time_ms"], record["model_warmup_time_ms"]) == (12.5, 3.0)
        guard.service.happens(What.NOT_LOADED, "out of memory")
        assert guard.look() == ["model_init_failed"]

    def test_emergency_is_told_each_time_it_is_reached(self) -> None:
        guard = Guard()
        rungs = (Rung.DEGRADE, Rung.EMERGENCY, Rung.FAILOVER, Rung.DEGRADE, Rung.EMERGENCY)
        told = [guard.look(Now(rung=rung)) for rung in rungs]
        assert told == [[], ["degrade_emergency"], [], [], ["degrade_emergency"]]
        assert guard.watch.record()["degrade_level"] == "EMERGENCY"

    def test_a_worker_that_was_replaced_is_counted(self) -> None:
        guard = Guard()
        guard.service.happens(What.RESTARTED)
        assert guard.look() == []
        assert guard.watch.health.counters()["restarts"] == 1


class TestRealProviders:
    @pytest.fixture
    def serve(self) -> Iterator[Serve]:
        with services() as make:
            yield make

    def test_a_provider_that_crashes_again_and_again_is_told(
        self, serve: Serve, script: Script
    ) -> None:
        first = script(name="first", texts=["a"], steps=crashes(1, 2, 3))
        second = script(name="second", texts=["b"], steps=crashes(1, 2, 4))
        service, clock = serve(first, second), SteppingClock()
        watch = Watch(service, clock)
        watch.asked()
        outcomes = service.decode([window(0)], DecodeOptions())
        watch.answered(outcomes, {"mic": 1.0}, final=True)
        record = watch.record()
        assert (record["provider"], record["model"]) == ("scripted", "second")
        assert (record["state"], record["model_resident"]) == ("ready", True)
        found = {one["model"]: one for one in watch.health.records()}
        assert [len(found[name]["errors"]) for name in ("first", "second")] == [3, 2]
        assert watch.health.counters()["errors"] == 5
        assert found["second"]["consecutive_errors"] == 0

    def test_a_model_that_never_loads_is_told(self, serve: Serve, script: Script) -> None:
        service = serve(script(load_error="the weights are damaged"))
        watch = Watch(service, SteppingClock())
        with pytest.raises(ModelError):
            service.ready()
        (notice,) = [one for one in watch.look(Now()) if isinstance(one, Notice)]
        assert notice.code == "model_init_failed"
        assert "the weights are damaged" in notice.message
        assert watch.record()["state"] == "error"


class TestFigures:
    @given(
        st.lists(st.tuples(st.floats(1.0, 5000.0), st.floats(0.1, 20.0)), min_size=1, max_size=40)
    )
    def test_figures_are_those_of_the_delays(self, rows: list[tuple[float, float]]) -> None:
        guard = Guard()
        for ms, secs in rows:
            guard.watch.asked([ms])
            guard.clock.advance(ms / 1000)
            answer = [Hypothesis(1, (), 16_000, decode_ms=ms)]
            guard.watch.answered(answer, {"mic": ms / 1000}, final=True)
            guard.watch.covered("mic", secs)
        record, times = guard.watch.record(), [ms for ms, _ in rows]
        assert record["avg_infer_ms"] == pytest.approx(sum(times) / len(times), abs=1e-3)
        assert record["p95_infer_ms"] == pytest.approx(percentile(times, 0.95), abs=1e-3)
        share = sum(times) / 1000 / sum(secs for _, secs in rows)
        assert record["realtime_factor"] == pytest.approx(share, abs=1e-3)
        assert sum(record["inference_lock_wait_ms"].values()) == len(rows)
        assert guard.watch.health.counters()["windows"] == len(rows)

    def test_what_is_told_as_a_sum_is_added_up_once(self) -> None:
        guard = Guard()
        for spooled, dropped, chunks in ((1.0, 0.0, 0), (3.0, 2.5, 1), (3.0, 2.5, 1)):
            guard.look(Now(spooled=spooled, dropped=dropped, dropped_chunks=chunks))
        record = guard.watch.record()
        assert (record["spooled_seconds"], record["dropped_seconds"]) == (3.0, 2.5)
        assert record["dropped_chunks"] == 1

    def test_what_waits_and_what_was_heard_is_as_it_was_last_told(self) -> None:
        guard = Guard()
        guard.look(Now(backlog=2.34567, depth=3, speech_ratio=0.5, skipped=7))
        record = guard.watch.record()
        assert (record["backlog_estimate"], record["queue_depth"]) == (2.346, 3)
        assert (record["vad_speech_ratio"], record["vad_skipped_chunks"]) == (0.5, 7)


class TestMetricsFile:
    def guard(self, path: Path) -> Guard:
        guard = Guard()
        guard.watch._metrics = MetricsFile(path, guard.clock, 10.0)
        return guard

    def test_it_is_written_in_time_and_at_the_end(self, tmp_path: Path) -> None:
        path = tmp_path / "metrics.jsonl"
        guard = self.guard(path)
        for _ in range(25):
            assert guard.look(after=1.0) == []
        guard.watch.covered("mic", 4.0)
        assert guard.watch.close() == []
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [line["session_seconds"] for line in lines] == [10.0, 20.0, 25.0]
        assert lines[-1]["total"]["audio_seconds"] == 4.0
        assert guard.watch.close() == []
        assert len(path.read_text().splitlines()) == 3

    def test_a_disk_that_is_full_ends_it_with_a_notice_and_nothing_else(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "metrics.jsonl"
        guard = self.guard(path)
        guard.look(after=10.0)
        with file_size_limit(path.stat().st_size + 100):
            assert guard.look(after=10.0) == ["metrics_failed"]
        assert guard.look(after=10.0) == []
        assert guard.watch.close() == []
        assert len(path.read_text().splitlines()) == 1

    def test_a_disk_that_is_full_at_the_end_is_said_too(self, tmp_path: Path) -> None:
        guard = self.guard(tmp_path / "metrics.jsonl")
        with file_size_limit(10):
            (notice,) = guard.watch.close()
        assert isinstance(notice, Notice)
        assert notice.code == "metrics_failed"
        assert notice.message.endswith("; going on without")


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let no file grow above a number of bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
