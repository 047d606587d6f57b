"""One inference library goes on with the same weights where the other fails for good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Start, assert_all_end
from tests.cli.stream import Stream, assert_is_in_order, cut, word_errors
from tests.cli.watched import FIRST, Watched
from tests.conftest import RunEchocli

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.usefixtures("tiny_model")]

LIBRARIES = ("faster-whisper", "whisper-cpp")


def of(kind: str, printed: str) -> list[dict[str, Any]]:
    events = (json.loads(line) for line in printed.splitlines())
    return [event for event in events if event["type"] == kind]


@pytest.mark.parametrize("first", LIBRARIES)
def test_a_recording_is_whole_when_a_library_dies_three_times_in_a_row(
    start_echocli: Start, samples: Path, tmp_path: Path, first: str
) -> None:
    second = next(name for name in LIBRARIES if name != first)
    # What was named is not replaced unless somebody says by what.
    chosen = () if first == LIBRARIES[0] else ("-p", first, "--fallback", second)
    command = ("transcribe", samples / "meeting.flac", "-f", "jsonl", *chosen)
    watched = Watched(start_echocli, tmp_path / "log", *command)
    killed = []
    for turn in range(3):
        worker = watched.at_work(turn + 1)
        worker.kill()
        killed.append(worker)
    code, printed, errors = watched.running.end()
    assert code == 0
    (failover,) = of("failover", printed)
    assert (failover["from"], failover["to"]) == (f"{first}:tiny.en", f"{second}:tiny.en")
    assert of("gap", printed) == []
    said = [final["text"] for final in of("final", printed)]
    reference = (samples / "meeting.ref.txt").read_text(encoding="utf-8")
    assert word_errors(reference, said) <= 0.05
    assert errors.count(f"{second}:tiny.en goes on") == 1
    assert_all_end(killed)


def test_live_speech_goes_on_with_the_other_library(
    start_echocli: Start, samples: Path, tmp_path: Path
) -> None:
    file = cut(samples / "meeting.flac", tmp_path / "first.wav", 0, 4.2)
    command = ("live", "--file", file, "--pace", "-f", "jsonl")
    watched = Watched(start_echocli, tmp_path / "log", *command)
    stream = Stream(watched.running)
    stream.until("speech_started")
    for turn in range(3):
        watched.at_work(turn + 1).kill()
    code, _ = stream.end()
    assert code == 0
    (failover,) = stream.of("failover")
    assert failover["to"] == "whisper-cpp:tiny.en"
    assert stream.of("gap") == []
    assert word_errors(FIRST, stream.texts) <= 0.1
    assert_is_in_order(stream.events)


def test_damaged_weights_of_one_library_are_left_for_the_file_of_the_other(
    run_echocli: RunEchocli, samples: Path, tiny_model: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for part in tiny_model.iterdir():
        (broken / part.name).symlink_to(part)
    (broken / "model.bin").unlink()
    (broken / "model.bin").write_bytes((tiny_model / "model.bin").read_bytes()[: 10 * 2**20])
    file = cut(samples / "meeting.flac", tmp_path / "first.wav", 0, 4.2)
    options = ("-m", broken, "--fallback", "whisper-cpp:tiny.en", "-f", "jsonl")
    done = run_echocli("transcribe", file, *options)
    assert done.code == 0
    assert word_errors(FIRST, [final["text"] for final in of("final", done.stdout)]) <= 0.1
    (failover,) = of("failover", done.stdout)
    assert failover["to"] == "whisper-cpp:tiny.en"


@pytest.mark.parametrize("options", [("--fallback", "none"), ("-p", "faster-whisper")])
def test_a_library_that_was_named_or_shall_stay_is_tried_again(
    start_echocli: Start, samples: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    command: tuple[str | Path, ...] = ("transcribe", samples / "meeting.flac", *options)
    watched = Watched(start_echocli, tmp_path / "log", *command)
    for turn in range(3):
        watched.at_work(turn + 1).kill()
    code, _, errors = watched.running.end()
    assert (code, errors.count("goes on")) == (0, 0)
