"""The program as people run it, while its worker or itself is shot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import psutil
import pytest

from tests.conftest import RunEchocli, clean_environment
from tests.runtime.conftest import eventually, gone

LIMIT = 120.0

Running: TypeAlias = subprocess.Popen[bytes]


@pytest.fixture
def recording(samples: Path, tmp_path: Path) -> Path:
    """The sample with pauses twice over: long enough to be shot in the middle."""
    import soundfile

    sound, rate = soundfile.read(samples / "pauses.flac", dtype="float32")
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(sound, 2), rate)
    return path


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Path]:
    def write(**keys: Any) -> Path:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(keys))
        return path

    return write


@contextmanager
def running(home: Path, *args: str | Path) -> Iterator[Running]:
    """Run `echocli transcribe` in a process group of its own; end it whatever happens."""
    command = [sys.executable, "-m", "echocli", "transcribe", *map(str, args), "-f", "jsonl"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=clean_environment(home),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: Running, kind: str) -> list[dict[str, Any]]:
    """Read events up to the first of a kind."""
    assert process.stdout is not None
    events: list[dict[str, Any]] = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["type"] == kind:
            return events
    pytest.fail(f"ended without {kind}: {process.stderr and process.stderr.read()!r}")


def worker_of(process: Running) -> int:
    """Return the process id of the worker, once there is one."""
    found: list[int] = []

    def look() -> bool:
        for child in psutil.Process(process.pid).children():
            with suppress(psutil.NoSuchProcess):
                if "echocli.runtime.worker_process" in child.cmdline():
                    found.append(child.pid)
        return bool(found)

    eventually(look, "a worker starts")
    return found[0]


def said(events: list[dict[str, Any]]) -> list[tuple[float, float, str]]:
    return [(e["start"], e["end"], e["text"]) for e in events if e["type"] == "final"]


@pytest.mark.model
@pytest.mark.slow
def test_the_transcript_is_the_same_when_its_worker_is_killed(
    tiny_model: Path, recording: Path, tmp_path: Path, run_echocli: RunEchocli
) -> None:
    options = ["--model", "tiny.en", "--beam-size", "1"]
    calm = run_echocli("transcribe", recording, *options, "-f", "jsonl")
    expected = said([json.loads(line) for line in calm.stdout.splitlines()])
    with running(tmp_path, recording, *options) as process:
        events = read_until(process, "final")
        os.kill(worker_of(process), signal.SIGKILL)
        events += read_until(process, "end")
        assert process.wait(LIMIT) == 0
    assert said(events) == expected
    assert len(expected) >= 8
    assert "worker_restarted" in [e.get("code") for e in events]


@pytest.mark.unit
def test_a_window_that_kills_is_a_gap_and_the_exit_code_says_so(
    recording: Path, script: Callable[..., Path], run_echocli: RunEchocli
) -> None:
    path = script(texts=["a", "poison", *["c"] * 100], crash_on="poison")
    options = ["--provider", "scripted", "--model", path]
    done = run_echocli("transcribe", recording, *options, "-f", "jsonl")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    (gap,) = [event for event in events if event["type"] == "gap"]
    assert done.code == 1
    assert "poison" not in done.stdout
    assert len(said(events)) >= 2
    assert events[-1]["type"] == "end"
    assert f"no text from {gap['start']:.1f} s to {gap['end']:.1f} s" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.unit
def test_a_crash_that_heals_is_no_failure(
    recording: Path, script: Callable[..., Path], run_echocli: RunEchocli
) -> None:
    path = script(texts=["a"], steps={"2": "crash"})
    done = run_echocli("transcribe", recording, "--provider", "scripted", "--model", path)
    assert done.code == 0
    assert set(done.stdout.split()) == {"a"}
    assert "restarted" in done.stderr


@pytest.mark.unit
@pytest.mark.parametrize("shock", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_is_left_behind(
    recording: Path, script: Callable[..., Path], tmp_path: Path, shock: signal.Signals
) -> None:
    path = script(texts=["a"], steps={"2": "hang"})
    with running(tmp_path, recording, "--provider", "scripted", "--model", path) as process:
        events = read_until(process, "final")
        worker = worker_of(process)
        if shock == signal.SIGINT:
            os.killpg(process.pid, shock)  # as the terminal does it
        else:
            os.kill(process.pid, shock)
        status = process.wait(LIMIT)
        assert gone(worker)
    assert said(events)
    assert status == (-9 if shock == signal.SIGKILL else 130)


@pytest.mark.unit
def test_no_worker_is_left_behind_at_the_normal_end(
    recording: Path, script: Callable[..., Path], tmp_path: Path
) -> None:
    path = script(texts=["a"])
    with running(tmp_path, recording, "--provider", "scripted", "--model", path) as process:
        read_until(process, "ready")
        worker = worker_of(process)
        read_until(process, "end")
        assert process.wait(LIMIT) == 0
        assert gone(worker)


@pytest.mark.unit
def test_a_model_that_fails_to_load_exits_with_unavailable(
    recording: Path, script: Callable[..., Path], run_echocli: RunEchocli
) -> None:
    path = script(load_error="out of memory")
    done = run_echocli("transcribe", recording, "--provider", "scripted", "--model", path)
    assert (done.code, done.stdout) == (4, "")
    assert "out of memory" in done.stderr


@pytest.mark.model
def test_damaged_weights_exit_with_unavailable(
    recording: Path, tiny_model: Path, tmp_path: Path, run_echocli: RunEchocli
) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    for file in tiny_model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes()[:100_000])
    done = run_echocli("transcribe", recording, "--model", folder)
    assert (done.code, done.stdout) == (4, "")
    assert "Traceback" not in done.stderr


@pytest.mark.model
def test_an_unknown_compute_type_exits_with_unavailable_or_usage(
    recording: Path, tiny_model: Path, run_echocli: RunEchocli
) -> None:
    done = run_echocli("transcribe", recording, "--model", tiny_model, "--compute-type", "int3")
    assert done.code in (2, 4)
    assert "int3" in done.stderr


@pytest.mark.unit
def test_ctrl_c_while_the_model_loads_ends_both(
    recording: Path, script: Callable[..., Path], tmp_path: Path
) -> None:
    path = script(texts=["a"], load_ms=60_000)
    with running(tmp_path, recording, "--provider", "scripted", "--model", path) as process:
        worker = worker_of(process)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(LIMIT) == 130
        assert gone(worker)
