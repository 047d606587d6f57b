"""``transcribe --dry-run``: what would be done, and nothing is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Script
from tests.conftest import Completed, RunEchocli

pytestmark = pytest.mark.unit


@pytest.fixture
def meeting(samples: Path) -> Path:
    return samples / "meeting.flac"


def planned(done: Completed) -> dict[str, Any]:
    """Return the plan of ``--json``."""
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.code == found["exit_code"]
    return found


def test_each_input_has_what_would_become_of_it(
    run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
) -> None:
    out, bad = tmp_path / "out", tmp_path / "bad.wav"
    out.mkdir()
    (out / "meeting.txt").write_text("mine")
    bad.write_text("no sound")
    inputs = [samples / "meeting.flac", samples / "pauses.flac", bad, tmp_path / "gone.wav"]
    command = ["transcribe", *inputs, *script(), "-o", out, "--dry-run"]
    before = sorted(tmp_path.iterdir())
    run = run_echocli(*command, "--skip-existing", "--json")
    found = planned(run)
    assert [found[key] for key in ("provider", "installed")] == ["scripted", True]
    assert [it["state"] for it in found["inputs"]] == ["skip", "transcribe", "error", "error"]
    assert found["inputs"][1]["outputs"] == [str(out / "pauses.txt")]
    assert found["inputs"][1]["duration"] == pytest.approx(46.6, abs=0.1)
    assert run.code == 5
    assert "gone.wav: no such file" in run.stderr
    replaced = planned(run_echocli(*command, "--json"))["inputs"][0]["replaced"]
    assert replaced == [str(out / "meeting.txt")]
    assert sorted(tmp_path.iterdir()) == before
    assert [path.name for path in out.iterdir()] == ["meeting.txt"]


def test_people_get_a_line_for_each_input_and_the_sum(
    run_echocli: RunEchocli, script: Script, meeting: Path, tmp_path: Path
) -> None:
    run = run_echocli("transcribe", meeting, "-", *script(), "-o", tmp_path / "o", "--dry-run")
    assert (run.code, run.stderr) == (0, "")
    first, _, file, pipe, last = run.stdout.splitlines()
    assert first.endswith("on cpu with scripted")
    assert file.split() == [str(meeting), "0:21", "to", str(tmp_path / "o" / "meeting.txt")]
    assert pipe.split()[0] == "-"
    assert last == "2 to transcribe, 0:21 of sound; nothing was done"


def test_it_reads_nothing_from_standard_input(run_echocli: RunEchocli, script: Script) -> None:
    run = run_echocli("transcribe", "-", *script(), "--dry-run")
    assert (run.code, run.stderr) == (0, "")
    assert "to standard output" in run.stdout


def test_a_model_that_would_be_downloaded_is_said_and_not_downloaded(
    run_echocli: RunEchocli, meeting: Path
) -> None:
    command = ["transcribe", meeting, "--model", "large-v1", "--dry-run"]
    run = run_echocli(*command)
    assert run.code == 0
    assert "which would be downloaded" in run.stdout
    assert planned(run_echocli(*command, "--json"))["installed"] is False
    offline = run_echocli(*command, "--offline")
    assert (offline.code, offline.stdout) == (4, "")
    assert "models pull large-v1" in offline.stderr


def test_a_model_that_nobody_knows_is_the_error_it_would_be(
    run_echocli: RunEchocli, meeting: Path
) -> None:
    run = run_echocli("transcribe", meeting, "--model", "tinny.en", "--dry-run")
    assert (run.code, run.stdout) == (4, "")
    assert "did you mean tiny.en" in run.stderr


@pytest.mark.parametrize("name", ["file", "dir"])
def test_a_place_where_nothing_can_be_written_is_an_error(
    run_echocli: RunEchocli, script: Script, meeting: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dir" / "meeting.txt").mkdir(parents=True)
    run = run_echocli("transcribe", meeting, *script(), "-o", tmp_path / name, "--dry-run")
    assert run.code == 1
    assert "cannot write" in run.stderr


@pytest.mark.model
@pytest.mark.usefixtures("tiny_model")
@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["-l", "de"], 2),
        (["--task", "translate"], 2),
        (["--ladder", "bogus"], 2),
        (["--fallback", "nope:x"], 4),
        (["--fallback", "large-v1"], 4),
        (["--model-sha256", "0" * 64], 4),
        (["--model-revision", "0" * 40], 4),
        (["--max-memory-mb", "10"], 4),
        (["--metrics-file", "gone/m.jsonl"], 1),
        (["--simulate-load", "x"], 2),
        (["--suppress-tokens", "x"], 2),
    ],
    ids=lambda one: " ".join(one)[:30] if isinstance(one, list) else "",
)
def test_what_a_run_refuses_is_refused_alike(
    run_echocli: RunEchocli, meeting: Path, tmp_path: Path, options: list[str], code: int
) -> None:
    command = ["transcribe", meeting, "--model", "tiny.en", *options]
    planned_only = run_echocli(*command, "--dry-run", cwd=tmp_path)
    assert (planned_only.code, planned_only.stdout) == (code, "")
    run = run_echocli(*command, cwd=tmp_path)
    assert run.code == code
    said = run.stderr.replace("cannot write metrics to", "cannot write").splitlines()
    assert planned_only.stderr.splitlines()[0] == said[0]


def test_a_program_that_is_not_there_is_the_error_it_would_be(
    run_echocli: RunEchocli, meeting: Path, tmp_path: Path
) -> None:
    voxtral = ("-p", "voxtral", "--voxtral-binary", "/nope", "--voxtral-model", tmp_path)
    run = run_echocli("transcribe", meeting, *voxtral, "--dry-run")
    assert (run.code, run.stdout) == (4, "")
    assert "there is no program /nope" in run.stderr


def test_where_nothing_is_left_to_do_nothing_is_refused(
    run_echocli: RunEchocli, script: Script, meeting: Path, tmp_path: Path
) -> None:
    (tmp_path / "meeting.txt").write_text("mine")
    command = ["transcribe", meeting, *script(), "-o", tmp_path, "--skip-existing"]
    for more in ((), ("--dry-run",)):
        assert run_echocli(*command, "--ladder", "bogus", *more).code == 0


def test_json_is_for_the_dry_run(run_echocli: RunEchocli, script: Script, meeting: Path) -> None:
    run = run_echocli("transcribe", meeting, *script(), "--json")
    assert run.code == 2
    assert "-f json" in run.stderr
