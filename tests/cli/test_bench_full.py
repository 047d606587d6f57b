from __future__ import annotations

import json
from pathlib import Path

import pytest

from echocli.bench.extras import METRICS
from tests.conftest import RunEchocli

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("tiny_model")]


@pytest.fixture
def run_echocli(run_program: RunEchocli) -> RunEchocli:
    """Run the program as a process: its start and its end are what is shown here."""
    return run_program


def test_full_measures_starting_recovering_and_two_at_once(
    run_echocli: RunEchocli, samples: Path
) -> None:
    demands = ["--assert", "recovery_ms<60000", "--assert", "two_sources_rtf<5"]
    words = ["bench", samples / "meeting.flac", "--model", "tiny.en", "--full", "--json"]
    done = run_echocli(*words, *demands)
    assert done.code == 0, done.stderr
    extras = json.loads(done.stdout)["extras"]
    assert list(extras) == list(METRICS)
    assert all(value > 0 for value in extras.values())
    assert extras["warmup_ms"] <= extras["warmup_all_ms"]


def test_what_was_not_measured_cannot_be_asserted(run_echocli: RunEchocli, samples: Path) -> None:
    words = ["bench", samples / "meeting.flac", "--model", "tiny.en"]
    done = run_echocli(*words, "--assert", "cold_start_ms<1e9")
    assert done.code == 6
    assert "--full" in done.stderr


@pytest.mark.parametrize("preset", ["fast", "accurate"])
def test_presets_can_be_measured(run_echocli: RunEchocli, samples: Path, preset: str) -> None:
    words = ["bench", samples / "meeting.flac", "--model", "tiny.en", "--preset", preset, "--json"]
    found = json.loads(run_echocli(*words).stdout)
    assert found["overall"]["wer"] <= 5


def test_an_unknown_preset_is_refused(run_echocli: RunEchocli, samples: Path) -> None:
    done = run_echocli("bench", samples / "meeting.flac", "--preset", "quick")
    assert done.code == 2
    assert "balanced" in done.stderr
