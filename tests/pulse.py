"""A sound server of the tests' own: a microphone without hardware.

PulseAudio runs with its state in a temporary folder. A *sink* made here swallows what is played
into it and its *monitor* is a source, so whatever listens to the server hears what a test plays.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from echocli.types import SAMPLE_RATE, Samples

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 30.0
"""Seconds for what will surely happen; only a defect waits that long."""

ALSA = "pcm.!default { type pulse }\npcm.pulse { type pulse }\nctl.!default { type pulse }\n"
PLUGIN = "alsa-lib/libasound_module_pcm_pulse.so"


def missing_parts() -> list[str]:
    """Return what has to be installed before a server can be started and heard."""
    missing = [name for name in ("pulseaudio", "paplay", "pactl") if shutil.which(name) is None]
    if find_library("portaudio") is None:
        missing.append("libportaudio2")
    libraries = (Path("/usr/lib"), Path("/usr/lib64"))
    if not any(any(folder.glob(f"{deep}{PLUGIN}")) for folder in libraries for deep in ("", "*/")):
        missing.append("libasound2-plugins")
    return missing


class Pulse:
    """A running server; ``env`` are the variables that lead a process to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "run"),
            "PULSE_STATE_PATH": str(folder / "state"),
            "PULSE_SERVER": f"unix:{folder / 'socket'}",
        }
        self._modules: dict[str, str] = {}

    def control(self, *args: str) -> str:
        """Run ``pactl`` and return what it prints."""
        done = subprocess.run(
            ["pactl", *args], env=os.environ | self.env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def add_sink(self, name: str, rate: int = 48_000, channels: int = 2) -> None:
        """Make a sink, and the source ``NAME.monitor`` with it."""
        self._modules[name] = self.control(
            "load-module",
            "module-null-sink",
            f"sink_name={name}",
            f"rate={rate}",
            f"channels={channels}",
        )

    def remove_sink(self, name: str) -> None:
        """Take a sink away; what listens to its monitor loses it, or is moved to another."""
        self.control("unload-module", self._modules.pop(name))

    def start_playing(self, path: Path, sink: str) -> subprocess.Popen[bytes]:
        """Play a file into a sink and return at once."""
        command = ["paplay", f"--device={sink}", "--latency-msec=500", str(path)]
        return subprocess.Popen(command, env=os.environ | self.env, stdin=subprocess.DEVNULL)

    def play(self, path: Path, sink: str) -> float:
        """Play a file to its end; return the clock when it began."""
        began = time.perf_counter()
        assert self.start_playing(path, sink).wait(PATIENCE) == 0
        return began

    def tone(self, frequency: float, seconds: float) -> Path:
        """Write a tone to a file that can be played."""
        path = self.folder / f"{frequency:g}-{seconds:g}.wav"
        wave = np.sin(2 * np.pi * frequency * np.arange(round(seconds * 48_000)) / 48_000)
        soundfile.write(path, 0.3 * wave, 48_000, subtype="PCM_16")
        return path


@contextmanager
def running() -> Iterator[Pulse]:
    """Start a server with one sink, ``first``, and end it afterwards."""
    # Short, because the path of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="pulse") as name:
        pulse = Pulse(Path(name))
        (pulse.folder / ".asoundrc").write_text(ALSA)
        with (pulse.folder / "log").open("wb") as log:
            socket = pulse.folder / "socket"
            process = subprocess.Popen(
                [
                    "pulseaudio",
                    "-n",
                    "--daemonize=no",
                    "--system=no",
                    "--use-pid-file=no",
                    "--exit-idle-time=-1",
                    "-L",
                    f"module-native-protocol-unix auth-anonymous=1 socket={socket}",
                ],
                env={**os.environ, **pulse.env, "PULSE_SERVER": ""},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            _wait_until_it_answers(pulse, process)
            pulse.add_sink("first")
            yield pulse
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _wait_until_it_answers(pulse: Pulse, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            pulse.control("info")
        except subprocess.CalledProcessError:
            alive = process.poll() is None and time.monotonic() < deadline
            assert alive, (pulse.folder / "log").read_text()
        else:
            return


class Listener:
    """A process that captures with a :class:`Microphone` and tells what it hands on.

    See ``tests/listening.py``; a process of its own, because PortAudio and libpulse read their
    variables once.
    """

    def __init__(self, env: Mapping[str, str], *devices: str) -> None:
        self.items: list[dict[str, Any]] = []
        self._rest = b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.listening", *devices],
            cwd=ROOT,
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def wait_for(self, **facts: object) -> dict[str, Any]:
        """Return the first new item with these facts."""
        while True:
            item = self._next()
            assert item is not None, self._process.communicate()
            if facts.items() <= item.items():
                return item

    def stop(self) -> str:
        """End capturing, read all there is to read, and return what was on stderr."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        while self._next():
            pass
        self._process.wait(PATIENCE)
        assert self._process.stderr is not None
        return self._process.stderr.read().decode()

    def kill(self) -> None:
        """End the process, whatever state it is in."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def of(self, kind: str, name: str = "mic") -> list[dict[str, Any]]:
        """Return the items of one kind and one microphone."""
        return [it for it in self.items if it["item"] == kind and it["name"] == name]

    def sound(self, name: str = "mic") -> Samples:
        """Return all that was captured, with silence for what was missing."""
        parts = [
            np.frombuffer(base64.b64decode(it["data"]), np.float32)
            if it["item"] == "Captured"
            else np.zeros(it["samples"], np.float32)
            for it in self.items
            if it["name"] == name and it["item"] in ("Captured", "Missing")
        ]
        return np.concatenate(parts)

    def slips(self, name: str = "mic") -> list[float]:
        """Return by how much position and clock differ at each block, in seconds, least 0."""
        position, found = 0, []
        for it in self.items:
            if it["name"] == name and it["item"] in ("Captured", "Missing"):
                position += it["samples"]
                if it["item"] == "Captured":
                    found.append(it["time"] - position / SAMPLE_RATE)
        return [slip - min(found) for slip in found]

    def _next(self) -> dict[str, Any] | None:
        """Return the next item, ``None`` at the end."""
        assert self._process.stdout is not None
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
            assert ready, "nothing more within the deadline"
            data = os.read(self._process.stdout.fileno(), 1 << 16)
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        self.items.append(json.loads(line))
        return self.items[-1]


@dataclass(frozen=True, slots=True)
class Tone:
    """A tone found in sound: where, in seconds, and its frequency in Hz."""

    start: float
    end: float
    frequency: float


def find_tones(sound: Samples) -> list[Tone]:
    """Return the tones of a recording that is silent otherwise."""
    step = SAMPLE_RATE // 100
    loud = np.abs(sound[: len(sound) // step * step]).reshape(-1, step).max(axis=1) > 0.05
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(int)))
    return [_tone(sound, start * step, end * step) for start, end in edges.reshape(-1, 2)]


def _tone(sound: Samples, start: int, end: int) -> Tone:
    spectrum = np.abs(np.fft.rfft(sound[start:end] * np.hanning(end - start)))
    frequency = float(np.argmax(spectrum) * SAMPLE_RATE / (end - start))
    return Tone(start / SAMPLE_RATE, end / SAMPLE_RATE, frequency)
