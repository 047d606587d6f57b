"""``echocli bench --live`` plays files at their own speed and says what a listener waits for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.conftest import RunEchocli

pytestmark = pytest.mark.unit

Script = Callable[..., list[str]]


@pytest.fixture
def short(samples: Path, tmp_path: Path) -> Path:
    """A second of speech, with what is said."""
    sound, rate = soundfile.read(samples / "meeting.flac", dtype="float32")
    path = tmp_path / "short.wav"
    soundfile.write(path, sound[rate // 2 : rate * 3 // 2], rate)
    (tmp_path / "short.ref.txt").write_text("Good evening.", encoding="utf-8")
    return path


def test_latencies_and_errors_are_reported_and_can_be_asserted(
    run_echocli: RunEchocli, script: Script, short: Path
) -> None:
    short.with_name("short.words.json").write_text(
        '[[0.1, 0.3, "good"], [0.3, 0.8, "evening"]]', encoding="utf-8"
    )
    demands = ["--assert", "ttfs_p95<5000", "--assert", "live_wer<=0", "--assert", "rtf<1"]
    done = run_echocli("bench", "--live", "--json", short, *script("Good morning."), *demands)
    found = json.loads(done.stdout)
    assert done.code == 6
    assert "live_wer<=0: live_wer is 50" in done.stderr
    assert "measure it without --live" in done.stderr
    assert (found["overall"], found["files"], found["failed"]) == (None, [], [])
    assert [verdict["holds"] for verdict in found["assertions"]] == [True, False, False]
    (file,) = found["live"]["files"]
    overall = found["live"]["overall"]
    assert file["file"] == str(short)
    assert file["audio_seconds"] == overall["audio_seconds"] == 2.0
    assert overall["ttfs_ms"]["count"] == overall["finalising_ms"]["count"] == 1
    assert 200 < overall["ttfs_ms"]["p50"] < 5000
    assert overall["commit_ms"]["count"] == 1  # "morning" is not what was said
    assert set(file["core"]) >= {"ttfs_ms", "commit_ms", "partials"}


def test_people_see_a_table(
    run_echocli: RunEchocli, script: Script, short: Path, tmp_path: Path
) -> None:
    done = run_echocli("bench", "--live", tmp_path / "nope.wav", short, *script("Good evening."))
    assert done.code == 5, done.stderr
    assert done.stdout.startswith("file ")
    assert "TTFS p50" in done.stdout
    assert "WER            0.00 %" in done.stdout
    assert "nope.wav" in done.stderr


def test_nothing_that_can_be_played_is_exit_3(
    run_echocli: RunEchocli, script: Script, tmp_path: Path
) -> None:
    (tmp_path / "bad.wav").write_bytes(b"not sound" * 100)
    done = run_echocli("bench", "--live", tmp_path / "bad.wav", *script(), "--assert", "ttfs_p50<1")
    assert (done.code, done.stdout) == (3, "")
    assert "bad.wav" in done.stderr


def test_live_figures_of_an_ordinary_run_say_how_to_get_them(
    run_echocli: RunEchocli, script: Script, short: Path
) -> None:
    done = run_echocli("bench", short, *script(), "--assert", "finalising_p95<350")
    assert done.code == 6
    assert "measure it with --live" in done.stderr


def test_what_makes_no_sense_is_exit_2(
    run_echocli: RunEchocli, script: Script, short: Path
) -> None:
    done = run_echocli("bench", "--live", "--full", short)
    assert (done.code, done.stdout) == (2, "")
    assert "do not go together" in done.stderr
    short.with_name("short.words.json").write_text('["good"]', encoding="utf-8")
    done = run_echocli("bench", "--live", short, *script())
    assert (done.code, done.stdout) == (2, "")
    assert "short.words.json: word 1" in done.stderr
