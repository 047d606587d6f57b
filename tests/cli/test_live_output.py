"""Where the events of a live run go when the machine is too slow for them."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from echocli.cli.live_output import LiveOutput, outputs
from echocli.events import Backfill, End, Event, Failover, Final, Gap, Level, Ready
from echocli.output.console import Console
from echocli.output.live_view import LiveFigures
from echocli.output.stdout import ReaderGone
from echocli.output.subtitles import WriteOptions
from echocli.providers.base import LoadSpec
from echocli.types import Segment
from tests.output.room import at_most, needs_limits
from tests.output.screen import Streams

pytestmark = pytest.mark.unit

SPEC = LoadSpec("p", "m", "/m")
FIGURES = LiveFigures(20.0, 1.3, 2000.0, "EMERGENCY")
KEPT = Gap(5.0, 7.0, "spooled: the machine is too slow", "mic")
EVENTS: tuple[Event, ...] = (
    Ready("mic", "p", "m"),
    Level("NORMAL", "EMERGENCY", "RTF 1.30", 1.3, 3.0, ("no partials",), 4.0),
    Final(Segment(0, 1.0, 3.0, " first", source="mic")),
    KEPT,
    Final(Segment(2, 9.0, 11.0, " third", source="mic")),
    Failover("p:m", "p:n", "died", 2.0),
    Backfill(Segment(1, 5.5, 7.0, " second", source="mic")),
    End(12.0, None),
)


@contextmanager
def output_to(
    env: Streams, directory: Path | None, *formats: str, quiet: bool = False
) -> Iterator[LiveOutput]:
    layout, console = WriteOptions(), Console(env, quiet=quiet)
    with outputs(env, console, ["mic"], formats, directory, layout, lambda: SPEC) as output:
        yield output


def play(output: LiveOutput, *events: Event) -> None:
    for event in events:
        output.event(event, FIGURES)


def only(directory: Path, name: str) -> Path:
    (path,) = directory.glob(f"*.{name}")
    return path


def test_all_formats_hold_a_backfill_where_it_belongs(tmp_path: Path) -> None:
    with output_to(Streams(), tmp_path, "all") as output:
        play(output, *EVENTS)
        assert only(tmp_path, "txt").read_text() == "first\nthird\n[0:05] second\n"
        output.close()
    assert only(tmp_path, "txt").read_text() == "first\nsecond\nthird\n"
    found = json.loads(only(tmp_path, "json").read_text())
    assert [segment["id"] for segment in found["segments"]] == [0, 1, 2]
    assert found["text"].split() == ["first", "second", "third"]
    lines = [json.loads(line) for line in only(tmp_path, "jsonl").read_text().splitlines()]
    assert [line["type"] for line in lines] == [event.type for event in EVENTS]
    for name in ("srt", "vtt", "tsv", "lrc"):
        text = only(tmp_path, name).read_text()
        assert text.index("first") < text.index("second") < text.index("third")


@pytest.mark.parametrize("name", ["srt", "vtt", "tsv", "lrc", "jsonl"])
def test_stream_on_stdout_gets_a_backfill_when_it_comes(name: str) -> None:
    env = Streams()
    with output_to(env, None, name) as output:
        play(output, *EVENTS)
        output.close()
    assert env.out.getvalue().index("third") < env.out.getvalue().index("second")


def test_text_on_stdout_says_where_a_backfill_belongs() -> None:
    env = Streams()
    with output_to(env, None, "txt") as output:
        play(output, *EVENTS)
        output.close()
    assert env.out.getvalue() == "first\nthird\n[0:05] second\n"


def test_files_that_cannot_be_finished_are_told_and_stop_nothing(tmp_path: Path) -> None:
    env = Streams()
    with output_to(env, tmp_path, "srt", "txt") as output:
        play(output, *EVENTS)
        srt = only(tmp_path, "srt")
        srt.rename(tmp_path / "kept")
        srt.mkdir()
        output.close()
    assert [str(error) for error in output.errors] == [f"cannot write {srt}: Is a directory"]
    assert env.err.getvalue().count("Is a directory") == 1
    assert only(tmp_path, "txt").read_text() == "first\nsecond\nthird\n"


@needs_limits
def test_a_file_that_cannot_be_written_stops_no_other_and_is_told_at_once(tmp_path: Path) -> None:
    env = Streams()
    with output_to(env, tmp_path, "json", "txt", quiet=True) as output:
        play(output, EVENTS[0])
        with at_most(100):
            play(output, EVENTS[2], EVENTS[4])
            told = env.err.getvalue()
            output.close()
    json_file = only(tmp_path, "json.part").with_suffix("")
    first = told.splitlines()
    assert first[0] == (
        f"echocli: error: cannot write {json_file}: File too large; "
        "going on without it until that works again"
    )
    assert "choose another place with --output-dir" in first[1]
    assert len(first) == 2
    assert env.err.getvalue().removeprefix(told).count("\n") == 1
    assert "File too large" not in env.err.getvalue().removeprefix(told)
    assert len(output.errors) == 1
    assert only(tmp_path, "txt").read_text() == "first\nthird\n"
    assert env.out.getvalue() == ""


@needs_limits
def test_text_goes_to_stdout_when_no_file_can_be_written(tmp_path: Path) -> None:
    env = Streams()
    with output_to(env, tmp_path, "json", "txt") as output:
        play(output, *EVENTS[:3])
        with at_most(6):
            play(output, EVENTS[4])
            assert env.out.getvalue() == "third\n"
        output.close()
    assert output.errors == []
    assert "no file can be written: from here on the text goes to standard output" in (
        env.err.getvalue()
    )
    assert env.err.getvalue().count("is written again and lacks nothing") == 2
    assert only(tmp_path, "txt").read_text() == "first\nthird\n"
    assert len(json.loads(only(tmp_path, "json").read_text())["segments"]) == 2


@needs_limits
def test_a_file_that_can_be_written_again_is_told_too(tmp_path: Path) -> None:
    env = Streams()
    with output_to(env, tmp_path, "txt") as output:
        play(output, EVENTS[0])
        with at_most(2):
            play(output, EVENTS[2])
        play(output, EVENTS[4])
        output.close()
    txt = only(tmp_path, "txt")
    assert f"notice: {txt} is written again and lacks nothing" in env.err.getvalue()
    assert txt.read_text() == "first\nthird\n"


class NoRoom(io.StringIO):
    """A stream to a disk that is full."""

    def write(self, _text: str, /) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@needs_limits
def test_a_run_goes_on_where_its_text_can_go_nowhere(tmp_path: Path) -> None:
    env = Streams(out=NoRoom())
    with output_to(env, tmp_path, "txt") as output:
        play(output, EVENTS[0])
        with at_most(2):
            play(output, EVENTS[2], EVENTS[4])
        output.close()
    assert only(tmp_path, "txt").read_text() == "first\nthird\n"


def break_off(env: Streams, error: BaseException) -> None:
    """Raise in the middle of a run, while speech is kept for later."""
    with output_to(env, None, "jsonl") as output:
        play(output, EVENTS[0], KEPT)
        raise error


def test_speech_that_is_kept_is_not_lost_in_silence_when_somebody_is_impatient() -> None:
    env = Streams()
    with pytest.raises(KeyboardInterrupt):
        break_off(env, KeyboardInterrupt())
    assert "no text for 2.0 s of speech that was kept for later" in env.err.getvalue()


def test_reader_that_went_away_is_left_in_peace() -> None:
    env = Streams()
    with pytest.raises(ReaderGone):
        break_off(env, ReaderGone())
    assert "no text" not in env.err.getvalue()


def test_files_without_a_backfill_are_not_touched_at_the_end(tmp_path: Path) -> None:
    with output_to(Streams(), tmp_path, "srt") as output:
        play(output, *EVENTS[:3])
        before = only(tmp_path, "srt").stat().st_ino
        output.close()
    assert only(tmp_path, "srt").stat().st_ino == before
