from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from echocli.errors import ModelError
from echocli.providers.base import LoadSpec
from echocli.runtime.lifecycle import State
from echocli.runtime.supervisor import Policy, Supervisor
from echocli.runtime.warmup import LENGTHS, Level, WarmupReport, warm_up, warm_windows
from echocli.types import SAMPLE_RATE


@contextmanager
def playing(folder: Path, policy: Policy | None = None, **script: Any) -> Iterator[Supervisor]:
    """Supervise a worker that plays a script."""
    path = folder / "script.json"
    path.write_text(json.dumps(script), encoding="utf-8")
    supervisor = Supervisor(LoadSpec("scripted", "script", str(path)), policy=policy)
    try:
        yield supervisor
    finally:
        supervisor.close()


def names(report: WarmupReport) -> list[str]:
    return [phase.name for phase in report.phases]


@pytest.mark.unit
class TestWindows:
    @pytest.mark.parametrize(
        ("level", "lengths"),
        [(Level.LOAD, ()), (Level.FIRST, LENGTHS[:1]), (Level.STRESS, LENGTHS)],
        ids=str,
    )
    def test_a_level_has_its_lengths(self, level: Level, lengths: tuple[float, ...]) -> None:
        seconds = [len(window.samples) / SAMPLE_RATE for window in warm_windows(level)]
        assert tuple(seconds) == lengths

    def test_ids_are_never_those_of_a_transcription(self) -> None:
        ids = [window.id for window in warm_windows(Level.STRESS)]
        assert len(set(ids)) == len(ids)
        assert max(ids) < 0

    def test_the_sound_is_audible_and_not_clipped(self) -> None:
        for window in warm_windows(Level.STRESS):
            assert window.samples.dtype == np.float32
            assert 0.05 < float(np.abs(window.samples).max()) < 1

    def test_the_longest_is_a_full_window(self) -> None:
        assert max(LENGTHS) == 30


@pytest.mark.unit
class TestScripted:
    def test_each_inference_is_a_phase_with_its_length(self, tmp_path: Path) -> None:
        with playing(tmp_path, delay_ms=1) as supervisor:
            report = warm_up(supervisor, Level.STRESS)
        inferences = [phase for phase in report.phases if phase.name == "inference"]
        assert tuple(phase.seconds for phase in inferences) == LENGTHS
        assert all(phase.ms >= 1 for phase in inferences)
        assert report.first_inference_ms == inferences[0].ms

    def test_level_one_runs_no_inference(self, tmp_path: Path) -> None:
        with playing(tmp_path, steps={"1": "crash"}) as supervisor:
            report = warm_up(supervisor, Level.LOAD)
        assert (names(report), report.first_inference_ms) == (["start"], None)

    def test_the_phases_add_up_to_less_than_the_total(self, tmp_path: Path) -> None:
        with playing(tmp_path, load_ms=20, delay_ms=20) as supervisor:
            report = warm_up(supervisor, Level.FIRST)
        assert 40 <= sum(phase.ms for phase in report.phases) <= report.total_ms

    def test_the_states_are_all_told(self, tmp_path: Path) -> None:
        with playing(tmp_path) as supervisor:
            report = warm_up(supervisor, Level.FIRST)
        assert report.states == tuple(State)[:4]

    def test_the_worker_that_was_warmed_is_the_one_that_serves(self, tmp_path: Path) -> None:
        with playing(tmp_path) as supervisor:
            supervisor.begin()
            pid = supervisor.worker_pid
            warm_up(supervisor, Level.FIRST)
            assert supervisor.worker_pid == pid
            assert supervisor.restarts == 0

    @pytest.mark.parametrize(
        ("script", "cause"),
        [
            ({"load_error": "no memory left"}, "no memory left"),
            (
                {"steps": {"1": "crash"}},
                "warming up 'script' failed: worker was killed by signal 9",
            ),
            ({"steps": {"1": "exit"}}, "warming up 'script' failed: worker ended with status 3"),
            ({"steps": {"1": "error"}}, "the script says that decoding fails"),
        ],
        ids=["load", "crash", "exit", "error"],
    )
    def test_a_failed_start_is_a_report_with_its_cause(
        self, tmp_path: Path, script: dict[str, Any], cause: str
    ) -> None:
        with playing(tmp_path, **script) as supervisor:
            report = warm_up(supervisor, Level.FIRST)
        assert cause in str(report.error)
        assert report.states[-1] is State.ERROR

    def test_what_worked_before_the_failure_is_still_told(self, tmp_path: Path) -> None:
        with playing(tmp_path, steps={"3": "crash"}) as supervisor:
            report = warm_up(supervisor, Level.STRESS)
        assert names(report) == ["start", "inference", "inference"]

    def test_a_failed_start_can_be_tried_again_with_a_fresh_worker(self, tmp_path: Path) -> None:
        with playing(tmp_path, steps={"1": "crash"}) as supervisor:
            first = warm_up(supervisor, Level.FIRST)
            second = warm_up(supervisor, Level.FIRST)
        assert first.error is not None
        assert second.error is None
        assert second.states[-4:] == (
            State.ERROR,
            State.LOADING,
            State.WARMING_UP,
            State.READY,
        )

    @pytest.mark.parametrize("script", [{"load_ms": 60_000}, {"delay_ms": 60_000}], ids=str)
    def test_loading_and_warming_up_share_one_time_limit(
        self, tmp_path: Path, script: dict[str, int]
    ) -> None:
        with playing(tmp_path, Policy(init_timeout=2.0), **script) as supervisor:
            report = warm_up(supervisor, Level.FIRST)
        assert "took over 2 s" in str(report.error)
        assert report.total_ms < 30_000


class Mute(Supervisor):
    """A supervisor whose provider answers without having worked, as a broken plug-in may."""

    def _learn(self, answer: Any, audio: float) -> None:
        super()._learn(answer, audio)
        for found in answer.hypotheses:
            object.__setattr__(found, "decode_ms", 0.0)


@pytest.mark.unit
def test_an_answer_without_inference_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text("{}", encoding="utf-8")
    supervisor = Mute(LoadSpec("scripted", "script", str(path)))
    try:
        with pytest.raises(ModelError, match="without inference"):
            supervisor.ready(warm_windows(Level.FIRST))
    finally:
        supervisor.close()


@pytest.mark.model
def test_a_real_model_names_its_phases_and_its_memory(tiny_model: Path) -> None:
    supervisor = Supervisor(LoadSpec("faster-whisper", "tiny.en", str(tiny_model)))
    try:
        report = warm_up(supervisor, Level.FIRST)
    finally:
        supervisor.close()
    assert names(report) == ["start", "import", "weights", "inference"]
    assert all(phase.ms > 0 for phase in report.phases)
    assert report.worker_memory_mb is not None
    assert report.worker_memory_mb > 50
    assert report.parent_memory_mb > 10
