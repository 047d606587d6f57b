"""Formats of one input: what becomes of the others where a file cannot be written."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest

from echocli.api.collected import Collected
from echocli.cli.batch_output import BatchOutput
from echocli.errors import OutputError
from echocli.events import End, Event, Final
from echocli.output.files import plan_outputs
from echocli.output.stdout import StdoutSink
from echocli.output.subtitles import WriteOptions
from echocli.providers.base import LoadSpec
from echocli.types import Segment, Transcript
from tests.output.room import at_most, needs_limits

pytestmark = [pytest.mark.unit, needs_limits]

EVENTS: tuple[Event, ...] = (
    Final(Segment(0, 0.0, 1.0, "One.")),
    Final(Segment(1, 1.0, 2.0, "Two.")),
    End(2.0, None),
)


def transcript(*events: Event) -> Transcript:
    collected = Collected()
    for event in events:
        collected.take(event)
    return collected.transcript(LoadSpec("p", "m", "/m"))


class Written:
    """What is written to a directory, and what is told."""

    def __init__(self, directory: Path, *formats: str) -> None:
        self.directory = directory
        self.told: list[str] = []
        (plan,) = plan_outputs(["talk.wav"], directory, formats)
        self.output = BatchOutput(
            plan,
            WriteOptions(),
            lambda: StdoutSink(StringIO()),
            lambda error: self.told.append(str(error)),
        )

    def run(self, *, whole: bool = True) -> None:
        with self.output as output:
            for event in EVENTS:
                output.event(event)
            (output.finish if whole else output.keep)(transcript(*EVENTS))

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir())


def test_all_formats_are_whole_where_nothing_fails(tmp_path: Path) -> None:
    written = Written(tmp_path, "txt", "json")
    written.run()
    assert written.output.written == [tmp_path / "talk.txt", tmp_path / "talk.json"]
    assert (written.names, written.told) == (["talk.json", "talk.txt"], [])


@pytest.mark.parametrize("formats", [("txt", "json"), ("json", "txt")])
def test_a_file_that_fails_at_the_end_costs_the_others_nothing(
    tmp_path: Path, formats: tuple[str, ...]
) -> None:
    written = Written(tmp_path, *formats)
    with at_most(100):
        written.run()
    assert written.output.written == [tmp_path / "talk.txt"]
    assert written.names == ["talk.json.part", "talk.txt"]
    assert (tmp_path / "talk.txt").read_text() == "One.\nTwo.\n"
    assert (tmp_path / "talk.json.part").stat().st_size == 100
    assert written.told == [
        f"cannot write {tmp_path / 'talk.json'}: File too large; "
        f"what there was is in {tmp_path / 'talk.json.part'}"
    ]


def test_a_file_that_fails_in_the_middle_is_told_then_and_the_others_go_on(tmp_path: Path) -> None:
    written = Written(tmp_path, "srt", "txt")
    with at_most(20), written.output as output:
        output.event(EVENTS[0])
        assert len(written.told) == 1
        output.event(EVENTS[1])
        output.finish(transcript(*EVENTS))
    assert written.names == ["talk.srt.part", "talk.txt"]
    assert (tmp_path / "talk.txt").read_text() == "One.\nTwo.\n"
    assert len(written.told) == 1


def test_when_no_file_is_left_its_error_ends_the_input(tmp_path: Path) -> None:
    written = Written(tmp_path, "txt")
    with (
        at_most(7),
        pytest.raises(OutputError, match=r"what there was is in .*txt\.part") as caught,
    ):
        written.run()
    assert "--output-dir" in str(caught.value.hint)
    assert (tmp_path / "talk.txt.part").read_text() == "One.\nTw"
    assert (written.names, written.told) == (["talk.txt.part"], [])


def test_a_part_that_cannot_be_kept_either_is_no_whole_file(tmp_path: Path) -> None:
    written = Written(tmp_path, "txt", "json")
    (tmp_path / "talk.json.part").mkdir()
    with at_most(100):
        written.run()
    assert written.names == ["talk.json.part", "talk.txt"]
    assert written.told == [f"cannot write {tmp_path / 'talk.json'}: File too large"]


def test_what_is_kept_of_an_input_that_broke_off_is_a_part_of_each(tmp_path: Path) -> None:
    written = Written(tmp_path, "json", "txt")
    with at_most(100):
        written.run(whole=False)
    assert written.names == ["talk.json.part", "talk.txt.part"]
    assert len(written.told) == 1
    written = Written(tmp_path / "enough", "json", "txt")
    written.run(whole=False)
    found = json.loads((tmp_path / "enough" / "talk.json.part").read_text())
    assert found["text"].split() == ["One.", "Two."]


def test_what_is_discarded_leaves_nothing(tmp_path: Path) -> None:
    written = Written(tmp_path, "vtt", "txt")
    with written.output as output:
        output.event(EVENTS[0])
        output.discard()
    assert written.names == []
