"""Fixtures for tests of the command line: scripts to play and processes to watch."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import psutil
import pytest

from tests.conftest import RunEchocli, clean_environment
from tests.waiting import PATIENCE as PATIENCE
from tests.waiting import eventually as eventually

Script: TypeAlias = Callable[..., list[str]]
"""Type of the fixture :func:`script`."""

Start: TypeAlias = "Callable[..., Running]"
"""Type of the fixture :func:`start_echocli`."""


class Running:
    """The program in a process group of its own, with its output as it comes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.output = b""

    def write(self, data: bytes) -> None:
        """Write to its standard input and leave that open."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def wait_for_line(self, count: int = 1) -> str:
        """Return what is on standard output as soon as that has so many whole lines."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + PATIENCE
        while self.output.count(b"\n") < count:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, left))
            assert ready, "no line within the deadline"
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            assert data, self.end()
            self.output += data
        return self.output.decode()

    def workers(self) -> list[psutil.Process]:
        """Wait until there is a worker; all children, probes of the machine may be among them."""
        found: list[psutil.Process] = []

        def is_there() -> bool:
            found[:] = psutil.Process(self.process.pid).children(recursive=True)
            return any("worker_process" in " ".join(arguments(child)) for child in found)

        eventually(is_there)
        return found

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal the way a terminal does, to the whole group."""
        os.killpg(self.process.pid, number)

    def end(self) -> tuple[int, str, str]:
        """Wait for its end; the exit code and both streams, whole."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, (self.output + (out or b"")).decode(), err.decode()


def arguments(process: psutil.Process) -> list[str]:
    """Return the command line of a process; nothing where it has just ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def interrupt_until_it_ends(process: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C again and again, as somebody does who holds the key.

    Two would not do: a process that has no turn in between sees one, or both at the same moment,
    and that is what a shell and the kernel do, not an impatient person.
    """

    def has_ended() -> bool:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        return process.poll() is not None

    eventually(has_ended)


def assert_all_end(processes: list[psutil.Process]) -> None:
    """Wait for processes nobody is the parent of; fail if one stays."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert alive == []


@pytest.fixture
def run_echocli(run_here: RunEchocli) -> RunEchocli:
    """Run commands in this process; tests of the process itself use ``run_program``."""
    return run_here


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the directory of settings of :func:`run_echocli`, which is not there yet."""
    return tmp_path / "echocli-config"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where the program keeps its models in this test."""
    return tmp_path / "echocli-data" / "models"


@pytest.fixture
def nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program see no model but those of the test and of installed packages."""
    for name in ("HOME", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Return ``make(*texts, **keys) -> options`` for a provider that says ``texts`` in turn."""

    def make(*texts: str, **keys: Any) -> list[str]:
        path = tmp_path / "script.json"
        path.write_text(json.dumps({"texts": texts or ("Hello there.",)} | keys), encoding="utf-8")
        return ["--provider", "scripted", "--model", str(path)]

    return make


@pytest.fixture
def start_echocli(tmp_path: Path) -> Iterator[Start]:
    """Return ``start(*args, prefix=(), **popen) -> Running``; it is killed if it runs at the end.

    ``prefix`` is a command that becomes the one behind it.
    """
    started: list[Running] = []

    def start(*args: str | Path, prefix: Sequence[str] = (), **options: Any) -> Running:
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE} | options
        # Ignored in a background job, and then in the child too.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "echocli", *map(str, args)],
                stderr=subprocess.PIPE,
                start_new_session=True,
                env=clean_environment(tmp_path),
                **pipes,
            )
        finally:
            signal.signal(signal.SIGINT, before)
        started.append(Running(process))
        return started[-1]

    yield start
    for running in started:
        running.process.kill()
        running.process.communicate()


@pytest.fixture
def long_file(tmp_path: Path, samples: Path) -> Path:
    """Return a quarter of an hour of speech."""
    import numpy as np
    import soundfile

    sound, rate = soundfile.read(samples / "meeting.flac", dtype="int16")
    path = tmp_path / "long.flac"
    soundfile.write(path, np.tile(sound, 45), rate)
    return path


@pytest.fixture(scope="session")
def wav_bytes(samples: Path) -> bytes:
    """Return the sample with pauses as a WAV file of 16-bit PCM."""
    import io

    import soundfile

    sound, rate = soundfile.read(samples / "pauses.flac", dtype="int16")
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
