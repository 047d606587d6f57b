"""Many inputs: directories, results, what is skipped, and how to go on after an interrupt."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from echocli.api.collected import Collected
from echocli.cli.batch_progress import Course
from echocli.cli.batch_results import Result, done, failed, overall, table, tally
from echocli.errors import ExitCode, InputError
from echocli.events import End, Final, Gap
from echocli.output.files import plan_outputs
from echocli.types import Segment
from tests.cli.conftest import PATIENCE, Script, Start, eventually
from tests.conftest import RunEchocli, clean_environment

pytestmark = pytest.mark.unit

ON_TERMINAL: TypeAlias = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path, samples: Path) -> Path:
    """Return a directory with four recordings at two depths, and a file that is none."""
    top = tmp_path / "in"
    (top / "sub" / "日本語").mkdir(parents=True)
    for name in ("a2.flac", "a10.flac", "sub/a2.flac", "sub/日本語/会議.flac"):
        shutil.copy(samples / "pauses.flac", top / name)
    (top / "notes.txt").write_text("nothing")
    return top


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def written(place: Path) -> list[str]:
    """Return the files below a directory."""
    return sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())


class TestResults:
    def collected(self, *events: Final | Gap) -> Collected:
        collected = Collected()
        for event in (*events, End(60.0, "en")):
            collected.take(event)
        return collected

    def test_what_was_written_is_named_once_with_its_endings(self, tmp_path: Path) -> None:
        (plan,) = plan_outputs(["talk.wav"], tmp_path, ["txt", "srt"])
        result = done(plan, self.collected(Final(Segment(0, 0.0, 1.0, "One two."))))
        assert (result.code, result.words, result.duration) == (ExitCode.OK, 2, 60.0)
        assert str(result.text) == f"{tmp_path / 'talk.txt'}, .srt"

    def test_a_gap_is_an_error(self, tmp_path: Path) -> None:
        (plan,) = plan_outputs(["talk.wav"], tmp_path, ["txt"])
        result = done(plan, self.collected(Gap(0.0, 1.0, "lost")))
        assert (result.code, result.text) == (ExitCode.FAILED, "error: 1 gap")

    def test_words_are_not_counted_where_no_spaces_tell_them_apart(self) -> None:
        (plan,) = plan_outputs(["talk.wav"], None, ["txt"])
        collected = self.collected(Final(Segment(0, 0.0, 1.0, "会議", language="ja")))
        collected.language = "ja"
        assert done(plan, collected).words is None

    def test_the_table_does_not_name_an_input_twice(self) -> None:
        results = [failed("a.wav", InputError("a.wav: is empty"))]
        assert table(results, 80) == ["file   result", "a.wav  error: is empty"]

    @pytest.mark.parametrize(
        ("codes", "count", "text"),
        [
            ([0, 0], 2, "2 done"),
            ([0, 3], 2, "1 done, 1 failed"),
            ([0, 0, 3], 10, "2 of 10 done, 1 failed"),
            ([], 3, "0 of 3 done"),
        ],
    )
    def test_the_sum_says_how_many(self, codes: list[int], count: int, text: str) -> None:
        results = [Result("a", ExitCode(code), "") for code in codes]
        assert tally(results, count) == text

    def test_codes_that_are_alike_are_that_one(self) -> None:
        assert overall([ExitCode.INPUT, ExitCode.INPUT]) is ExitCode.INPUT
        assert overall([ExitCode.INPUT, ExitCode.OK]) is ExitCode.PARTIAL
        assert overall([ExitCode.INPUT, ExitCode.UNAVAILABLE]) is ExitCode.FAILED
        assert overall([]) is ExitCode.OK


class TestCourse:
    class Seen:
        def __init__(self) -> None:
            self.news: list[tuple[str, float]] = []

        def update(self, label: str, share: float) -> None:
            self.news.append((label, round(share, 3)))

    def course(self, place: Path, sizes: dict[str, int], **keys: Any) -> tuple[Course, Seen]:
        for name, size in sizes.items():
            (place / name).write_bytes(bytes(size))
        plans = plan_outputs([str(place / name) for name in sizes], place / "out", ["txt"])
        seen = self.Seen()
        return Course(plans, seen, skip_existing=keys.get("skip_existing", False)), seen

    def test_it_counts_bytes(self, tmp_path: Path) -> None:
        course, seen = self.course(tmp_path, {"a.wav": 300, "b.wav": 100})
        course.go_on()
        course.update(5.0, 10.0)
        course.go_on()
        course.update(10.0, None)
        course.update(10.0, 10.0)
        assert [share for _, share in seen.news] == [0.0, 0.375, 0.75, 0.75, 1.0]
        assert [label for label, _ in seen.news][1:3] == ["1/2 a.wav", "2/2 b.wav"]

    def test_what_is_done_already_counts_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "a.txt").touch()
        course, seen = self.course(tmp_path, {"a.wav": 300, "b.wav": 100}, skip_existing=True)
        course.go_on()
        course.go_on()
        assert seen.news[-1] == ("2/2 b.wav", 0.0)

    def test_inputs_without_a_size_count_as_much_as_the_others(self, tmp_path: Path) -> None:
        (tmp_path / "a.wav").write_bytes(bytes(100))
        plans = plan_outputs([str(tmp_path / "a.wav"), "-", "gone.wav"], None, ["txt"])
        seen = self.Seen()
        course = Course(plans, seen, skip_existing=False)
        for _ in plans:
            course.go_on()
        assert [share for _, share in seen.news] == [0.0, 0.5, 1.0]


Seen: TypeAlias = TestCourse.Seen


class TestDirectories:
    def test_files_go_where_the_recordings_are(
        self, run_echocli: RunEchocli, script: Script, folder: Path, out: Path
    ) -> None:
        run = run_echocli("transcribe", folder, "--recursive", *script("Hi."), "-o", out)
        assert (run.code, run.stdout, run.stderr) == (0, "", "")
        assert written(out) == ["a10.txt", "a2.txt", "sub/a2.txt", "sub/日本語/会議.txt"]

    def test_one_alone_is_refused_and_nothing_is_loaded(
        self, run_echocli: RunEchocli, folder: Path
    ) -> None:
        run = run_echocli("transcribe", folder, folder / "sub")
        assert (run.code, run.stdout) == (3, "")
        assert run.stderr.count("is a directory\n  add --recursive") == 2

    def test_one_among_files_costs_only_itself(
        self, run_echocli: RunEchocli, script: Script, folder: Path, out: Path
    ) -> None:
        run = run_echocli("transcribe", folder / "a2.flac", folder, *script(), "-o", out)
        assert run.code == 5
        assert "1 done, 1 failed" in run.stderr
        assert written(out) == ["a2.txt"]

    def test_a_directory_as_the_first_word_needs_no_command(
        self, run_echocli: RunEchocli, script: Script, folder: Path, out: Path
    ) -> None:
        run = run_echocli("in", "-r", *script(), "-o", out, cwd=folder.parent)
        assert run.code == 0
        assert len(written(out)) == 4

    def test_texts_on_standard_output_come_in_the_order_of_the_inputs(
        self, run_echocli: RunEchocli, script: Script, folder: Path
    ) -> None:
        command = ["transcribe", folder, "-r", "-f", "jsonl", *script("Hi."), "--no-vad"]
        for jobs in ("1", "3"):
            run = run_echocli(*command, "--jobs", jobs)
            sources = re.findall(r'"type": ?"ready", ?"source": ?"([^"]*)"', run.stdout)
            assert [Path(it).relative_to(folder).as_posix() for it in sources] == [
                "a2.flac", "a10.flac", "sub/a2.flac", "sub/日本語/会議.flac"
            ]  # fmt: skip


class TestSkipping:
    def test_only_the_format_that_is_missing_is_written(
        self, run_echocli: RunEchocli, script: Script, folder: Path, out: Path
    ) -> None:
        out.mkdir()
        (out / "a2.srt").write_text("mine")
        command = ["transcribe", folder / "a2.flac", folder / "a10.flac", *script("Hi.")]
        run = run_echocli(*command, "-f", "srt", "-f", "vtt", "-o", out, "--skip-existing")
        assert (run.code, run.stderr) == (0, "")
        assert written(out) == ["a10.srt", "a10.vtt", "a2.srt", "a2.vtt"]
        assert (out / "a2.srt").read_text() == "mine"

    def test_what_an_interrupt_left_is_not_taken_for_whole(
        self, start_echocli: Start, run_echocli: RunEchocli, script: Script, folder: Path, out: Path
    ) -> None:
        slow = script("Hi.", consumed=2, delay_ms=200)
        running = start_echocli("transcribe", folder, "-r", *slow, "-o", out, "-j", "1")
        eventually(lambda: (out / "a2.txt").exists())
        running.signal_group(signal.SIGTERM)
        code, _, errors = running.end()
        assert code == 130
        told = re.search(r"(\d) of 4 done; run the same command with --skip-existing", errors)
        assert told
        whole = [name for name in written(out) if not name.endswith(".part")]
        assert len(whole) == int(told[1])
        run = run_echocli("transcribe", folder, "-r", *script("Hi."), "-o", out, "--skip-existing")
        assert run.code == 0
        assert run.stderr.count("skipped") == len(whole)
        assert len([name for name in written(out) if not name.endswith(".part")]) == 4


@pytest.fixture
def on_terminal(tmp_path: Path) -> ON_TERMINAL:
    """Return ``run(*args, columns=80)``: what the program shows on a terminal of that width."""

    def run(*args: str | Path, columns: int = 80) -> str:
        master, slave = pty.openpty()
        variables = {"COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"}
        shown: list[bytes] = []
        process = subprocess.Popen(
            [sys.executable, "-m", "echocli", *map(str, args)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=slave,
            env=clean_environment(tmp_path) | variables,
        )
        os.close(slave)
        reader = threading.Thread(target=read_all, args=(master, shown))
        reader.start()
        process.communicate(timeout=PATIENCE)
        reader.join()
        os.close(master)
        text = b"".join(shown).decode().replace("\r\n", "\n")
        return re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", text)

    return run


def read_all(master: int, shown: list[bytes]) -> None:
    """Read a terminal until nobody has its other end any more."""
    while True:
        try:
            data = os.read(master, 1 << 16)
        except OSError:
            return
        if not data:
            return
        shown.append(data)


class TestTerminal:
    def test_a_batch_shows_how_far_it_is_and_ends_with_a_table(
        self, on_terminal: ON_TERMINAL, script: Script, folder: Path, out: Path
    ) -> None:
        (folder / "bad.wav").write_text("no sound")
        command = ["transcribe", folder, "-r", *script("One two.", consumed=2), "-o", out]
        shown = on_terminal(*command, columns=100)
        assert "1/5 a2.flac" in shown
        assert "5/5 会議.flac" in shown
        rows = shown[shown.rindex("file ") :].splitlines()
        assert rows[0].split() == ["file", "length", "speed", "language", "words", "result"]
        assert len(rows) == 7
        assert any("bad.wav" in row and "error: is not a sound" in row for row in rows)
        assert rows[-1] == "echocli: notice: 4 done, 1 failed"

    def test_a_narrow_one_gets_a_narrow_table(
        self, on_terminal: ON_TERMINAL, script: Script, folder: Path, out: Path
    ) -> None:
        shown = on_terminal("transcribe", folder, "-r", *script(), "-o", out, columns=40)
        rows = shown[shown.rindex("file ") :].splitlines()
        assert rows[0].split() == ["file", "length", "result"]
        assert all(len(row) <= 40 for row in rows)

    def test_one_input_gets_no_table(
        self, on_terminal: ON_TERMINAL, script: Script, folder: Path, out: Path
    ) -> None:
        shown = on_terminal("transcribe", folder / "a2.flac", *script(), "-o", out)
        assert "length" not in shown

    def test_quiet_leaves_only_errors(
        self, on_terminal: ON_TERMINAL, script: Script, folder: Path, out: Path
    ) -> None:
        (folder / "bad.wav").write_text("no sound")
        shown = on_terminal("transcribe", folder, "-r", "-q", *script(), "-o", out)
        assert shown.startswith("echocli: error: ")
        assert shown.count("echocli: ") == 1


def test_in_a_pipe_there_is_no_table(
    run_echocli: RunEchocli, script: Script, folder: Path, out: Path
) -> None:
    run = run_echocli("transcribe", folder, "-r", *script(), "-o", out, "-v")
    assert run.stderr.count("echocli: info: wrote ") == 4
    assert all(line.startswith("echocli: info: ") for line in run.stderr.splitlines())
