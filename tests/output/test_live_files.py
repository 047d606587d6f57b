from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.errors import OutputError, UsageError
from echocli.events import Backfill, End, Final, Gap, Meter, Ready
from echocli.output.jsonable import dump, transcript_to_dict
from echocli.output.live_files import LIVE_LAYOUT, LiveFiles
from echocli.output.live_writers import REPLACED, LiveJsonWriter, LiveWriter
from echocli.output.subtitles import CueLayout, WriteOptions
from echocli.output.text import display_width
from echocli.output.writers import FORMATS, expand_formats
from echocli.types import Segment, Transcript, Word

pytestmark = pytest.mark.unit

NOW = datetime(2031, 2, 3, 4, 5, 6)
STEM = "live-20310203-040506"
ALL = expand_formats(["all"])

CHILD = """
import itertools, sys, time
from datetime import datetime
from pathlib import Path
from echocli.events import Backfill, Final
from echocli.output.live_files import LiveFiles
from echocli.output.subtitles import WriteOptions
from echocli.types import Segment

formats = ["all", "html"]
with LiveFiles(Path(sys.argv[1]), formats, datetime(2031, 2, 3, 4, 5, 6), WriteOptions()) as files:
    for i in itertools.count():
        kind = Backfill if i % 3 == 2 else Final
        at = i * 5.0 - (15 if i % 3 == 2 else 0)
        files.event(kind(Segment(i, at, at + 4, f"final number {i} na\\u00efve")))
        print(i, flush=True)
"""


def said(number: int, text: str, *, start: float = 0.0, step: float = 0.4) -> Final:
    """Make a final with a word every ``step`` seconds."""
    words = tuple(
        Word(start + i * step, start + (i + 1) * step, f" {word}", 0.9)
        for i, word in enumerate(text.split())
    )
    end = words[-1].end
    return Final(Segment(number, start, end, f" {text}", words=words, language="en"))


def transcript(*finals: Final) -> Transcript:
    segments = tuple(final.segment for final in finals)
    text = " ".join(segment.text for segment in segments)
    return Transcript(text, "en", segments[-1].end, segments, "p", "m")


def start(directory: Path, *formats: str, layout: WriteOptions | None = None) -> LiveFiles:
    return LiveFiles(directory, formats, NOW, layout or WriteOptions())


def cues(srt: str) -> list[list[str]]:
    """Return the lines of each cue of a SubRip file."""
    return [block.split("\n") for block in srt.strip().split("\n\n")] if srt.strip() else []


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


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    leftover = tmp_path / ".live-20300101-000000.json.0123abcd.part"
    leftover.write_text("{")
    with start(tmp_path, "txt"):
        assert not leftover.exists()


def test_unknown_format_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no output format 'doc'"):
        start(tmp_path / "new", "doc")
    assert not (tmp_path / "new").exists()


def test_directory_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="cannot write") as caught, start(path, "txt"):
            pass
        assert "part of the path is a file" in (caught.value.hint or "")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_directory_without_permission_is_explained(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError) as caught, start(tmp_path, "txt"):
        pass
    assert "permissions" in (caught.value.hint or "")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of files are set the Linux way here")
def test_full_disk_keeps_whole_cues_and_says_so(tmp_path: Path) -> None:
    script = CHILD.replace(', "html"', "").replace(  # a page alone is more than fits
        "with LiveFiles",
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with LiveFiles",
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert re.search(r"OutputError: cannot write .*\.json: File too large", result.stderr)
    check_whole(tmp_path, int(result.stdout.split()[-1]) + 1)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
def test_killed_run_leaves_files_that_hold_every_final(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(50):
            child.stdout.readline()
        child.kill()
        reported = 50 + len(child.stdout.read().split("\n")) - 1
    check_whole(tmp_path, reported)
    page = (tmp_path / f"{STEM}.html").read_text(encoding="utf-8")
    assert page.count("naïve") >= reported
    assert page.endswith("</html>\n")


def check_whole(directory: Path, finals: int) -> None:
    """Assert that each file can be read to its end and holds at least that many finals."""
    text = {name: (directory / f"{STEM}.{name}").read_text(encoding="utf-8") for name in ALL}
    for name in ("txt", "srt", "vtt", "lrc", "tsv", "jsonl"):
        assert text[name].endswith("\n")
        assert text[name].count("naïve") >= finals
    numbers = [int(cue[0]) for cue in cues(text["srt"])]
    assert numbers == list(range(1, len(numbers) + 1))
    assert text["vtt"].startswith("WEBVTT\n\n")
    types = {json.loads(line)["type"] for line in text["jsonl"].splitlines()}
    assert types <= {"final", "backfill"}
    assert len(json.loads(text["json"])["segments"]) >= finals


@pytest.mark.parametrize("name", REPLACED)
def test_three_hours_of_finals_cost_little(tmp_path: Path, name: str) -> None:
    """The last of 2,000 finals with words; a whole dump of them takes most of a second."""
    with start(tmp_path, name) as files:
        writer = files._writers[0]
        assert isinstance(writer, LiveWriter)
        for number in range(2000):
            writer._add(said(number, "fourteen words " * 7, start=number * 5.4).segment)
        before = time.perf_counter()
        files.event(said(2000, "the last", start=10_800.0))
        assert time.perf_counter() - before < 0.35
        text = files.paths[0].read_text(encoding="utf-8")
        assert "the last" in re.sub("<[^>]*>", "", text)
        assert text.count("fourteen") >= 2000 * 7


ORDERED = [name for name, writer in FORMATS.items() if writer.ordered]
EARLY, LATER = said(0, "erstens", start=1.0), said(2, "drittens", start=9.0)
BETWEEN = Backfill(said(1, "zweitens", start=5.0).segment)


def finish(files: LiveFiles, *segments: Segment) -> None:
    """Close the files with these segments, in order of time."""
    ordered = sorted(segments, key=lambda segment: segment.start)
    files.close(transcript(*map(Final, ordered)))


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
        with pytest.raises(OutputError, match=r"cannot write .*\.srt"):
            finish(files, EARLY.segment, BETWEEN.segment, LATER.segment)
    assert txt.read_text() == "erstens\nzweitens\ndrittens\n"
    assert vtt.read_text().index("zweitens") < vtt.read_text().index("drittens")
    assert "zweitens" in (tmp_path / "kept").read_text()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.skipif(sys.platform != "linux", reason="limits of files are set the Linux way here")
def test_full_disk_at_the_end_loses_nothing(tmp_path: Path) -> None:
    script = (
        CHILD.rstrip()
        + """
        if i == 20:
            import resource, signal
            from echocli.types import Transcript
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
            said = tuple(Segment(n, n, n + 1.0, "x" * 40) for n in range(99))
            files.close(Transcript("", None, 0.0, said, "", ""))
"""
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert re.search(r"OutputError: cannot write .*: File too large", result.stderr)
    check_whole(tmp_path, 21)
    assert not list(tmp_path.glob(".*"))


def test_what_a_run_killed_while_it_ordered_its_files_left_is_removed(tmp_path: Path) -> None:
    leftover = tmp_path / ".live-20300101-000000.srt.0123abcd.part"
    leftover.write_text("1\n")
    with start(tmp_path, "txt"):
        assert not leftover.exists()


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
