"""Text that comes late finds its place in the files of a live run, at the latest when it ends."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.events import Backfill, Final, Gap
from echocli.output.live_files import LiveFiles
from echocli.output.live_writers import REPLACED, LiveJsonWriter
from echocli.output.subtitles import WriteOptions
from echocli.output.writers import FORMATS
from echocli.types import Segment
from tests.output.live_runs import cues, said, start, transcript

pytestmark = pytest.mark.unit

ORDERED = [name for name, writer in FORMATS.items() if writer.ordered]
EARLY, LATER = said(0, "erstens", start=1.0), said(2, "drittens", start=9.0)
BETWEEN = Backfill(said(1, "zweitens", start=5.0).segment)


def finish(files: LiveFiles, *segments: Segment) -> list[str]:
    """Close the files with these segments, in order of time; what went wrong."""
    ordered = sorted(segments, key=lambda segment: segment.start)
    return [str(error) for error in files.close(transcript(*map(Final, ordered)))]


def fill(files: LiveFiles) -> None:
    """Let a gap be filled when the next final is there already."""
    files.event(EARLY)
    files.event(Gap(5.0, 6.0, "spooled: the machine is too slow", "mic"))
    files.event(LATER)
    files.event(BETWEEN)


@pytest.mark.parametrize("name", FORMATS)
def test_backfill_is_on_disk_at_once_in_every_format(tmp_path: Path, name: str) -> None:
    with start(tmp_path, name) as files:
        fill(files)
        text = files.paths[0].read_text(encoding="utf-8")
        assert all(word in text for word in ("erstens", "zweitens", "drittens"))
        if name not in REPLACED:
            assert text.index("drittens") < text.index("zweitens")


@pytest.mark.parametrize("name", ORDERED)
def test_after_a_backfill_the_file_is_what_it_would_be_in_order(tmp_path: Path, name: str) -> None:
    segments = [EARLY.segment, BETWEEN.segment, LATER.segment]
    with start(tmp_path / "late", name) as files, start(tmp_path / "whole", name) as whole:
        fill(files)
        finish(files, *segments)
        for segment in segments:
            whole.event(Final(segment))
        finish(whole, *segments)
        assert files.paths[0].read_bytes() == whole.paths[0].read_bytes()
        assert len(list(files.paths[0].parent.iterdir())) == 1


def test_filled_srt_is_numbered_in_order_of_time(tmp_path: Path) -> None:
    with start(tmp_path, "srt") as files:
        fill(files)
        before = cues(files.paths[0].read_text())
        assert [cue[0] for cue in before] == ["1", "2", "3"]
        assert before[2][1].startswith("00:00:05,000")
        finish(files, EARLY.segment, BETWEEN.segment, LATER.segment)
        after = cues(files.paths[0].read_text())
    assert [(cue[0], cue[2]) for cue in after] == [
        ("1", "erstens"),
        ("2", "zweitens"),
        ("3", "drittens"),
    ]


def test_json_has_a_backfill_in_its_place_before_the_end(tmp_path: Path) -> None:
    with start(tmp_path, "json") as files:
        fill(files)
        found = json.loads(files.paths[0].read_text())
    assert [segment["id"] for segment in found["segments"]] == [0, 1, 2]
    assert found["text"].split() == ["erstens", "zweitens", "drittens"]


def test_jsonl_stays_in_the_order_of_what_happened(tmp_path: Path) -> None:
    with start(tmp_path, "jsonl") as files:
        fill(files)
        finish(files, EARLY.segment, BETWEEN.segment, LATER.segment)
        found = [json.loads(line)["type"] for line in files.paths[0].read_text().splitlines()]
    assert found == ["final", "gap", "final", "backfill"]


@pytest.mark.parametrize("late", [None, Backfill(Segment(1, 5.0, 6.0, " "))])
def test_nothing_is_written_again_without_a_late_text(
    tmp_path: Path, late: Backfill | None
) -> None:
    with start(tmp_path, *ORDERED) as files:
        files.event(EARLY)
        before = [(path.read_bytes(), path.stat().st_ino) for path in files.paths]
        if late is not None:
            files.event(late)
        finish(files, EARLY.segment)
        assert [(path.read_bytes(), path.stat().st_ino) for path in files.paths] == before


def test_file_that_cannot_be_written_again_keeps_what_it_has(tmp_path: Path) -> None:
    """A directory in the place of one file: that one is told, the others are in order."""
    with start(tmp_path, "srt", "txt", "vtt") as files:
        fill(files)
        srt, txt, vtt = files.paths
        srt.rename(tmp_path / "kept")
        srt.mkdir()
        errors = finish(files, EARLY.segment, BETWEEN.segment, LATER.segment)
    assert errors == [f"cannot write {srt}: Is a directory"]
    assert txt.read_text() == "erstens\nzweitens\ndrittens\n"
    assert vtt.read_text().index("zweitens") < vtt.read_text().index("drittens")
    assert "zweitens" in (tmp_path / "kept").read_text()
    assert not list(tmp_path.glob(".*"))


@given(
    st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=8),
)
def test_json_so_far_is_in_order_of_time(said: list[tuple[float, bool]]) -> None:
    sink = StringIO()
    writer = LiveJsonWriter(sink, WriteOptions())
    for number, (at, late) in enumerate(said):
        sink.seek(0)
        sink.truncate()
        segment = Segment(number, at, at + 1, f"text {number}")
        writer.event(Backfill(segment) if late else Final(segment))
    found = json.loads(sink.getvalue())["segments"]
    assert [one["start"] for one in found] == sorted(one["start"] for one in found)
    assert len(found) == len(said)
