"""What a live run writes is on disk at once, whole and readable, in every format."""

from __future__ import annotations

import json
import re
import time
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.events import End, Final, Meter, Ready
from echocli.output.jsonable import dump, transcript_to_dict
from echocli.output.live_files import LIVE_LAYOUT
from echocli.output.live_writers import REPLACED, LiveJsonWriter, LiveWriter
from echocli.output.subtitles import CueLayout, WriteOptions
from echocli.output.text import display_width
from echocli.output.writers import FORMATS
from echocli.types import Segment, Transcript, Word
from tests.output.live_runs import STEM, cues, said, start, transcript

pytestmark = pytest.mark.unit


def test_files_are_named_by_the_time_and_directories_are_made(tmp_path: Path) -> None:
    with start(tmp_path / "a" / "b", "srt,txt", "json") as files:
        assert [path.name for path in files.paths] == [
            f"{STEM}.srt",
            f"{STEM}.txt",
            f"{STEM}.json",
        ]
        assert all(path.parent == tmp_path / "a" / "b" and path.exists() for path in files.paths)


def test_all_files_of_a_run_get_a_number_where_one_name_is_taken(tmp_path: Path) -> None:
    (tmp_path / f"{STEM}.txt").write_text("old")
    (tmp_path / f"{STEM}-2.srt").mkdir()
    with start(tmp_path, "vtt", "txt", "srt") as files:
        assert {path.stem for path in files.paths} == {f"{STEM}-3"}
    assert (tmp_path / f"{STEM}.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 5


def test_two_runs_in_the_same_second_do_not_meet(tmp_path: Path) -> None:
    with start(tmp_path, "txt") as first, start(tmp_path, "txt") as second:
        first.event(said(0, "one"))
        second.event(said(0, "two"))
        assert [path.read_text() for path in first.paths + second.paths] == ["one\n", "two\n"]


@pytest.mark.parametrize("name", FORMATS)
def test_final_is_on_disk_at_once_in_every_format(tmp_path: Path, name: str) -> None:
    with start(tmp_path, name) as files:
        files.event(Ready("mic", "p", "m"))
        for number, text in enumerate(["zero", "eins", "zwei"]):
            files.event(said(number, text, start=number * 5.0))
            assert text in files.paths[0].read_text(encoding="utf-8")
        files.event(Meter(15.0, -30.0, -10.0))


def test_json_is_whole_from_the_start_and_after_each_final(tmp_path: Path) -> None:
    with start(tmp_path, "json") as files:
        path = files.paths[0]
        assert json.loads(path.read_text())["segments"] == []
        files.event(Ready("mic", "p", "m"))
        done: list[Final] = []
        for number in range(3):
            done.append(said(number, f"a\u2028b {number}", start=number * 5.0))
            files.event(done[-1])
            expected = dump(transcript_to_dict(transcript(*done)), indent=2) + "\n"
            assert path.read_text(encoding="utf-8") == expected
        files.event(End(99.0, "en"))
        files.close(transcript(*done))
        assert path.read_text(encoding="utf-8") == expected
    assert [found.name for found in tmp_path.iterdir()] == [f"{STEM}.json"]


@given(st.lists(st.text(max_size=20), max_size=5))
def test_json_so_far_is_what_a_whole_dump_would_be(texts: list[str]) -> None:
    sink = StringIO()
    writer = LiveJsonWriter(sink, WriteOptions())
    finals = [Final(Segment(i, i, i + 1.0, text)) for i, text in enumerate(texts)]
    for final in finals:
        sink.seek(0)
        sink.truncate()
        writer.event(final)
    segments = tuple(final.segment for final in finals)
    whole = Transcript(" ".join(texts), None, float(len(texts)), segments, "", "")
    assert sink.getvalue() == dump(transcript_to_dict(whole), indent=2) + "\n"


def test_long_final_becomes_readable_cues(tmp_path: Path) -> None:
    long = said(0, "these are the words of somebody who does not pause " * 5)
    with start(tmp_path, "srt") as files:
        files.event(long)
        files.event(said(1, "next", start=40.0))
        found = cues(files.paths[0].read_text())
    assert [cue[0] for cue in found] == [str(number + 1) for number in range(len(found))]
    assert len(found) > 3
    assert all(len(cue) <= 4 and max(map(len, cue[2:])) <= 42 for cue in found)
    spoken = " ".join(line for cue in found for line in cue[2:])
    assert spoken == f"{long.segment.text.strip()} next"


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), max_size=60))
def test_live_cues_hold_two_lines_and_seven_seconds(texts: list[str]) -> None:
    words = tuple(Word(i * 0.5, i * 0.5 + 0.5, f" {text}", 1.0) for i, text in enumerate(texts))
    layout = CueLayout(LIVE_LAYOUT)
    done = list(layout.feed(Segment(0, 0.0, 30.0, "".join(texts), words=words)))
    assert list(layout.finish()) == []  # nothing waits for the next final
    for cue in done:
        assert cue.end_ms - cue.start_ms <= 7000
        lines = cue.text.split("\n")
        assert len(lines) <= 2
        assert all(display_width(line) <= 42 for line in lines)


def test_layout_that_was_asked_for_is_kept_but_no_cue_waits(tmp_path: Path) -> None:
    layout = WriteOptions(max_line_width=10, max_line_count=3)
    with start(tmp_path, "srt", layout=layout) as files:
        files.event(said(0, "one two three four"))
        files.event(said(1, "five", start=1.6))
        found = cues(files.paths[0].read_text())
    assert [cue[2:] for cue in found] == [["one two", "three four"], ["five"]]


def test_final_without_word_times_is_cut_too(tmp_path: Path) -> None:
    with start(tmp_path, "vtt") as files:
        files.event(Final(Segment(0, 0.0, 18.0, " word" * 60)))
        text = files.paths[0].read_text()
    assert text.startswith("WEBVTT\n\n")
    assert text.count("-->") >= 4


def test_headers_are_there_before_anybody_spoke(tmp_path: Path) -> None:
    with start(tmp_path, "vtt", "tsv") as files:
        assert [path.read_text() for path in files.paths] == ["WEBVTT\n\n", "start\tend\ttext\n"]


@pytest.mark.parametrize("name", REPLACED)
def test_three_hours_of_finals_cost_little(tmp_path: Path, name: str) -> None:
    """The last of 2,000 finals with words; a whole dump of them takes most of a second."""
    with start(tmp_path, name) as files:
        writer = files._growing[0].writer
        assert isinstance(writer, LiveWriter)
        for number in range(2000):
            writer._add(said(number, "fourteen words " * 7, start=number * 5.4).segment)
        before = time.perf_counter()
        files.event(said(2000, "the last", start=10_800.0))
        assert time.perf_counter() - before < 0.35
        text = files.paths[0].read_text(encoding="utf-8")
        assert "the last" in re.sub("<[^>]*>", "", text)
        assert text.count("fourteen") >= 2000 * 7
