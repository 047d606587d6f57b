"""How ``echocli transcribe`` ends: signals, closed pipes, full disks, death."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PATIENCE, Script, Start, assert_all_end, eventually
from tests.conftest import RunEchocli


@pytest.fixture
def run_echocli(run_program: RunEchocli) -> RunEchocli:
    """Run the program as a process: its start and its end are what is shown here."""
    return run_program


@pytest.fixture
def meeting(samples: Path) -> Path:
    """Return the sample that is spoken without long pauses."""
    return samples / "meeting.flac"


class TestEnds:
    pytestmark = pytest.mark.unit

    def test_a_reader_that_goes_away_ends_it_quietly(
        self, start_echocli: Start, script: Script, long_file: Path
    ) -> None:
        running = start_echocli("transcribe", long_file, *script("Hi.", consumed=2, delay_ms=20))
        assert running.wait_for_line().startswith("Hi.")
        workers = running.workers()
        assert running.process.stdout is not None
        running.process.stdout.close()
        assert running.process.wait(PATIENCE) == 0
        assert running.process.stderr is not None
        assert running.process.stderr.read() == b""
        assert_all_end(workers)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda it: it.name)
    def test_an_interrupt_keeps_what_is_final_and_leaves_no_child(
        self, start_echocli: Start, script: Script, long_file: Path, number: signal.Signals
    ) -> None:
        running = start_echocli("transcribe", long_file, *script("Hi.", consumed=2, delay_ms=100))
        running.wait_for_line()
        workers = running.workers()
        running.signal_group(number)
        code, text, errors = running.end()
        assert code == 130
        assert set(text.splitlines()) == {"Hi."}
        assert "Traceback" not in errors
        assert_all_end(workers)

    def test_an_interrupt_keeps_what_is_final_beside_the_final_name(
        self, start_echocli: Start, script: Script, long_file: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        options = script("Hi.", consumed=2, delay_ms=100)
        running = start_echocli("transcribe", long_file, *options, "-o", out)
        # The third is asked for once the text of the first two is written.
        eventually(lambda: decodes(tmp_path / "script.json.state") > 2)
        running.signal_group(signal.SIGINT)
        code, _, errors = running.end()
        assert code == 130
        assert [path.name for path in out.iterdir()] == ["long.txt.part"]
        assert f"what was final is kept in {out / 'long.txt.part'}" in errors

    def test_an_interrupt_before_anything_is_final_says_so_and_leaves_no_file(
        self, start_echocli: Start, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        command = ["transcribe", meeting, "-o", out, "-f", "txt,vtt", *script(load_ms=60_000)]
        running = start_echocli(*command)
        running.workers()
        eventually(lambda: len(names(out)) == 2)
        running.signal_group(signal.SIGINT)
        assert running.end() == (130, "", "echocli: notice: nothing was final yet\n")
        assert names(out) == []

    @pytest.mark.skipif(
        sys.platform != "linux", reason="limits of files are set the Linux way here"
    )
    def test_a_full_disk_costs_no_file_that_fits_and_nothing_that_was_written(
        self, start_echocli: Start, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        command = ["transcribe", "-q", meeting, *script("Hi."), "-f", "json,txt", "-o", out]
        running = start_echocli(*command, prefix=["prlimit", "--fsize=300"])
        code, _, errors = running.end()
        assert code == 1
        assert names(out) == ["meeting.json.part", "meeting.txt"]
        assert set((out / "meeting.txt").read_text().splitlines()) == {"Hi."}
        assert (out / "meeting.json.part").stat().st_size == 300
        assert errors.count("cannot write") == 1
        assert f"what there was is in {out / 'meeting.json.part'}" in errors

    def test_a_key_that_is_held_down_breaks_off_nothing_of_that(
        self, start_echocli: Start, script: Script, long_file: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        options = script("Hi.", consumed=2, delay_ms=100)
        running = start_echocli("transcribe", long_file, *options, "-o", out)
        workers = running.workers()
        eventually(lambda: decodes(tmp_path / "script.json.state") > 2)
        while running.process.poll() is None:
            running.process.send_signal(signal.SIGINT)
        code, _, errors = running.end()
        assert code == 130
        assert [path.name for path in out.iterdir()] == ["long.txt.part"]
        assert errors.count("what was final is kept in ") == 1
        assert "Traceback" not in errors
        assert_all_end(workers)

    def test_a_worker_does_not_outlive_a_killed_parent(
        self, start_echocli: Start, script: Script, long_file: Path
    ) -> None:
        running = start_echocli("transcribe", long_file, *script("Hi.", consumed=2, delay_ms=100))
        running.wait_for_line()
        workers = running.workers()
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
        assert_all_end(workers)

    @pytest.mark.parametrize("sound", [b"", b"RIFF"], ids=["nothing", "a start"])
    def test_an_interrupt_while_it_waits_for_a_pipe_ends_it(
        self, start_echocli: Start, script: Script, sound: bytes
    ) -> None:
        running = start_echocli("transcribe", "-", *script(), stdin=subprocess.PIPE)
        running.write(sound)
        workers = running.workers()
        running.signal_group(signal.SIGINT)
        assert running.process.wait(PATIENCE) == 130
        assert running.process.stderr is not None
        assert running.process.stderr.read() == b""
        assert_all_end(workers)

    def test_an_interrupt_while_the_model_loads_ends_it(
        self, start_echocli: Start, script: Script, meeting: Path
    ) -> None:
        running = start_echocli("transcribe", meeting, *script(load_ms=60_000))
        workers = running.workers()
        running.signal_group(signal.SIGINT)
        code, text, errors = running.end()
        assert (code, text) == (130, "")
        assert "Traceback" not in errors
        assert_all_end(workers)

    def test_a_crash_of_the_worker_costs_no_text(
        self, run_echocli: RunEchocli, script: Script, meeting: Path
    ) -> None:
        calm = run_echocli("transcribe", meeting, *script("One.", "Two.", consumed=4))
        options = script("One.", "Two.", consumed=4, steps={"1": "crash", "3": "exit"})
        done = run_echocli("transcribe", meeting, *options)
        assert (done.code, done.stdout) == (0, calm.stdout)
        assert "the worker was restarted" in done.stderr


def names(directory: Path) -> list[str]:
    """Return what is in a directory; nothing where it is not there."""
    return sorted(path.name for path in directory.glob("*"))


def decodes(path: Path) -> int:
    """Return how often a scripted provider was asked; 0 while the file is being written."""
    try:
        return int(json.loads(path.read_text())["count"])
    except (OSError, ValueError):
        return 0
