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
from echocli.errors import ExitCode, InputError, OutputError
from tests.cli.conftest import Script, Start, eventually
from tests.conftest import RunEchocli

pytestmark = pytest.mark.unit


@pytest.fixture
def run_echocli(run_program: RunEchocli) -> RunEchocli:
    """Run the program as a process: its start and its end are what is shown here."""
    return run_program


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
        (["trancribe"], "No such command 'trancribe'"),
        (["transcribe"], "nothing to transcribe"),
        (["transcribe", "a.wav", "--modle", "x"], "No such option: --modle"),
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


def test_no_word_at_all_is_answered_with_the_help_and_a_failure(run_echocli: RunEchocli) -> None:
    done = run_echocli()
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: echocli ")
    words = " ".join(done.stderr.split())
    assert "'echocli meeting.wav' is the same as 'echocli transcribe meeting.wav'" in words
    assert "echocli: error" not in words


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        ("transcribe --jobs 0", "--jobs: '0' cannot be used", "--jobs takes a whole number from 1"),
        ("live --mic -t x", "--threads: 'x' cannot", "--threads takes a whole number from 1"),
        ("live --vad-threshold 3", "--vad-threshold: '3'", "a number from 0 to 1"),
        ("warmup --level 9", "--level: '9'", "--level takes a whole number from 1 to 3"),
        ("bench --tolerance x", "--tolerance: 'x'", "--tolerance takes a number from 0"),
        ("completion bsh", "'bsh' is not one of", "did you mean bash?"),
        ("shell-init basic", "'basic' is not one of", "did you mean bash?"),
        ("completion powershell", "'powershell' is not one", "see: echocli completion --help"),
        ("bench --compare a.json", "requires 2 arguments", "see: echocli bench --help"),
        ("models list --nme", "No such option", "see: echocli models list --help"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_what_would(
    run_echocli: RunEchocli, args: str, message: str, hint: str
) -> None:
    done = run_echocli(*args.split())
    first, second = done.stderr.splitlines()
    assert (done.code, done.stdout) == (2, "")
    assert message in first
    assert "Input should" not in first
    assert hint in second


@pytest.mark.parametrize("command", [["transcribe"], ["transcribe", "-q"]], ids=" ".join)
def test_a_file_that_looks_like_an_option_is_told_how_to_be_one(
    run_echocli: RunEchocli, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "-dash.wav").touch()
    done = run_echocli(*command, "-dash.wav", cwd=tmp_path)
    assert done.code == 2
    assert "a file whose name begins with a dash: ./-dash.wav" in done.stderr
    assert "begins with a dash" not in run_echocli("transcribe", "-gone.wav", cwd=tmp_path).stderr


@pytest.mark.parametrize("columns", [30, 40, 50])
def test_help_is_as_narrow_as_the_terminal(run_echocli: RunEchocli, columns: int) -> None:
    for args in (["-h"], ["models", "-h"], ["detect", "-h"]):
        done = run_echocli(*args, env={"COLUMNS": str(columns)})
        assert [line for line in done.stdout.splitlines() if len(line) > columns] == []


def test_an_option_before_the_command_is_told_where_it_belongs(run_echocli: RunEchocli) -> None:
    done = run_echocli("--modle", "x")
    assert (done.code, done.stdout) == (2, "")
    assert "as in: echocli transcribe FILE --modle" in done.stderr


def test_a_command_that_is_mistyped_is_told_the_nearest(run_echocli: RunEchocli) -> None:
    assert "Did you mean 'transcribe'?" in run_echocli("trancribe", "talk.wav").stderr


@pytest.mark.parametrize("words", [["talk.flac"], ["-f", "txt", "talk.flac"]], ids=" ".join)
def test_a_file_in_the_place_of_the_command_is_transcribed(
    run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path, words: list[str]
) -> None:
    shutil.copy(samples / "meeting.flac", tmp_path / "talk.flac")
    done = run_echocli(*words, *script("Hello there."), cwd=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    assert "Hello there." in done.stdout


CODE_PAGES = {
    "cp437": {"PYTHONIOENCODING": "cp437"},
    "cp1252": {"PYTHONIOENCODING": "cp1252:strict"},
    "locale C": {"LC_ALL": "C"},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("page", CODE_PAGES)
class TestCodePages:
    @pytest.mark.parametrize("words", ["detect", "transcribe --help", "models list", "providers"])
    def test_what_is_printed_is_utf8(self, start_echocli: Start, words: str, page: str) -> None:
        running = start_echocli(*words.split(), prefix=set_variables(page))
        code, text, errors = running.end()
        assert (code, errors) == (0, "")
        assert text

    def test_text_and_names_of_any_script_are_written(
        self, start_echocli: Start, script: Script, samples: Path, tmp_path: Path, page: str
    ) -> None:
        name = tmp_path / "会議 שלום 😀.flac"
        shutil.copy(samples / "meeting.flac", name)
        command = ["transcribe", name, *script("日本語 שלום 😀.")]
        code, text, _ = start_echocli(*command, prefix=set_variables(page)).end()
        assert code == 0
        assert "日本語 שלום 😀." in text
        running = start_echocli(*command, "-o", tmp_path / "out", "-v", prefix=set_variables(page))
        code, _, errors = running.end()
        assert code == 0
        assert "defect" not in errors
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["会議 שלום 😀.txt"]


def set_variables(page: str) -> list[str]:
    """Return a prefix that runs a command with a code page."""
    program = shutil.which("env")
    if program is None:
        pytest.skip("env is not installed")
    words = (f"{name}={value}" for name, value in CODE_PAGES[page].items())
    return [program, "-u", "PYTHONIOENCODING", *words]


@pytest.mark.parametrize("words", ["--help", "detect", "models list --all", "transcribe --help"])
def test_a_reader_that_goes_away_at_once_is_no_error(start_echocli: Start, words: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout:
        code, _, errors = start_echocli(*words.split(), stdout=stdout).end()
    assert (code, errors) == (0, "")


def test_a_standard_input_that_is_closed_is_an_empty_one(
    start_echocli: Start, script: Script, samples: Path
) -> None:
    def close() -> None:
        os.close(0)

    code, _, errors = start_echocli("transcribe", "-", *script(), preexec_fn=close).end()
    assert code == ExitCode.INPUT
    assert "nothing arrived on standard input" in errors
    meeting = samples / "meeting.flac"
    code, text, errors = start_echocli("transcribe", meeting, *script(), preexec_fn=close).end()
    assert (code, errors) == (0, "")
    assert "Hello there." in text


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
    first = errors.splitlines()[0]
    assert first == "echocli: error: cannot write to standard output: Bad file descriptor"


def test_a_full_disk_is_a_clear_error(start_echocli: Start) -> None:
    with Path("/dev/full").open("wb") as full:
        code, _, errors = start_echocli("detect", stdout=full).end()
    assert code == 1
    assert errors == "echocli: error: cannot write to standard output: No space left on device\n"


def test_an_interrupt_says_nothing_more() -> None:
    assert report(KeyboardInterrupt()) == (130, "")


@pytest.mark.parametrize("error", [RuntimeError("release unlocked lock"), InputError("is closed")])
def test_what_fails_because_it_was_interrupted_is_the_interrupt(error: Exception) -> None:
    error.__context__ = ValueError("of the way out")
    error.__context__.__context__ = KeyboardInterrupt()
    assert report(error) == (130, "")


def test_what_an_interrupt_could_not_write_is_told() -> None:
    error = OutputError("a.txt: No space left on device")
    error.__context__ = KeyboardInterrupt()
    assert report(error) == (1, "echocli: error: a.txt: No space left on device\n")


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
