"""How ``live --remote`` ends where the server hangs: what has no text is kept."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from websockets.sync.server import ServerConnection

from echocli.remote.outbox import to_pcm
from tests.cli.conftest import Running, Start
from tests.remote.fake import Fake, running, speech
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.unit, pytest.mark.network]

SECONDS = 8
ON_THE_WAY = 6.0
"""Seconds of sound that may be in the pipe or half read when a signal comes: 64 KB hold two."""

KEPT = re.compile(r"(\d+\.\d) s of (?:speech|sound).* kept in (\S+)")


class Hanging(Fake):
    """A server that hangs at the first frame, so that it does not even say goodbye."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs, self.goes_on = threading.Event(), threading.Event()
        self.mishap = self.hang

    def handle(self, connection: ServerConnection) -> None:
        self.connection = connection
        super().handle(connection)

    def hang(self, _: int, frames: int) -> None:
        if frames:
            with self.connection.protocol_mutex:
                self.hangs.set()
                self.goes_on.wait(2 * PATIENCE)


@pytest.fixture
def program(start_echocli: Start) -> Iterator[Running]:
    """Yield the program with sound whose server hangs."""
    fake = Hanging()
    with running(fake) as port:
        where = f"ws://127.0.0.1:{port}"
        started = start_echocli("live", "-", "--remote", where, stdin=subprocess.PIPE)
        started.write(to_pcm(speech(1, SECONDS)))
        assert fake.hangs.wait(PATIENCE)
        yield started
        fake.goes_on.set()


def test_a_key_that_is_held_down_costs_no_sound(program: Running) -> None:
    while program.process.poll() is None:
        program.signal_group(signal.SIGINT)
        time.sleep(0.05)
    code, _, err = program.end()
    assert code == 130
    assert kept(err) >= SECONDS - ON_THE_WAY


def kept(said: str) -> float:
    """Return how many seconds of sound are where the last lines say."""
    found = KEPT.search(said)
    assert found is not None, said
    (file,) = Path(found[2]).glob("*.wav")
    info = soundfile.info(file)
    assert float(found[1]) == pytest.approx(info.duration, abs=0.1)
    return float(info.duration)
