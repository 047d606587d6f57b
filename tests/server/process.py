"""The real server as a process: started, watched, asked, killed and started again."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.cli.conftest import arguments
from tests.conftest import clean_environment
from tests.waiting import PATIENCE, eventually

ADDRESS = re.compile(r"(https?)://([\w.\[\]:]+?):(\d+)")
"""How the program says where it can be reached."""

MB = 2**20


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


class ServerProcess:
    """``echocli serve`` with these options, in a process group of its own.

    It is started by :meth:`start` and must be ended by :meth:`close`. The port of the first start
    is that of every later one. ``program`` is another server, as words behind ``python``.
    """

    def __init__(
        self,
        home: Path,
        *options: str | Path,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "echocli", "serve"),
    ) -> None:
        self.port = 0
        self._program = program
        self._options = options
        self.environ = clean_environment(home) | dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self.process.pid

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process itself."""
        assert self._process is not None, "not started"
        return self._process

    @property
    def url(self) -> str:
        """Where it answers HTTP."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def stderr(self) -> str:
        """What it wrote to standard error so far, over all starts."""
        return "".join(self._lines)

    def start(self) -> None:
        """Start it and wait for the line that says where it is; the model may not be ready then."""
        read = len(self._lines)
        self._process = subprocess.Popen(
            [sys.executable, *self._program, "--port", str(self.port), *map(str, self._options)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=self.environ,
        )
        self._reader = threading.Thread(target=self._read, args=[self._process], daemon=True)
        self._reader.start()
        eventually(lambda: self._told(read) is not None or not self._reading)
        port = self._told(read)
        if port is None:
            self.close()
            raise AssertionError(f"it ended with {self.process.returncode}: {self.stderr}")
        self.port = port

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self._lines.append(line.decode("utf-8", "replace"))

    @property
    def _reading(self) -> bool:
        return self._reader is not None and self._reader.is_alive()

    def _told(self, since: int) -> int | None:
        found = ADDRESS.search("".join(self._lines[since:]))
        return int(found[3]) if found else None

    def get(
        self, path: str, *, token: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask for a path; raise ``OSError`` where nobody answers."""
        return self.ask("GET", path, token=token, headers=headers)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request over a connection of its own."""
        given = dict(headers or {})
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers.items()), answer.read())
        finally:
            connection.close()

    def transcribe(self, sound: bytes, **fields: str) -> Answer:
        """Upload a WAV file for transcription; the model is the one that serves."""
        body, headers = multipart(sound, {"model": "whisper-1"} | fields)
        return self.ask("POST", "/v1/audio/transcriptions", body, headers=headers)

    def health(self) -> Answer | None:
        """Ask how it is; ``None`` where nobody answers."""
        try:
            return self.get("/health")
        except OSError:
            return None

    def wait_ready(self) -> None:
        """Wait until the model is warm."""
        eventually(lambda: (it := self.health()) is not None and it.status == 200)

    def workers(self) -> list[psutil.Process]:
        """Return the processes that hold models."""
        children = psutil.Process(self.pid).children(recursive=True)
        return [one for one in children if "worker_process" in " ".join(arguments(one))]

    def memory_mb(self) -> tuple[float, float]:
        """Return the resident memory of the server, and of its workers together."""
        own = psutil.Process(self.pid).memory_info().rss / MB
        return own, sum(resident_mb(one) for one in self.workers())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server alone."""
        self.process.send_signal(number)

    def kill(self) -> list[psutil.Process]:
        """Kill it with SIGKILL; return its orphans, which end by themselves."""
        orphans = psutil.Process(self.pid).children(recursive=True)
        self.process.kill()
        self._gather()
        return orphans

    def terminate(self, limit: float = PATIENCE) -> int:
        """Ask it to end with SIGTERM; return its exit code."""
        self.process.terminate()
        self.process.wait(limit)
        self._gather()
        return self.process.returncode

    def close(self) -> None:
        """Leave nothing running."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self.kill()
        self._gather()

    def _gather(self) -> None:
        self.process.wait()
        if self._reader is not None:
            self._reader.join(10)
        if self.process.stderr is not None and not self._reading:
            self.process.stderr.close()

    def wait_until(self, limit: float, status: int) -> float:
        """Wait until ``/health`` has a status; return the seconds that took."""
        begun = time.monotonic()
        while (it := self.health()) is None or it.status != status:
            assert time.monotonic() - begun < limit, f"no {status} within {limit:g} s: {it}"
            time.sleep(0.01)
        return time.monotonic() - begun


def multipart(sound: bytes, fields: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """Return the body of a form with a file, and its headers (RFC 7578)."""
    mark = "a-line-that-no-sound-holds"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    file = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    body = b"".join([*parts, file.encode(), sound, f"\r\n--{mark}--\r\n".encode()])
    return body, {"Content-Type": f"multipart/form-data; boundary={mark}"}


def resident_mb(process: psutil.Process) -> float:
    """Return the resident memory of a process, 0 where it has just ended."""
    try:
        return float(process.memory_info().rss) / MB
    except psutil.Error:
        return 0.0
