"""Runs that are killed, disks that are full, and places where nothing can be written."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from echocli.errors import OutputError, UsageError
from echocli.events import Meter
from echocli.output.writers import expand_formats
from tests.output.live_runs import STEM, cues, said, start, transcript
from tests.output.room import at_most, needs_limits

pytestmark = pytest.mark.unit

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
        for error in files.failing.values():
            raise error
        print(i, flush=True)
"""


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
            raise files.close(Transcript("", None, 0.0, said, "", ""))[0]
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


@needs_limits
def test_a_file_that_cannot_be_written_catches_up_when_it_can(tmp_path: Path) -> None:
    with start(tmp_path, "txt", "srt", "json", "jsonl") as files:
        files.event(said(0, "one"))
        with at_most(20):
            files.event(said(1, "two", start=5.0))
            assert [path.suffix for path in files.failing] == [".srt", ".json", ".jsonl"]
            assert all(path.name in str(error) for path, error in files.failing.items())
            assert files.paths[0].read_text() == "one\ntwo\n"
            files.event(Meter(6.0, -30.0, -10.0))
        files.event(Meter(7.0, -30.0, -10.0))
        assert len(files.failing) == 3
        files.event(said(2, "three", start=10.0))
        assert files.failing == {}
        texts = [path.read_text() for path in files.paths]
    assert [cue[2] for cue in cues(texts[1])] == ["one", "two", "three"]
    assert [segment["id"] for segment in json.loads(texts[2])["segments"]] == [0, 1, 2]
    kinds = [json.loads(line)["type"] for line in texts[3].splitlines()]
    assert kinds == ["final", "final", "meter", "meter", "final"]


@needs_limits
def test_what_failed_is_whole_at_the_end_where_there_is_room_by_then(tmp_path: Path) -> None:
    done = [said(0, "one"), said(1, "two", start=5.0)]
    with start(tmp_path, "txt", "json") as files:
        with at_most(5):
            for final in done:
                files.event(final)
            assert len(files.failing) == 2
        assert files.close(transcript(*done)) == []
    assert files.paths[0].read_text() == "one\ntwo\n"
    assert json.loads(files.paths[1].read_text())["text"].split() == ["one", "two"]
    assert len(list(tmp_path.iterdir())) == 2


@needs_limits
def test_what_stays_a_part_is_named_so_and_the_reason_is_told_once(tmp_path: Path) -> None:
    done = [said(0, "one"), said(1, "two", start=5.0)]
    with start(tmp_path, "txt", "srt", "json") as files:
        files.event(done[0])
        txt, srt, page = files.paths
        with at_most(60):
            files.event(done[1])
            assert list(files.failing) == [srt, page]
            errors = files.close(transcript(*done))
    parts = [Path(f"{path}.part") for path in (srt, page)]
    assert [str(error) for error in errors] == [
        f"{path} could not be finished; what there was is in {path}.part" for path in (srt, page)
    ]
    assert sorted(tmp_path.iterdir()) == sorted([txt, *parts])
    assert [cue[2] for cue in cues(parts[0].read_text())] == ["one"]
    assert len(json.loads(parts[1].read_text())["segments"]) == 1


@needs_limits
def test_a_file_of_which_nothing_could_be_written_is_not_left(tmp_path: Path) -> None:
    with start(tmp_path, "txt") as files, at_most(2):
        files.event(said(0, "one"))
        (error,) = files.close(transcript(said(0, "one")))
    assert str(error) == f"{files.paths[0]} could not be finished"
    assert list(tmp_path.iterdir()) == []


@needs_limits
def test_files_that_cannot_be_begun_are_not_left(tmp_path: Path) -> None:
    with at_most(20), pytest.raises(OutputError), start(tmp_path, "vtt", "json"):
        pass
    assert list(tmp_path.iterdir()) == []
