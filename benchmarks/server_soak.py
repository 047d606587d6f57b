"""An hour of sessions, uploads and disconnects on one server: does its memory stay flat?

::

    make soak-server
    python -m benchmarks.server_soak --hours 0.25

Three clients play recordings at their own speed, over and over: one over a quiet network, one over
a proxy that cuts, stalls, delays and truncates, one that goes away in the middle and never comes
back. Beside them files are uploaded, some of them broken off, and nonsense is sent. Once a minute
the memory of the server and of its worker is looked at.

Exits with 1 when, after ten minutes, the memory of a process grows by 5 MB or more an hour, a
session that stayed did not hear every sample, or the server does not end in order.
"""

from __future__ import annotations

import argparse
import random
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import soak_slopes, tables, weights
from benchmarks.rounds import tell
from benchmarks.soak_findings import HOUR, Found, Look
from tests.server.clients import LiveClient, Where, play
from tests.server.material import Talk, talks, wav_of
from tests.server.process import ServerProcess, multipart
from tests.server.proxy import plan, proxying

SECONDS = 40.0
"""Of sound in a session."""

PATIENCE = 120.0
EVERY = 60.0
"""Seconds between two looks."""

UPLOAD_EVERY = 5.0
SAMPLED_EVERY = 20
"""Uploads of which one is decoded at a temperature."""

SEED = 5


@dataclass(slots=True)
class Counts:
    """What was done so far, and what went wrong."""

    sessions: int = 0
    resumed: int = 0
    left: int = 0
    """Sessions that were left in the middle."""
    uploads: int = 0
    broken: int = 0
    """Uploads and nonsense that were broken off."""
    wrong: list[str] = field(default_factory=list)


class ServerSoak:
    """Everything that is done to one server, in threads of its own each."""

    def __init__(self, server: ServerProcess, seconds: float) -> None:
        self.counts = Counts()
        self._server = server
        self._end = time.monotonic() + seconds
        self._talks = talks(3, SECONDS, spoken=True)
        self._chance = random.Random(SEED)

    def run(self, seconds: float) -> Found:
        """Do it all and look at the memory now and then."""
        found = Found(period=EVERY)
        with proxying(self._server.port, plan(SEED, seconds)) as proxy:
            threads = [
                threading.Thread(target=self._again, args=[what])
                for what in (
                    lambda: self._stay(lambda: self._server.port, self._talks[0]),
                    lambda: self._stay(lambda: proxy.port, self._talks[1]),
                    self._leave,
                    self._upload,
                )
            ]
            for thread in threads:
                thread.start()
            self._watch(found, threads)
        return found

    def _again(self, what: Callable[[], None]) -> None:
        while time.monotonic() < self._end:
            try:
                what()
            except Exception as error:  # whatever it is, the run goes on and tells of it
                self.counts.wrong.append(repr(error))
                time.sleep(1.0)

    def _watch(self, found: Found, threads: Sequence[threading.Thread]) -> None:
        begun = time.monotonic()
        while any(thread.is_alive() for thread in threads):
            own, workers = self._server.memory_mb()
            at = time.monotonic() - begun
            found.looks.append(Look(at, own, workers, {}))
            tell(f"{at / 60:.0f} min: server {own:.1f} MB, worker {workers:.1f} MB, {self.counts}")
            deadline = time.monotonic() + EVERY
            while time.monotonic() < deadline and any(thread.is_alive() for thread in threads):
                time.sleep(0.5)

    def _stay(self, where: Where, talk: Talk) -> None:
        """Play a recording to its end."""
        client = LiveClient(where, {"mic": talk.pcm})
        (account,) = play([client], SECONDS + PATIENCE)
        self.counts.sessions += 1
        self.counts.resumed += account.resumed
        if not account.over or account.faults or account.received != {"mic": len(talk.pcm)}:
            state = (account.over, account.faults, account.received, account.refusals[-2:])
            self.counts.wrong.append(f"a session is not whole: {state}")

    def _leave(self) -> None:
        """Begin to play, and go away in the middle."""
        client = LiveClient(lambda: self._server.port, {"mic": self._talks[2].pcm})
        play([client], self._chance.uniform(3.0, 15.0))
        self.counts.left += 1

    def _upload(self) -> None:
        """Have a file transcribed, break one off, and send nonsense."""
        sound = wav_of(self._talks[2].pcm[: 16_000 * 10])
        # Sampling takes an instance of the model of its own for a while; what that leaves is to
        # be there before the memory is compared.
        sampled = self.counts.uploads % SAMPLED_EVERY == 0
        answer = self._server.transcribe(
            sound, language="en", **({"temperature": "0.4"} if sampled else {})
        )
        if answer.status not in (200, 429, 503):
            self.counts.wrong.append(f"an upload was answered with {answer.status}")
        self.counts.uploads += 1
        body, headers = multipart(sound, {"model": "whisper-1"})
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        begun = f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}"
        self._send(f"{begun}Content-Length: {len(body)}\r\n\r\n".encode() + body[:50_000])
        self._send(self._chance.randbytes(3000))
        time.sleep(UPLOAD_EVERY)

    def _send(self, data: bytes) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._server.port)) as taken:
            taken.sendall(data)
        self.counts.broken += 1


def report(found: Found, counts: Counts) -> list[str]:
    """Print what was found and return what is wrong."""
    heads = ("minute", "server MB", "worker MB")
    rows = [
        [f"{look.position / 60:.0f}", f"{look.parent_mb:.1f}", f"{look.worker_mb:.1f}"]
        for look in found.looks
    ]
    print(tables.table(heads, rows))
    print(f"\n{counts}\n")
    return soak_slopes.report(found) + counts.wrong


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Does the server grow in an hour of everything?")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--model-dir", type=Path, metavar="DIR", help="look for tiny.en here first")
    return parser.parse_args(words)


def main() -> int:
    """Soak a server and tell whether all went well."""
    given = parse()
    model = weights.locate("tiny.en", given.model_dir)
    with tempfile.TemporaryDirectory() as home:
        options = ("-m", str(model), "--language", "en", "--keep-seconds", "20")
        server = ServerProcess(Path(home), *options)
        server.start()
        try:
            server.wait_ready()
            soaking = ServerSoak(server, given.hours * HOUR)
            found = soaking.run(given.hours * HOUR)
            code = server.terminate()
        finally:
            server.close()
        wrong = report(found, soaking.counts)
        if code or "Traceback" in server.stderr:
            wrong.append(f"the server ended with {code}: {server.stderr[-2000:]}")
    print("".join(f"FAILED: {what}\n" for what in wrong) or "Nothing grew and nothing was lost.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
