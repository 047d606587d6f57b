from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.errors import ModelError, TranscriptionError
from echocli.events import Notice
from echocli.providers.base import DecodeOptions, Hypothesis, LoadSpec
from echocli.runtime.lifecycle import State
from echocli.runtime.supervisor import Deadline, Lost, Outcome, Policy, Supervisor
from tests.conftest import clean_environment
from tests.runtime.conftest import IMPATIENT, Script, Supervise, eventually, gone, window

pytestmark = pytest.mark.unit

OPTIONS = DecodeOptions()


def texts(outcomes: list[Outcome]) -> list[str | None]:
    return [found.text if isinstance(found, Hypothesis) else None for found in outcomes]


def decode(supervisor: Supervisor, *numbers: int) -> list[str | None]:
    return texts(supervisor.decode([window(n) for n in numbers], OPTIONS))


def pid_of(supervisor: Supervisor) -> int:
    assert supervisor.worker_pid is not None
    return supervisor.worker_pid


def told(supervisor: Supervisor) -> list[Notice]:
    return [event for event in supervisor.notices if isinstance(event, Notice)]


def test_a_healthy_worker_is_never_replaced(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["a", "b"]))
    assert decode(supervisor, 0, 1) == ["a", "b"]
    pid = pid_of(supervisor)
    assert decode(supervisor, 2) == ["a"]
    assert (supervisor.restarts, pid_of(supervisor)) == (0, pid)
    assert supervisor.peak_rss_bytes > 1_000_000
    assert supervisor.load_ms > 0
    assert supervisor.decode([], OPTIONS) == []


@pytest.mark.parametrize("step", ["crash", "exit", "hang"])
def test_a_window_whose_worker_dies_or_hangs_is_decoded_again(
    supervise: Supervise, script: Script, step: str
) -> None:
    supervisor = supervise(script(texts=["a", "b", "c"], steps={"2": step}), IMPATIENT)
    assert [decode(supervisor, n) for n in range(3)] == [["a"], ["b"], ["c"]]
    assert supervisor.restarts == 1
    assert [notice.code for notice in told(supervisor)] == ["worker_restarted"]


def test_a_stopped_worker_counts_as_hung(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["a", "b"]), IMPATIENT)
    assert decode(supervisor, 0) == ["a"]
    stopped = pid_of(supervisor)
    os.kill(stopped, signal.SIGSTOP)
    assert decode(supervisor, 1) == ["b"]
    assert gone(stopped)
    assert "no answer within 1 s" in told(supervisor)[0].message


PARENT = """
import sys
import threading
import numpy as np
from echocli.providers.base import DecodeOptions, LoadSpec, Window
from echocli.runtime.supervisor import Deadline, Policy, Supervisor
policy = Policy(Deadline(minimum=1.0, factor=0.0))
supervisor = Supervisor(LoadSpec("scripted", "m", sys.argv[1]), policy=policy)
supervisor.ready()
threading.Timer(0.2, print, [supervisor.worker_pid], {"flush": True}).start()
supervisor.decode([Window(0, 0, np.zeros(16000, np.float32))], DecodeOptions())
print(supervisor.restarts, flush=True)
"""


def test_a_worker_that_stood_still_with_this_process_is_not_hung(
    script: Script, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", PARENT, script(texts=["a"], delay_ms=500).path]
    environment = clean_environment(tmp_path)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        both = [parent.pid, int(parent.stdout.readline())]
        for pid in both:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(1.2)  # longer than its deadline: a machine that was asleep
        for pid in both:  # and which of them goes on first is chance
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.3)
        assert parent.stdout.readline() == b"0\n"


def test_death_between_requests_is_no_windows_fault(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["a"], steps={"1": "crash", "2": "crash"}))
    supervisor.ready()
    before = pid_of(supervisor)
    os.kill(before, signal.SIGKILL)
    # A process is a zombie before its last thread has ended; only then can its death be seen.
    with contextlib.suppress(ChildProcessError):  # the supervisor's thread was faster
        os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)
    # Two deaths of its own are allowed; the one before does not count.
    assert decode(supervisor, 0) == ["a"]
    assert supervisor.restarts == 3


def test_an_error_of_the_library_is_tried_again_without_a_restart(
    supervise: Supervise, script: Script
) -> None:
    supervisor = supervise(script(texts=["a"], steps={"1": "error"}))
    assert decode(supervisor, 0) == ["a"]
    assert supervisor.restarts == 0


def test_a_window_the_library_never_decodes_is_lost(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["a"], steps={str(n): "error" for n in (1, 2, 3)}))
    (lost,) = supervisor.decode([window(0)], OPTIONS)
    assert isinstance(lost, Lost)
    assert "the script says that decoding fails" in lost.reason
    assert decode(supervisor, 1) == ["a"]


@pytest.mark.parametrize("slots", [1, 2])
def test_only_the_window_that_kills_alone_is_lost(
    supervise: Supervise, script: Script, slots: int
) -> None:
    keys = {"texts": ["a", "poison", "c", "d"], "crash_on": "poison"}
    supervisor = supervise(script(slots=slots, **keys))
    # Turns are given by first sight; one slot at a time makes them those of the order.
    assert decode(supervisor, 0) == ["a"]
    outcomes = supervisor.decode([window(1), window(2)], OPTIONS)
    assert texts(outcomes).count(None) == 1
    lost = next(found for found in outcomes if isinstance(found, Lost))
    assert "signal 9" in lost.reason
    assert supervisor.restarts == 4


def test_a_window_that_kills_three_times_is_lost_and_the_rest_is_whole(
    supervise: Supervise, script: Script
) -> None:
    supervisor = supervise(script(texts=["a", "poison", "c"], crash_on="poison"))
    assert [decode(supervisor, n) for n in range(3)] == [["a"], [None], ["c"]]
    assert supervisor.restarts == 3


def test_several_windows_lost_in_a_row_end_the_run(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["poison"], crash_on="poison"), Policy(deaths_per_window=1))
    assert decode(supervisor, 0) == decode(supervisor, 1) == [None]
    with pytest.raises(TranscriptionError, match="'scripted' keeps failing") as caught:
        decode(supervisor, 2)
    assert caught.value.hint


def test_a_success_between_losses_starts_the_count_anew(
    supervise: Supervise, script: Script
) -> None:
    policy = Policy(deaths_per_window=1, lost_in_a_row=2)
    supervisor = supervise(script(texts=["poison", "a"], crash_on="poison"), policy)
    found = [decode(supervisor, n)[0] for n in range(5)]
    assert found == [None, "a", None, "a", None]


def test_a_death_while_loading_costs_a_restart(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["a"], load_ms=300))
    supervisor.begin()
    os.kill(pid_of(supervisor), signal.SIGKILL)
    assert decode(supervisor, 0) == ["a"]
    assert supervisor.restarts == 1
    assert "signal 9" in told(supervisor)[0].message


def test_a_worker_that_always_dies_while_loading_is_given_up(supervise: Supervise) -> None:
    # A spec the child cannot unpickle ends it before it can answer.
    supervisor = supervise(LoadSpec("scripted", "m", "x", threads=_Bomb()))
    with pytest.raises(ModelError, match="loading 'm' failed: worker"):
        supervisor.ready()
    assert supervisor.lifecycle.state is State.ERROR
    assert supervisor.restarts == 2


class _Bomb(int):
    """An integer that ends the process that unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (7,)


def test_a_load_that_fails_is_not_tried_again_by_itself(
    supervise: Supervise, script: Script
) -> None:
    supervisor = supervise(script(load_error="out of memory"))
    with pytest.raises(ModelError, match="out of memory"):
        supervisor.ready()
    assert supervisor.restarts == 0
    assert supervisor.worker_pid is None


def test_a_load_that_failed_can_be_asked_for_again(supervise: Supervise, script: Script) -> None:
    spec = script(load_error="out of memory")
    supervisor = supervise(spec)
    with pytest.raises(ModelError):
        supervisor.ready()
    script(texts=["a"])
    assert decode(supervisor, 0) == ["a"]


def test_a_load_that_takes_too_long_is_ended(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(load_ms=60_000), Policy(init_timeout=0.5))
    supervisor.begin()
    pid = pid_of(supervisor)
    with pytest.raises(ModelError, match=r"took over 0\.5 s"):
        supervisor.ready()
    assert gone(pid)


def test_a_death_in_the_warm_up_is_a_model_error(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["a"], steps={"1": "crash"}))
    with pytest.raises(ModelError, match="warming up 'script' failed"):
        supervisor.ready([window(0)])
    assert decode(supervisor, 1) == ["a"]


def test_beginning_twice_is_one_worker(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["a"]))
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(supervisor.begin) for _ in range(8)]:
            future.result()
        pid = pid_of(supervisor)
        reports = [pool.submit(supervisor.ready) for _ in range(8)]
        assert len({id(report.result()) for report in reports}) == 1
    assert pid_of(supervisor) == pid


def test_closing_ends_the_process_and_it_can_be_started_again(
    supervise: Supervise, script: Script
) -> None:
    supervisor = supervise(script(texts=["a"]))
    decode(supervisor, 0)
    pid = pid_of(supervisor)
    supervisor.close()
    assert gone(pid)
    assert supervisor.lifecycle.state is State.UNINITIALIZED
    assert supervisor.worker_pid is None
    assert decode(supervisor, 1) == ["a"]


def test_closing_what_never_began_is_harmless(supervise: Supervise, script: Script) -> None:
    supervise(script()).close()


def test_an_unknown_provider_is_told_before_anything_is_decoded(supervise: Supervise) -> None:
    with pytest.raises(ModelError, match="unknown provider"):
        supervise(LoadSpec("nobody", "m", "")).ready()


@pytest.mark.slow
def test_twenty_restarts_leave_no_descriptor_no_thread_and_no_child(
    supervise: Supervise, script: Script
) -> None:
    process = psutil.Process()
    supervisor = supervise(script(texts=["a"]))
    decode(supervisor, 0)
    threads, descriptors = threading.active_count(), process.num_fds()
    for number in range(20):
        os.kill(pid_of(supervisor), signal.SIGKILL)
        assert decode(supervisor, number) == ["a"]
    assert supervisor.restarts == 20
    eventually(lambda: threading.active_count() <= threads, "the threads end")
    eventually(lambda: process.num_fds() <= descriptors, "the pipes are closed")
    assert [child.pid for child in process.children()] == [pid_of(supervisor)]


@given(st.floats(0, 600), st.none() | st.floats(0, 10))
def test_a_deadline_is_never_below_its_minimum_nor_what_is_expected(
    audio: float, rtf: float | None
) -> None:
    limit = Deadline().seconds(audio, rtf)
    assert limit >= 10
    assert limit >= audio * (0.5 if rtf is None else rtf)


def test_a_slow_provider_gets_more_time(supervise: Supervise, script: Script) -> None:
    policy = Policy(deadline=Deadline(minimum=0.1, factor=8.0, unmeasured=2.0))
    supervisor = supervise(script(texts=["a"], delay_ms=500), policy)
    assert decode(supervisor, 0) == decode(supervisor, 1) == ["a"]
    assert supervisor.restarts == 0


@pytest.mark.model
def test_corrupt_weights_end_with_a_model_error(
    supervise: Supervise, tiny_model: Path, tmp_path: Path
) -> None:
    for file in tiny_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "tokenizer.json").write_text("{")
    spec = LoadSpec("faster-whisper", "tiny.en", str(tmp_path))
    with pytest.raises(ModelError, match=r"tiny\.en"):
        supervise(spec).ready()
    (tmp_path / "model.bin").write_bytes(b"\x06\x00\x00\x00")
    with pytest.raises(ModelError, match=r"tiny\.en"):
        supervise(replace(spec)).ready()
