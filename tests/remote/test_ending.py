"""The end of a session to which the server did not say the last word."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

import pytest

from echocli.audio.file import FileSource
from echocli.audio.playback import Playback
from echocli.clock import SystemClock
from echocli.errors import EchoError
from echocli.events import DISCARDED, End, Gap, StatsEvent
from echocli.remote import ending
from echocli.remote.actions import Connect
from echocli.remote.policy import Loss
from echocli.types import SAMPLE_RATE, Span
from echocli.wire.messages import Numbered
from tests.remote.network import Network, network

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def refused(played: Network) -> None:
    """Have nobody answer, and give up."""
    for action in step(played):
        if isinstance(action, Connect):
            played.core.lost(Loss("Connection refused"), played.now)
    for place, _ in enumerate(played.core.courses):
        played.core.over(place)


def step(played: Network) -> list[object]:
    played.core.tick(played.now)
    return list(played.core.take())


def left(played: Network) -> list[EchoError]:
    return ending.left(played.core, played.spool, "host", "ws://host", in_file=False)[0]


def test_what_has_no_text_is_a_gap_of_each_source_before_the_figures() -> None:
    with network("mic", "system", retries=0) as played:
        played.core.missing(1, 2 * SAMPLE_RATE)  # it begins later: nothing is missing before
        played.capture(5)
        refused(played)
        assert ending.last_words(played.core, None) == [
            Gap(0.0, 5.0, "remote: Connection refused", "mic"),
            Gap(2.0, 7.0, "remote: Connection refused", "system"),
            StatsEvent({"audio_seconds": 7.0, "lost_seconds": 10.0}),
            End(7.0, None),
        ]


def test_what_is_not_read_any_more_of_a_file_is_a_gap_too(samples: Path) -> None:
    with network(retries=0) as played:
        refused(played)
        source = FileSource(samples / "meeting.flac")
        with source:
            file = Playback(source, name="mic", pace=False, clock=SystemClock())
            ending.pass_over(played.core, [file])
        gap, _, end = ending.last_words(played.core, None)
        assert gap == Gap(0.0, 21.125, "remote: Connection refused", "mic")
        assert end == End(21.125, None)


def test_only_what_comes_behind_all_texts_is_one() -> None:
    with network(retries=0) as played:
        played.capture(3)
        played.step()
        played.capture(2)
        played.cut()
        gaps = [one for one in ending.last_words(played.core, None) if isinstance(one, Gap)]
        assert gaps == [Gap(3.0, 5.0, "remote: it broke off", "mic")]


def test_what_was_put_aside_gets_no_text_any_more() -> None:
    with network(retries=0) as played:
        played.capture(10)
        refused(played)
        (course,) = played.core.courses
        course.pending.add(Span(2 * SAMPLE_RATE, 6 * SAMPLE_RATE))
        course.last_end = 9 * SAMPLE_RATE
        gaps = [one for one in ending.last_words(played.core, None) if isinstance(one, Gap)]
        assert gaps == [
            Gap(2.0, 6.0, f"{DISCARDED}: Connection refused", "mic"),
            Gap(9.0, 10.0, "remote: Connection refused", "mic"),
        ]


def test_figures_are_told_once_where_the_connection_breaks_before_the_end() -> None:
    with network(retries=0) as played:
        played.capture(2)
        played.step()
        played.core.over(0)
        talk, played.talk = played.talk, None
        step(played)  # `finish` goes out
        assert talk is not None
        played.tell(Numbered(len(talk.numbered) + 1, StatsEvent({"figures": 1})))
        played.act()
        played.cut()
        assert played.core.done
        last = ending.last_words(played.core, None)
        told = [one for one in [*played.events, *last] if isinstance(one, StatsEvent | End)]
        assert told == [StatsEvent({"figures": 1}), End(2.0, None)]


def test_a_connection_that_never_was_is_not_called_lost() -> None:
    with network(retries=0) as played:
        played.capture(5)
        refused(played)
        (error,) = left(played)
        assert str(error).startswith("host: Connection refused; 5.0 s of sound without text")


def test_where_the_sound_has_no_room_it_is_said_what_is_kept_and_what_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with network(retries=0) as played:
        played.capture(70)
        refused(played)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        why, error = left(played)
        spool = played.spool.directory
        assert str(why) == "host: Connection refused"
        assert str(error).endswith(
            f"30.0 s of sound without text are kept in {spool}, 40.0 s are lost"
        )
        assert error.hint == f"send it later: echocli transcribe {spool}/*.wav --remote ws://host"


def test_what_is_to_be_typed_later_is_one_word_for_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my sound"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with network(retries=0) as played:
        played.capture(5)
        refused(played)
        (error,) = left(played)
    assert error.hint is not None
    words = shlex.split(error.hint.removeprefix("send it later: "))
    assert words[:2] + words[3:] == ["echocli", "transcribe", "--remote", "ws://host"]
    assert Path(words[2]).is_file()
