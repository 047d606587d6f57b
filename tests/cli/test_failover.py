"""Providers that die, hang or cannot be loaded, and what a user sees of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.cli.conftest import Start, assert_all_end
from tests.cli.stream import Stream, assert_is_in_order, cut, word_errors
from tests.cli.watched import FIRST, RESTARTED, Watched
from tests.conftest import Completed, RunEchocli

DYING = {str(number): "crash" for number in (1, 2, 3)}
"""Steps of a provider that is given up: its third death with nothing decoded in between."""

DEAD = {str(number): "crash" for number in range(1, 60)}

Scripts: TypeAlias = Callable[..., str]


@pytest.fixture
def scripts(tmp_path: Path) -> Scripts:
    """Return ``make(name, *texts, **keys) -> name`` of a script where the program runs."""

    def make(name: str, *texts: str, **keys: Any) -> str:
        content = json.dumps({"texts": texts, "consumed": 4} | keys)
        (tmp_path / f"{name}.json").write_text(content, encoding="utf-8")
        return f"{name}.json"

    return make


@pytest.fixture
def meeting(samples: Path) -> Path:
    """Return the sample of six sentences in 21 s."""
    return samples / "meeting.flac"


@pytest.fixture
def run(run_echocli: RunEchocli, tmp_path: Path, meeting: Path) -> Callable[..., Completed]:
    """Return ``run(model, *options, env=None)``: transcribe the sample with a script."""

    def transcribe(
        model: str, *options: str | Path, env: dict[str, str] | None = None
    ) -> Completed:
        command = ("transcribe", meeting, "-p", "scripted", "-m", model, *options)
        return run_echocli(*command, cwd=tmp_path, env=env)

    return transcribe


def of(kind: str, printed: str) -> list[dict[str, Any]]:
    """Return the events of a kind among JSON lines."""
    events = (json.loads(line) for line in printed.splitlines())
    return [event for event in events if event["type"] == kind]


@pytest.mark.unit
class TestFiles:
    def test_the_fallback_decodes_everything_that_was_with_the_provider_that_died(
        self, run: Callable[..., Completed], scripts: Scripts
    ) -> None:
        dying, other = scripts("dying", "A.", steps=DYING), scripts("other", "B.")
        calm = run(other, "-f", "jsonl")
        done = run(dying, "--fallback", f"scripted:{other}", "-f", "jsonl")
        assert done.code == 0
        spans = [(final["start"], final["end"]) for final in of("final", done.stdout)]
        assert spans == [(final["start"], final["end"]) for final in of("final", calm.stdout)]
        assert {final["text"] for final in of("final", done.stdout)} == {"B."}
        assert of("gap", done.stdout) == []
        (failover,) = of("failover", done.stdout)
        assert failover == {
            "type": "failover",
            "from": "scripted:dying.json",
            "to": "scripted:other.json",
            "reason": "worker was killed by signal 9",
            "replayed_seconds": pytest.approx(20, abs=1),
        }
        assert done.stderr.count(": scripted:other.json goes on, ") == 1
        (stats,) = of("stats", done.stdout)
        assert (stats["stats"]["model"], len(stats["stats"]["failovers"])) == ("other.json", 1)

    def test_a_model_alone_names_a_fallback_of_the_same_provider(
        self, run: Callable[..., Completed], scripts: Scripts
    ) -> None:
        done = run(scripts("dying", "A.", steps=DYING), "--fallback", scripts("other", "B."))
        assert (done.code, set(done.stdout.split())) == (0, {"B."})

    def test_without_a_fallback_a_fresh_worker_is_tried_once_more(
        self, run: Callable[..., Completed], scripts: Scripts
    ) -> None:
        dying = scripts("dying", "A.", steps=DYING)
        done = run(dying, "--fallback", "none")
        assert (done.code, set(done.stdout.split())) == (0, {"A."})
        assert "goes on" not in done.stderr
        assert done.stderr.count("the worker was restarted") == 3

    def test_sound_that_nobody_can_decode_is_a_gap_and_a_failure(
        self, run: Callable[..., Completed], scripts: Scripts
    ) -> None:
        done = run(scripts("dead", "A.", steps=DEAD), "--fallback", "none", "-f", "jsonl")
        assert done.code == 1
        (gap,) = of("gap", done.stdout)
        assert "killed by signal 9" in gap["reason"]
        assert f"no text from {gap['start']:.1f} s to {gap['end']:.1f} s" in done.stderr
        assert of("end", done.stdout)

    def test_a_provider_that_does_not_load_is_replaced_at_once(
        self, run: Callable[..., Completed], scripts: Scripts
    ) -> None:
        refusing = scripts("refusing", "A.", load_error="the weights are damaged")
        options = ("--fallback", scripts("other", "B."), "-f", "jsonl")
        done = run(refusing, *options)
        assert done.code == 0
        (failover,) = of("failover", done.stdout)
        assert failover["reason"] == "the weights are damaged"
        assert failover["replayed_seconds"] == 0
        (ready,) = of("ready", done.stdout)
        assert ready["model"] == "other.json"

    @pytest.mark.parametrize("fallback", ["none", "worse.json"])
    def test_where_nothing_can_be_loaded_the_model_is_unavailable(
        self, run: Callable[..., Completed], scripts: Scripts, fallback: str
    ) -> None:
        refusing = scripts("refusing", "A.", load_error="the weights are damaged")
        scripts("worse", "B.", load_error="there is nothing in it")
        done = run(refusing, "--fallback", fallback)
        assert (done.code, done.stdout) == (4, "")
        expected = "the weights are damaged" if fallback == "none" else "there is nothing in it"
        (error,) = (line for line in done.stderr.splitlines() if "error: " in line)
        assert expected in error

    def test_settings_name_a_fallback_too(
        self, run: Callable[..., Completed], scripts: Scripts, tmp_path: Path
    ) -> None:
        dying, other = scripts("dying", "A.", steps=DYING), scripts("other", "B.")
        by_variable = run(dying, env={"ECHOCLI_FALLBACK": f"scripted:{other}"})
        config = tmp_path / "echocli-config"
        config.mkdir()
        (config / "config.toml").write_text(f'fallback = "scripted:{other}"\n')
        by_file = run(dying)
        by_option = run(dying, "--fallback", "none", env={"ECHOCLI_FALLBACK": "nonsense"})
        assert [set(done.stdout.split()) for done in (by_variable, by_file, by_option)] == [
            {"B."},
            {"B."},
            {"A."},
        ]

    @pytest.mark.parametrize(
        ("fallback", "code", "message"),
        [
            ("nosuch:other.json", 4, "unknown provider 'nosuch'"),
            ("faster-whisper:nosuch", 4, "unknown model 'nosuch'"),
            ("faster-whisper:medium", 4, "model 'medium' is not installed"),
            ("faster-whisper:/dev", 4, "the model in /dev is incomplete"),
            ("scripted:", 2, "names no model"),
            (":other.json", 2, "names no model"),
            (" ", 2, "cannot be used"),
        ],
    )
    def test_a_fallback_that_cannot_be_used_is_said_before_any_work(
        self,
        run_echocli: RunEchocli,
        scripts: Scripts,
        meeting: Path,
        tmp_path: Path,
        fallback: str,
        code: int,
        message: str,
    ) -> None:
        model = scripts("other", "B.")
        options = ("-p", "scripted", "-m", model, "--fallback", fallback)
        for command in (("transcribe", meeting), ("live", "--file", meeting)):
            done = run_echocli(*command, *options, cwd=tmp_path)
            assert (done.code, done.stdout) == (code, "")
            assert done.stderr.startswith("echocli: error: --fallback")
            assert message in done.stderr
        assert not (tmp_path / "other.json.state").exists()


@pytest.mark.unit
class TestLive:
    def test_no_word_is_lost_when_the_provider_dies_for_good(
        self, start_echocli: Start, scripts: Scripts, meeting: Path, tmp_path: Path
    ) -> None:
        file = cut(meeting, tmp_path / "first.wav", 0, 4.2)
        steps = {str(number): "crash" for number in range(3, 60)}
        options = ("-m", scripts("dying", "A.", steps=steps), "--fallback", scripts("other", "B."))
        command = ("live", "--file", file, "-f", "jsonl", "-p", "scripted")
        stream = Stream(start_echocli(*command, *options, cwd=tmp_path))
        code, errors = stream.end()
        assert code == 0
        assert stream.texts == ["B."]
        assert stream.of("gap") == []
        (failover,) = stream.of("failover")
        assert (failover["from"], failover["to"]) == ("scripted:dying.json", "scripted:other.json")
        assert 0 < failover["replayed_seconds"] < 5
        assert errors.count("scripted:other.json goes on") == 1
        assert_is_in_order(stream.events)


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.usefixtures("tiny_model")
class TestARealWorker:
    def test_one_that_is_killed_again_and_again_costs_no_word(
        self, start_echocli: Start, meeting: Path, tmp_path: Path
    ) -> None:
        calm = start_echocli("transcribe", meeting, "-m", "tiny.en").end()
        command = ("transcribe", meeting, "--fallback", "none")
        watched = Watched(start_echocli, tmp_path / "log", *command)
        killed = []
        for turn in range(3):
            worker = watched.at_work(turn + 1)
            worker.kill()
            killed.append(worker)
        code, text, errors = watched.running.end()
        assert (code, text) == calm[:2]
        assert errors.splitlines() == [RESTARTED + "worker was killed by signal 9"] * 3
        assert_all_end(killed)

    def test_one_that_stands_still_costs_no_word(
        self, start_echocli: Start, samples: Path, tmp_path: Path
    ) -> None:
        # What the first request takes tells how long the next may.
        command = ("transcribe", samples / "pauses.flac")
        watched = Watched(start_echocli, tmp_path / "log", *command)
        worker = watched.at_work(2)
        worker.suspend()
        code, text, errors = watched.running.end()
        reference = (samples / "pauses.ref.txt").read_text(encoding="utf-8")
        assert code == 0
        assert word_errors(reference, [text]) <= 0.02
        assert errors.startswith(RESTARTED + "no answer within ")
        assert_all_end([worker])

    def test_one_that_is_killed_in_the_middle_of_a_sentence_leaves_no_gap(
        self, start_echocli: Start, meeting: Path, tmp_path: Path
    ) -> None:
        file = cut(meeting, tmp_path / "first.wav", 0, 4.2)
        command = ("live", "--file", file, "--pace", "-f", "jsonl")
        watched = Watched(start_echocli, tmp_path / "log", *command)
        stream = Stream(watched.running)
        stream.until("partial")
        watched.at_work(1).kill()
        code, errors = stream.end()
        assert code == 0
        assert errors.count(RESTARTED) == 1
        assert stream.of("gap") == []
        assert word_errors(FIRST, stream.texts) == 0
        assert_is_in_order(stream.events)

    @pytest.mark.parametrize("damage", ["cut off", "other bytes"])
    def test_a_model_that_is_damaged_is_replaced_by_the_fallback(
        self, run_echocli: RunEchocli, meeting: Path, tiny_model: Path, tmp_path: Path, damage: str
    ) -> None:
        broken = tmp_path / "broken"
        broken.mkdir()
        for part in tiny_model.iterdir():
            if part.name != "model.bin":
                (broken / part.name).symlink_to(part)
        weights = (tiny_model / "model.bin").read_bytes()[: 10 * 2**20]
        (broken / "model.bin").write_bytes(weights if damage == "cut off" else weights[::-1])
        file = cut(meeting, tmp_path / "first.wav", 0, 4.2)
        options = ("-m", broken, "--fallback", "faster-whisper:tiny.en", "-f", "jsonl")
        done = run_echocli("transcribe", file, *options)
        assert done.code == 0
        assert word_errors(FIRST, [final["text"] for final in of("final", done.stdout)]) == 0
        (failover,) = of("failover", done.stdout)
        assert failover["to"] == "faster-whisper:tiny.en"
        expected = "is damaged" if damage == "cut off" else "could not be loaded"
        assert expected in failover["reason"]
        assert done.stderr.count(": faster-whisper:tiny.en goes on") == 1
