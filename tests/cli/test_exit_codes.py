"""One test for every exit code; README.md and docs/reference list what they mean."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from echocli.errors import ExitCode
from tests.cli.conftest import Script, Start
from tests.conftest import ROOT, RunEchocli

pytestmark = pytest.mark.unit


@pytest.fixture
def run_echocli(run_program: RunEchocli) -> RunEchocli:
    """Run the program as a process: its start and its end are what is shown here."""
    return run_program


@pytest.fixture
def meeting(samples: Path) -> Path:
    """Return a recording that can be read."""
    return samples / "meeting.flac"


def test_0_is_done(run_echocli: RunEchocli, script: Script, meeting: Path) -> None:
    assert run_echocli("transcribe", meeting, *script()).code == ExitCode.OK


def test_0_is_done_also_without_a_word(
    run_echocli: RunEchocli, script: Script, meeting: Path
) -> None:
    done = run_echocli("transcribe", meeting, *script(""))
    assert (done.code, done.stdout) == (0, "")


def test_0_is_done_also_where_a_file_ends_early(
    run_echocli: RunEchocli, script: Script, meeting: Path, tmp_path: Path
) -> None:
    (tmp_path / "cut.flac").write_bytes(meeting.read_bytes()[:100_000])
    done = run_echocli("transcribe", tmp_path / "cut.flac", *script())
    assert (done.code, done.stdout) == (0, "Hello there.\n")
    assert "echocli: notice: " in done.stderr
    assert "ends early" in done.stderr


def test_1_is_a_transcription_that_failed(
    run_echocli: RunEchocli, script: Script, meeting: Path
) -> None:
    options = script(steps={str(n): "error" for n in range(1, 100)}, consumed=1)
    done = run_echocli("transcribe", meeting, *options)
    assert done.code == ExitCode.FAILED
    assert "Traceback" not in done.stderr


def test_1_is_a_transcript_with_a_gap(
    run_echocli: RunEchocli, script: Script, samples: Path
) -> None:
    options = script("One.", "Two.", "Three.", crash_on="Two.")
    done = run_echocli("transcribe", samples / "pauses.flac", *options)
    assert done.code == ExitCode.FAILED
    assert "One." in done.stdout
    assert "Three." in done.stdout
    assert "no text from " in done.stderr


def test_1_is_output_that_cannot_be_written(
    start_echocli: Start, script: Script, meeting: Path
) -> None:
    with Path("/dev/full").open("wb") as full:
        code, _, errors = start_echocli("transcribe", meeting, *script(), stdout=full).end()
    assert code == ExitCode.FAILED
    assert "cannot write to standard output: No space left on device" in errors


def test_2_is_a_usage_error(run_echocli: RunEchocli) -> None:
    assert run_echocli("transcribe").code == ExitCode.USAGE


def test_3_is_audio_that_cannot_be_read(run_echocli: RunEchocli, script: Script) -> None:
    assert run_echocli("transcribe", "gone.wav", *script()).code == ExitCode.INPUT


def test_3_is_also_all_of_several_files(run_echocli: RunEchocli, script: Script) -> None:
    assert run_echocli("transcribe", "gone.wav", "lost.wav", *script()).code == ExitCode.INPUT


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--model", "tinny.en"], "did you mean tiny.en"),
        (["--model", "./no/such/model"], ""),
        (["--provider", "faster-wisper"], "did you mean faster-whisper"),
        (["--model", "large-v3", "--offline"], ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_4_is_a_model_or_provider_that_cannot_be_used(
    run_echocli: RunEchocli, meeting: Path, options: list[str], hint: str
) -> None:
    done = run_echocli("transcribe", meeting, *options, env={"HF_HOME": "/nonexistent"})
    assert (done.code, done.stdout) == (ExitCode.UNAVAILABLE, "")
    assert hint in done.stderr


def test_4_is_also_a_model_that_does_not_load(
    run_echocli: RunEchocli, script: Script, meeting: Path
) -> None:
    done = run_echocli("transcribe", meeting, meeting, *script(load_error="out of memory"))
    assert (done.code, done.stdout) == (ExitCode.UNAVAILABLE, "")
    assert done.stderr.count("out of memory") == 1


def test_5_is_some_files_failed(run_echocli: RunEchocli, script: Script, meeting: Path) -> None:
    done = run_echocli("transcribe", "gone.wav", meeting, *script())
    assert (done.code, done.stdout) == (ExitCode.PARTIAL, "Hello there.\n")


def test_5_is_also_a_provider_that_fails_for_good_after_some_files_are_done(
    run_echocli: RunEchocli, script: Script, meeting: Path, tmp_path: Path
) -> None:
    dying = script(steps={str(n): "crash" for n in range(3, 400)})
    files = [tmp_path / f"{number}.flac" for number in range(6)]
    for file in files:
        file.symlink_to(meeting)
    done = run_echocli("transcribe", *files, *dying, "--fallback", "none")
    assert done.code == ExitCode.PARTIAL
    assert set(done.stdout.splitlines()) == {"Hello there."}
    assert "no provider can decode this any more" in done.stderr
    assert " done, " in done.stderr.splitlines()[-1]


@pytest.mark.model
def test_6_is_an_assertion_of_bench(
    run_echocli: RunEchocli, tiny_model: Path, meeting: Path
) -> None:
    done = run_echocli("bench", meeting, "-m", "tiny.en", "--assert", "rtf<0.000001")
    assert done.code == ExitCode.ASSERTION
    assert "rtf" in done.stderr


def test_130_is_an_interrupt(start_echocli: Start, script: Script, long_file: Path) -> None:
    running = start_echocli("transcribe", long_file, *script("Hi.", consumed=2, delay_ms=100))
    running.wait_for_line()
    running.signal_group(signal.SIGINT)
    code, _, _ = running.end()
    assert code == ExitCode.INTERRUPTED


def test_the_readme_lists_all_of_them() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [code.name for code in ExitCode if f"\n| {code.value} | " not in text] == []
