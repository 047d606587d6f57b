"""Voxtral where it really runs: a program below a worker below this process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import psutil
import pytest

from echocli.errors import ModelError
from echocli.providers.base import DecodeOptions, Hypothesis
from echocli.runtime.policy import Deadline, Policy
from echocli.runtime.supervisor import Supervisor
from echocli.runtime.warmup import Level, warm_windows
from tests.providers.voxtral_playing import Stage, sound, window

pytestmark = pytest.mark.unit

Serve: TypeAlias = Callable[..., tuple[Stage, Supervisor]]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(policy: Policy | None = None, **script: Any) -> tuple[Stage, Supervisor]:
            stage = Stage(tmp_path, **script)
            monkeypatch.setenv("ECHOCLI_VOXTRAL_BINARY", stage.spec.program)
            supervisor = Supervisor(stage.spec, policy=policy)
            stack.callback(supervisor.close)
            return stage, supervisor

        yield start


def hear(supervisor: Supervisor, number: int, *words: int) -> str:
    (found,) = supervisor.decode([window(number, number * 9.0, sound(*words))], DecodeOptions())
    assert isinstance(found, Hypothesis)
    return found.text


def helpers(stage: Stage) -> list[psutil.Process]:
    return [
        psutil.Process(line["pid"])
        for line in stage.log
        if line["what"] == "start" and psutil.pid_exists(line["pid"])
    ]


def end(running: list[psutil.Process]) -> bool:
    """Tell whether processes end; one that nobody has asked about yet has ended too."""
    _, alive = psutil.wait_procs(running, timeout=10)
    return all(one.status() == psutil.STATUS_ZOMBIE for one in alive)


def test_sound_becomes_text_through_a_worker(serve: Serve) -> None:
    stage, supervisor = serve()
    assert [hear(supervisor, 1, 1, 2), hear(supervisor, 2, 3)] == [" one two", " three"]
    assert supervisor.report is not None
    assert supervisor.report.device == "metal"
    assert stage.runs == 1


def test_a_worker_that_is_shot_is_replaced_and_leaves_no_program(serve: Serve) -> None:
    stage, supervisor = serve(stays=True)
    assert hear(supervisor, 1, 1) == " one"
    running = helpers(stage)
    assert supervisor.worker_pid is not None
    os.kill(supervisor.worker_pid, signal.SIGKILL)
    assert hear(supervisor, 2, 2) == " two"
    if sys.platform == "linux":
        assert end(running)
    supervisor.close()
    assert stage.runs == 2


def test_nothing_is_left_of_a_worker_that_was_closed(serve: Serve) -> None:
    stage, supervisor = serve()
    hear(supervisor, 1, 1)
    running = helpers(stage)
    assert running
    supervisor.close()
    assert end(running)


def test_a_program_that_dies_costs_the_worker_nothing(serve: Serve) -> None:
    stage, supervisor = serve(crashes=[2, 1])
    assert hear(supervisor, 1, 1, 2, 3, 4) == " one two three four"
    assert supervisor.restarts == 0
    assert stage.runs == 2


PRESSED = Policy(deadline=Deadline(minimum=0.2, factor=3.0, unmeasured=0.0))


def test_a_slow_program_is_no_hung_worker(serve: Serve) -> None:
    _, supervisor = serve(interval_ms=300, policy=PRESSED)
    assert hear(supervisor, 1, 1, 2) == " one two"
    assert supervisor.restarts == 0


def test_loading_anew_counts_for_no_hung_worker(serve: Serve) -> None:
    stage, supervisor = serve(load_ms=1500, crashes=[3, 1], policy=PRESSED)
    assert hear(supervisor, 1, 1) == " one"
    assert hear(supervisor, 2, 2) == " two"
    assert stage.runs == 2
    assert supervisor.restarts == 0


def test_a_refusal_reaches_the_user_with_its_hint(serve: Serve) -> None:
    _, supervisor = serve(refuses="weight not found")
    with pytest.raises(ModelError, match="weight not found") as caught:
        supervisor.ready()
    assert caught.value.hint is not None


def test_the_warm_up_hears_no_words_and_is_inference(serve: Serve) -> None:
    _, supervisor = serve()
    supervisor.ready(warm_windows(Level.FIRST))
    assert [run.seconds for run in supervisor.warm_runs] == [5.0]
    assert hear(supervisor, 1, 1) == " one"
