from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from echocli.providers.voxtral_process import BLOCK_BYTES, Fallen, Limits, Process
from echocli.providers.voxtral_stream import pcm
from tests.providers.voxtral_playing import IMPATIENT, program, sound, weights

pytestmark = pytest.mark.unit


def start(folder: Path, limits: Limits = IMPATIENT) -> Process:
    command = [str(folder / "voxtral"), "-d", str(weights(folder / "model")), "--stdin", "-I", "1"]
    return Process(command, limits)


def test_a_death_tells_signal_and_last_words(tmp_path: Path) -> None:
    program(tmp_path)
    process = start(tmp_path)
    process.wait_ready()
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(Fallen, match=r"voxtral was killed by signal 9: .*Model loaded"):
        process.feed(bytes(BLOCK_BYTES))


def test_an_end_while_loading_is_no_wait(tmp_path: Path) -> None:
    program(tmp_path, refuses="no")
    began = time.monotonic()
    with pytest.raises(Fallen, match="ended with status 1"):
        start(tmp_path, Limits(load=60)).wait_ready()
    assert time.monotonic() - began < 20


def test_a_model_that_was_ready_long_ago_is_ready(tmp_path: Path) -> None:
    program(tmp_path)
    process = start(tmp_path, Limits(load=0.0))
    while "Model loaded." not in process.last_words:
        process._look(0.05)
    process.wait_ready()
    process.end()


def test_last_words_that_do_not_come_are_an_error(tmp_path: Path) -> None:
    program(tmp_path, interval_ms=3000)
    process = start(tmp_path)
    process.wait_ready()
    process.feed(bytes(BLOCK_BYTES))
    with pytest.raises(Fallen, match="did not say its last words"):
        process.finish()
    assert not psutil.pid_exists(process.pid)


@pytest.mark.parametrize("stays", [False, True])
def test_a_newline_in_the_last_words_is_not_their_end(tmp_path: Path, stays: bool) -> None:
    program(tmp_path, words=["a.\n", "b"], keeps=2, halves=True, piece_ms=30, stays=stays)
    process = start(tmp_path)
    process.wait_ready()
    said = pcm(sound(1, 2))
    said += bytes(-len(said) % BLOCK_BYTES)
    for at in range(0, len(said), BLOCK_BYTES):
        assert process.feed(said[at : at + BLOCK_BYTES]) == ""
    assert process.finish() == "a.\n b"
    assert not psutil.pid_exists(process.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only the kernel of Linux does this")
def test_the_program_does_not_outlive_who_started_it(tmp_path: Path) -> None:
    program(tmp_path, stays=True)
    code = (
        "import sys, time; from echocli.providers.voxtral_process import Process;"
        f"p = Process({[str(tmp_path / 'voxtral'), '-d', str(weights(tmp_path / 'model'))]!r}"
        " + ['--stdin', '-I', '1']); p.wait_ready(); print(p.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        helper = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
        psutil.wait_procs([helper], timeout=10)
        assert not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE
