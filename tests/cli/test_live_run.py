"""What a live run tells when it ends, however it ends; the session is played."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pytest

from echocli.api.live_sources import Wanted
from echocli.api.wishes import choose
from echocli.audio.capture import Capture
from echocli.cli.live_run import Running, Session, run_live
from echocli.errors import EchoError, ExitCode, TranscriptionError
from echocli.events import Event, Final
from echocli.output.console import Console
from echocli.output.stdout import ReaderGone
from echocli.providers.base import LoadSpec
from echocli.types import Segment
from tests.output.screen import Streams

pytestmark = pytest.mark.unit

LOST = "the connection is lost, 4.0 s of sound are kept in /there"


class Played(Session):
    """A session with one final, and its run; it ends as it is told to, and then has an error."""

    position = 1.0
    load: float | None = None
    latency_ms: float | None = None
    level = "NORMAL"
    listening = True

    def __init__(self, end: BaseException | None = None) -> None:
        self.chosen = choose({}, Streams(), config=False, profile=None)
        self.kept: tuple[Path, float] | None = None
        self.sources: list[Capture] = []
        self._failed: list[EchoError] = []
        self.discarded = False
        self._end = end

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    @property
    def running(self) -> Running:
        return self

    @property
    def spec(self) -> LoadSpec:
        return LoadSpec("p", "m", "/m")

    @property
    def errors(self) -> list[EchoError]:
        return self._failed

    def __iter__(self) -> Iterator[Event]:
        try:
            yield Final(Segment(0, 0.0, 1.0, " one"))
            if self._end is not None:
                raise self._end
        finally:
            if not self.discarded:
                self.kept = Path("/here"), 2.0
            self._failed.append(TranscriptionError(LOST))

    def stop(self, *, catch_up: bool = True) -> None:
        raise AssertionError(f"nobody pressed a key: {catch_up}")

    def discard(self) -> None:
        self.discarded = True


class Unread(io.StringIO):
    """A pipe whose reader went away."""

    def write(self, _text: str, /) -> int:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def run(streams: Streams, session: Played) -> ExitCode:
    return run_live(streams, Console(streams), session, Wanted(stream="-"), ("txt",))


def test_what_went_wrong_is_told_and_makes_it_a_failure() -> None:
    streams = Streams()
    assert run(streams, Played()) == ExitCode.FAILED
    assert streams.out.getvalue() == "one\n"
    assert LOST in streams.err.getvalue()


@pytest.mark.parametrize("end", [KeyboardInterrupt(), TranscriptionError("no model")])
def test_where_sound_is_kept_is_told_whatever_breaks_it_off(end: BaseException) -> None:
    streams = Streams()
    with pytest.raises(type(end)):
        run(streams, Played(end))
    assert "2.0 s of speech that was not decoded are kept in /here" in streams.err.getvalue()
    assert LOST in streams.err.getvalue()


def test_nothing_is_kept_for_a_reader_that_went_away_but_what_is_wrong_is_told() -> None:
    streams, session = Streams(out=Unread()), Played()
    with pytest.raises(ReaderGone):
        run(streams, session)
    assert "/here" not in streams.err.getvalue()
    assert LOST in streams.err.getvalue()
