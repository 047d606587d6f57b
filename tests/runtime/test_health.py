from __future__ import annotations

import json
import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.clock import SteppingClock
from echocli.providers.base import LoadSpec
from echocli.runtime.alerts import Alert, AlertCode, Severity
from echocli.runtime.health import LONGEST_TEXT, Health
from echocli.runtime.health_figures import WAIT_BOUNDS
from echocli.runtime.lifecycle import State
from echocli.runtime.stats import percentile

pytestmark = pytest.mark.unit

BASE = LoadSpec("scripted", "base", "base.json")
TINY = LoadSpec("scripted", "tiny", "tiny.json")

FIELDS = {
    *(
        "provider",
        "model",
        "model_revision",
        "model_sha256",
        "device",
        "compute_type",
        "state",
        "degrade_level",
    ),
    *("realtime_factor", "rtf_avg_10s", "rtf_avg_60s"),
    *("avg_infer_ms", "p50_infer_ms", "p95_infer_ms", "p99_infer_ms"),
    *("backlog_estimate", "queue_depth", "dropped_chunks", "dropped_seconds", "spooled_seconds"),
    *("restarts", "consecutive_errors", "errors"),
    *("model_resident", "memory_usage_mb", "parent_memory_mb", "gpu_memory_mb"),
    *("inference_lock_wait_ms", "model_load_time_ms", "model_warmup_time_ms"),
    *("vad_speech_ratio", "vad_skipped_chunks", "session_seconds", "alerts"),
}


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock(1000.0)


@pytest.fixture
def health(clock: SteppingClock) -> Health:
    return Health(clock)


def test_a_record_has_every_field_and_says_none_for_what_is_not_known(health: Health) -> None:
    record = health.record()
    assert set(record) == FIELDS
    known = {name: value for name, value in record.items() if value is not None}
    assert known == {
        "state": "uninitialized",
        "model_resident": False,
        "dropped_chunks": 0,
        "dropped_seconds": 0.0,
        "spooled_seconds": 0.0,
        "restarts": 0,
        "consecutive_errors": 0,
        "errors": [],
        "alerts": [],
        "inference_lock_wait_ms": {**{str(bound): 0 for bound in WAIT_BOUNDS}, "inf": 0},
        "session_seconds": 0.0,
    }


def test_what_was_noted_is_what_is_reported(health: Health, clock: SteppingClock) -> None:
    health.load(BASE, 512.0, 80.5, "cuda", "float16")
    health.lifecycle(State.READY)
    health.level("WARNING")
    health.backlog(1.5, 3)
    health.dropped(0.5, 2)
    health.dropped(0.25)
    health.spooled(4.0)
    health.restarted()
    health.memory(310.0, 101.5, 900.0)
    health.vad(0.625, 7)
    clock.advance(12.5)
    record = health.record()
    assert (record["provider"], record["model"]) == ("scripted", "base")
    assert (record["device"], record["compute_type"]) == ("cuda", "float16")
    assert (record["state"], record["model_resident"]) == ("ready", True)
    assert (record["model_load_time_ms"], record["model_warmup_time_ms"]) == (512.0, 80.5)
    assert record["degrade_level"] == "WARNING"
    assert (record["backlog_estimate"], record["queue_depth"]) == (1.5, 3)
    assert (record["dropped_seconds"], record["dropped_chunks"]) == (0.75, 3)
    assert (record["spooled_seconds"], record["restarts"]) == (4.0, 1)
    assert (record["memory_usage_mb"], record["parent_memory_mb"]) == (310.0, 101.5)
    assert record["gpu_memory_mb"] == 900.0
    assert (record["vad_speech_ratio"], record["vad_skipped_chunks"]) == (0.625, 7)
    assert record["session_seconds"] == 12.5


@given(st.lists(st.floats(0.1, 60_000.0), min_size=1, max_size=1200))
def test_percentiles_are_over_the_last_thousand_inferences(times: list[float]) -> None:
    health = Health(SteppingClock())
    for number, ms in enumerate(times):
        health.decode(ms, final=number % 3 == 0)
    record, last = health.record(), times[-1000:]
    assert record["avg_infer_ms"] == pytest.approx(sum(last) / len(last), abs=1e-4)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert record[f"{name}_infer_ms"] == pytest.approx(percentile(last, share), abs=1e-4)
    assert health.counters()["windows"] == -(-len(times) // 3)


def test_the_realtime_factor_is_of_the_whole_run_and_the_averages_of_late(
    health: Health, clock: SteppingClock
) -> None:
    for busy in (8.0, 1.0):
        clock.advance(20.0)
        health.busy(busy)
        health.audio(10.0)
    record = health.record()
    assert record["realtime_factor"] == 0.45
    assert record["rtf_avg_10s"] == 0.1
    assert record["rtf_avg_60s"] == 0.45
    clock.advance(10.0)
    assert health.record()["rtf_avg_10s"] is None


def test_partials_are_work_but_no_load(health: Health) -> None:
    health.busy(2.0, final=False)
    health.busy(1.0)
    health.audio(10.0)
    record = health.record()
    assert (record["realtime_factor"], record["rtf_avg_10s"]) == (0.3, 0.1)


def test_two_sources_that_run_at_once_add_up(health: Health) -> None:
    for source, busy in (("microphone", 1.0), ("system", 2.0)):
        health.busy(busy, source)
        health.audio(10.0, source)
    record = health.record()
    assert (record["realtime_factor"], record["rtf_avg_10s"]) == (0.3, 0.3)


@pytest.mark.parametrize(
    ("ms", "bucket"),
    [(0.0, "1"), (1.0, "1"), (1.1, "5"), (30_000.0, "30000"), (30_001.0, "inf")],
)
def test_a_wait_is_counted_under_the_least_bound_that_holds_it(
    health: Health, ms: float, bucket: str
) -> None:
    health.wait(ms)
    counts = health.record()["inference_lock_wait_ms"]
    assert [name for name, count in counts.items() if count] == [bucket]
    assert list(counts) == ["1", "5", "10", "50", "100", "500", "1000", "5000", "30000", "inf"]


def test_the_last_ten_errors_are_kept_and_all_are_counted(
    health: Health, clock: SteppingClock
) -> None:
    for number in range(12):
        clock.advance(1.0)
        health.error(f"error {number}")
    record = health.record()
    assert record["errors"][0] == {"time": 3.0, "text": "error 2"}
    assert record["errors"][-1] == {"time": 12.0, "text": "error 11"}
    assert (len(record["errors"]), record["consecutive_errors"]) == (10, 12)
    health.completed()
    assert health.record()["consecutive_errors"] == 0
    assert health.counters()["errors"] == 12


def test_a_long_error_is_cut(health: Health) -> None:
    health.error("x" * 10_000)
    assert len(health.record()["errors"][0]["text"]) == LONGEST_TEXT


def test_the_newest_twenty_alerts_are_kept_in_seconds_of_the_session(
    health: Health, clock: SteppingClock
) -> None:
    for number in range(25):
        clock.advance(1.0)
        alert = Alert(AlertCode.PROVIDER_CRASH, Severity.HIGH, clock.now(), f"alert {number}")
        health.alert(alert)
    alerts = health.record()["alerts"]
    assert len(alerts) == 20
    assert alerts[-1] == {
        "code": "provider_crash",
        "severity": "high",
        "time": 25.0,
        "message": "alert 24",
    }


def test_each_provider_has_its_record_and_the_one_that_serves_is_told(health: Health) -> None:
    health.lifecycle(State.READY, BASE)
    health.decode(100.0, final=True)
    health.lifecycle(State.LOADING, TINY)
    health.load(TINY, 50.0, None, "cpu", "int8")
    health.error("out of memory", TINY)
    assert health.record()["model"] == "base"
    health.serve(TINY)
    health.decode(10.0, final=True)
    base, tiny = health.records()
    assert (base["model"], base["state"], base["p50_infer_ms"]) == ("base", "ready", 100.0)
    assert (tiny["model"], tiny["state"], tiny["p50_infer_ms"]) == ("tiny", "loading", 10.0)
    assert (base["consecutive_errors"], tiny["consecutive_errors"]) == (0, 1)
    assert health.record() == tiny
    health.serve(BASE)
    assert health.record() == base


def test_the_session_is_the_same_for_all_and_its_counters_add_up(
    health: Health, clock: SteppingClock
) -> None:
    for spec in (BASE, TINY):
        health.serve(spec)
        health.decode(10.0, final=True)
        health.audio(30.0)
        health.restarted()
        health.error("it ended", spec)
    health.dropped(1.5, 3)
    health.spooled(2.0)
    clock.advance(60.0)
    assert [record["dropped_seconds"] for record in health.records()] == [1.5, 1.5]
    assert health.counters() == {
        "session_seconds": 60.0,
        "audio_seconds": 60.0,
        "windows": 2,
        "dropped_chunks": 3,
        "dropped_seconds": 1.5,
        "spooled_seconds": 2.0,
        "restarts": 2,
        "errors": 2,
    }


def test_what_was_noted_before_any_model_belongs_to_the_first(health: Health) -> None:
    health.error("it did not start")
    health.restarted()
    assert health.counters()["errors"] == 1
    health.serve(BASE)
    record = health.record()
    assert (record["model"], record["restarts"]) == ("base", 1)
    assert len(health.records()) == 1


def test_a_record_is_plain_json_whatever_was_measured(health: Health) -> None:
    health.memory(math.nan, math.inf)
    record = json.loads(json.dumps(health.record(), allow_nan=False))
    assert (record["memory_usage_mb"], record["parent_memory_mb"]) == (None, None)


def test_notes_of_several_threads_are_all_counted(health: Health) -> None:
    def work() -> None:
        for _ in range(500):
            health.decode(1.0, final=True)
            health.busy(0.001)
            health.audio(0.01)
            health.record()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert health.counters()["windows"] == 2000
    assert health.record()["realtime_factor"] == pytest.approx(0.1)
