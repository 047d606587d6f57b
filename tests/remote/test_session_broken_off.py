"""A remote session that is interrupted while it ends: what has no text is kept all the same."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from echocli import RemoteSession
from echocli.audio.capture import Capture, Sink
from echocli.environment import Environment
from echocli.events import Event
from echocli.interrupts import Interrupts
from tests.remote.fake import speech

pytestmark = [pytest.mark.network, pytest.mark.unit]

SECONDS = 8


@pytest.fixture(autouse=True)
def _temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


class HeldDown(Interrupts):
    """A Ctrl-C that goes on while a session ends."""

    pressed = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        with super().held():
            self.press()
            yield
            self.press()

    def press(self) -> None:
        self.pressed += 1
        self.interrupt(100.0 * self.pressed)


class Unruly:
    """A source in whose ``stop`` the handler of another program raises."""

    def __init__(self, capture: Capture) -> None:
        self.name = capture.name
        self._capture = capture

    def start(self, sink: Sink) -> None:
        self._capture.start(sink)

    def stop(self) -> None:
        self._capture.stop()
        raise KeyboardInterrupt


def away(environment: Environment | None = None) -> RemoteSession:
    """Return a session whose server is not there."""
    sound = iter([speech(1, SECONDS)])
    return RemoteSession.connect("ws://127.0.0.1:9", sound, environment=environment)


def heard(session: RemoteSession) -> Generator[Event]:
    """Iterate until all sound is there."""
    events = iter(session)
    assert isinstance(events, Generator)
    while session.position < SECONDS:
        next(events)
    return events


def assert_kept(session: RemoteSession, folder: Path) -> None:
    (file,) = folder.glob("echocli-*/*.wav")
    sound, _ = soundfile.read(file, dtype="float32")
    assert np.array_equal(sound, speech(1, SECONDS))
    assert session.kept == (file.parent, SECONDS)


def test_a_key_that_is_held_down_does_not_break_it_off(tmp_path: Path) -> None:
    interrupts = HeldDown()
    with away(Environment(interrupts=interrupts)) as session:
        heard(session).close()
    assert interrupts.pressed == 2
    assert_kept(session, tmp_path)


def test_an_interruption_that_is_raised_in_it_comes_when_the_sound_is_kept(
    tmp_path: Path,
) -> None:
    with away() as session:
        session.sources[0] = Unruly(session.sources[0])
        events = heard(session)
        with pytest.raises(KeyboardInterrupt):
            events.close()
    assert_kept(session, tmp_path)
