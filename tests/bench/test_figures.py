from __future__ import annotations

from dataclasses import replace
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.bench.accuracy import Errors, Score
from echocli.bench.figures import MB, Load, Trial, figures, total

pytestmark = pytest.mark.unit

amounts = st.floats(0.001, 1e5)
trials = st.builds(
    Trial,
    audio_seconds=amounts,
    speech_seconds=amounts,
    busy_seconds=amounts,
    wall_seconds=amounts,
    first_text_ms=st.none() | amounts,
    infer_ms=st.lists(amounts, max_size=5).map(tuple),
    peak_bytes=st.integers(1, 2**40),
    text=st.text("ab "),
)
SILENT = Trial(10.0, 0.0, 0.0, 1.0, None, (), 50 * MB)


@st.composite
def several_runs(draw: st.DrawFn) -> list[list[Trial]]:
    files = draw(st.integers(1, 4))
    return draw(st.lists(st.lists(trials, min_size=files, max_size=files), min_size=1, max_size=5))


@given(several_runs())
def test_rtf_is_the_median_of_busy_over_audio(runs: list[list[Trial]]) -> None:
    found = figures(runs, None)
    each = [sum(t.busy_seconds for t in run) / sum(t.audio_seconds for t in run) for run in runs]
    assert found.rtf == pytest.approx(median(each))
    assert found.speed is not None
    assert found.speed * median(each) == pytest.approx(1)


@given(several_runs())
def test_latencies_are_in_order_and_were_all_seen(runs: list[list[Trial]]) -> None:
    found = figures(runs, None)
    seen = [ms for run in runs for trial in run for ms in trial.infer_ms]
    times = [found.p50_ms, found.p95_ms, found.p99_ms]
    known = [ms for ms in times if ms is not None]
    assert len(known) == (3 if seen else 0)
    assert known == sorted(known)
    assert all(min(seen) <= ms <= max(seen) for ms in known)


@given(several_runs(), st.lists(st.builds(Load, amounts, st.integers(1, 2**40)), max_size=3))
def test_memory_is_the_highest_of_all(runs: list[list[Trial]], loads: list[Load]) -> None:
    peaks = [t.peak_bytes for run in runs for t in run] + [load.peak_bytes for load in loads]
    assert figures(runs, None, loads).memory_mb == max(peaks) / MB


@given(st.lists(trials, min_size=1, max_size=4), st.integers(1, 4))
def test_equal_runs_measure_the_same_as_one(run: list[Trial], count: int) -> None:
    assert figures([run] * count, None) == figures([run], None)


def test_one_slow_run_of_three_does_not_count() -> None:
    quick = Trial(10.0, 5.0, 1.0, 2.0, 100.0, (50.0,), MB)
    slow = replace(quick, busy_seconds=9.0, first_text_ms=9000.0, infer_ms=(8000.0,))
    found = figures([[quick], [slow], [quick]], None)
    assert (found.rtf, found.first_text_ms, found.p99_ms) == (0.1, 100.0, 50.0)


def test_silence_has_no_speed_and_no_latency() -> None:
    found = figures([[SILENT]], None)
    assert (found.rtf, found.speed, found.first_text_ms, found.p95_ms) == (0, None, None, None)
    assert (found.words, found.vad_share) == (0, 0)


def test_no_sound_at_all_has_no_rtf() -> None:
    found = figures([[replace(SILENT, audio_seconds=0.0)]], None)
    assert (found.rtf, found.vad_share) == (None, None)


def test_without_voice_detection_there_is_no_share_of_speech() -> None:
    assert figures([[replace(SILENT, speech_seconds=None)]], None).vad_share is None


def test_without_a_reference_there_are_no_errors() -> None:
    found = figures([[SILENT]], total([None, None]))
    assert (found.wer, found.cer, found.reference_words) == (None, None, None)


def test_errors_of_all_files_are_over_all_their_words() -> None:
    good = Score(Errors(90, 0, 0, 0), Errors(400), None)
    bad = Score(Errors(10, 5, 3, 2), Errors(50, 25, 0, 0), None)
    found = figures([[SILENT, SILENT, SILENT]], total([good, None, bad]))
    assert found.wer == 10
    assert (found.substitutions, found.deletions, found.insertions) == (5, 3, 2)
    assert found.cer == pytest.approx(100 * 25 / 450)
