"""The program around its commands: help, version, errors in one line."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import signal
from pathlib import Path

import pytest

from echocli import __version__
from echocli.cli import app
from echocli.environment import Environment
from echocli.errors import ExitCode, InputError
from tests.cli.conftest import Script, Start, eventually
from tests.conftest import RunEchocli

pytestmark = pytest.mark.unit


class Streams(Environment):
    """A process whose streams are in memory; the parser's own help goes to the real stdout."""

    def __init__(self) -> None:
        super().__init__()
        self.out = io.StringIO()
        self.err = io.StringIO()

    @property
    def stdout(self) -> io.StringIO:
        return self.out

    @property
    def stderr(self) -> io.StringIO:
        return self.err


def test_help_lists_every_command_and_no_traceback_of_typer(run_echocli: RunEchocli) -> None:
    done = run_echocli("--help")
    assert (done.code, done.stderr) == (0, "")
    for name, (_, summary) in app.COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(summary)}$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", list(app.COMMANDS))
def test_help_of_every_command_fits_80_columns(run_echocli: RunEchocli, name: str) -> None:
    done = run_echocli(name, "-h", env={"COLUMNS": "80"})
    assert (done.code, done.stderr) == (0, "")
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    usage = done.stdout.splitlines()[0]
    assert re.fullmatch(rf"Usage: echocli {name} \[OPTIONS\]( \[?([A-Z.]+|-)\]?(\.\.\.)?)?", usage)
    assert "…" not in done.stdout.replace("float32, …", "")


def test_version(run_echocli: RunEchocli) -> None:
    done = run_echocli("--version")
    assert (done.code, done.stdout, done.stderr) == (0, f"echocli {__version__}\n", "")


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([], "Missing command"),
        (["trancribe"], "No such command 'trancribe'"),
        (["transcribe"], "nothing to transcribe"),
        (["transcribe", "a.wav", "--modle", "x"], "No such option: --modle"),
        (["transcribe", "a.wav", "--beam-size", "many"], "'many'"),
        (["transcribe", "a.wav", "--beam-size", "0"], "'0'"),
        (["transcribe", "a.wav", "--model"], "--model"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_one_line_and_a_hint(
    run_echocli: RunEchocli, args: list[str], text: str
) -> None:
    done = run_echocli(*args)
    assert (done.code, done.stdout) == (2, "")
    first, second = done.stderr.splitlines()
    assert first.startswith("echocli: error: ")
    assert text in first
    assert second.startswith("  see: echocli ")


def report(error: BaseException, *, debug: bool = False) -> tuple[int, str]:
    streams = Streams()
    streams.debug = debug
    code = app._report(error, streams)
    return code, streams.err.getvalue()


def test_an_error_is_a_line_and_its_hint() -> None:
    error = InputError("a.wav: is empty", hint="record again")
    assert report(error) == (3, "echocli: error: a.wav: is empty\n  record again\n")


def test_a_message_cannot_break_out_of_its_line() -> None:
    _, text = report(InputError("a\nb\x1b[31m: is empty"))
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text


def test_a_defect_is_called_one_and_shows_no_traceback() -> None:
    code, text = report(KeyError("speech"))
    assert code == ExitCode.FAILED
    assert text == (
        "echocli: error: unexpected KeyError: 'speech'\n"
        "  this is a defect; run again with --debug and report it\n"
    )


def test_a_full_disk_is_no_defect() -> None:
    code, text = report(OSError(errno.ENOSPC, "No space left on device"))
    assert code == 1
    assert text == "echocli: error: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize("args", ["detect", "--help", "shell-init bash"])
def test_a_closed_standard_output_is_a_clear_error(start_echocli: Start, args: str) -> None:
    running = start_echocli(*args.split(), preexec_fn=lambda: os.close(1))
    code, _, errors = running.end()
    assert code == 1
    assert errors == "echocli: error: cannot write to standard output: Bad file descriptor\n"


def test_a_full_disk_is_a_clear_error(start_echocli: Start) -> None:
    with Path("/dev/full").open("wb") as full:
        code, _, errors = start_echocli("detect", stdout=full).end()
    assert code == 1
    assert errors == "echocli: error: cannot write to standard output: No space left on device\n"


def test_an_interrupt_says_nothing_more() -> None:
    assert report(KeyboardInterrupt()) == (130, "")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP here")
class TestHangUp:
    def test_it_is_an_interrupt_and_keeps_what_is_final(
        self, start_echocli: Start, script: Script, long_file: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        options = script("Hi.", consumed=2, delay_ms=100)
        running = start_echocli("transcribe", long_file, *options, "-o", out)
        eventually(lambda: any(path.stat().st_size for path in out.glob(".long.txt.*.part")))
        running.process.send_signal(signal.SIGHUP)
        running.process.send_signal(signal.SIGHUP)
        code, _, errors = running.end()
        assert code == ExitCode.INTERRUPTED
        assert "Traceback" not in errors
        assert [path.name for path in out.iterdir()] == ["long.txt.part"]

    def test_it_does_nothing_under_nohup(
        self, start_echocli: Start, script: Script, samples: Path
    ) -> None:
        nohup = shutil.which("nohup")
        if nohup is None:
            pytest.skip("nohup is not installed")
        options = script("Hi.", consumed=2, delay_ms=50)
        running = start_echocli("transcribe", samples / "meeting.flac", *options, prefix=[nohup])
        running.wait_for_line()
        running.signal_group(signal.SIGHUP)
        code, text, _ = running.end()
        assert code == 0
        assert len(text.splitlines()) > 3


def test_debug_shows_where_it_happened(run_echocli: RunEchocli, tmp_path: Path) -> None:
    plain = run_echocli("detect", "--model", "tinny.en")
    traced = run_echocli("detect", "--model", "tinny.en", "--debug")
    assert "Traceback" not in plain.stderr
    assert "Traceback" in traced.stderr
    assert plain.code == traced.code == 4
