"""The options that say how to keep up: what is refused, where it is set, what they write."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from echocli import log
from tests.cli.conftest import Script
from tests.cli.stream import cut
from tests.conftest import Completed, RunEchocli

pytestmark = pytest.mark.unit

Run = Callable[..., Completed]


@pytest.fixture
def sentence(samples: Path, tmp_path: Path) -> Path:
    """Return the first sentence of the sample."""
    return cut(samples / "meeting.flac", tmp_path / "first.wav", 0, 4.2)


@pytest.fixture
def run(run_echocli: RunEchocli, script: Script, sentence: Path, tmp_path: Path) -> Run:
    """Return ``run(*options, live=False, env=None)``: a sentence with a script."""

    def play(
        *options: str | Path, live: bool = False, env: dict[str, str] | None = None
    ) -> Completed:
        source = ("live", "--file", sentence) if live else ("transcribe", sentence)
        return run_echocli(*source, *script("Something secret."), *options, cwd=tmp_path, env=env)

    return play


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--ladder", "rtf=1"), "--ladder: 'rtf=1' is no threshold"),
            (("--ladder", "calm=nan"), "--ladder: 'calm=nan' is no threshold"),
            (("--ladder", "rtf=3/2/1"), "--ladder: the RTFs of the ladder must rise"),
            (("--simulate-load", "4@9-2"), "--simulate-load '4@9-2' is no load"),
            (("--drop-policy", "lose"), "--drop-policy: 'lose' cannot be used"),
            (("--unload-after", "nan"), "--unload-after: 'nan' cannot be used"),
            (("--metrics-seconds", "0"), "--metrics-seconds: '0.0' cannot be used"),
            (("--log-level", "loud"), "--log-level: 'loud' cannot be used"),
        ],
        ids=lambda value: "=".join(value) if isinstance(value, tuple) else "",
    )
    def test_a_value_that_makes_no_sense_is_one_line_and_a_hint(
        self, run: Run, options: tuple[str, str], message: str
    ) -> None:
        done = run(*options, live=True)
        assert (done.code, done.stdout) == (2, "")
        assert done.stderr.startswith(f"echocli: error: {message}")
        assert len(done.stderr.splitlines()) == 2

    def test_what_only_live_speech_has_is_refused_for_a_file(self, run: Run) -> None:
        done = run("--drop-policy", "spool")
        assert (done.code, done.stdout) == (2, "")
        assert "--drop-policy needs --mic" in done.stderr

    @pytest.mark.parametrize("option", ["--metrics-file", "--log-file"])
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("folder", "Is a directory"),
            ("gone/file", "No such file or directory"),
            ("locked/file", "Permission denied"),
        ],
    )
    def test_a_file_that_cannot_be_written_is_said_before_any_work(
        self, run: Run, tmp_path: Path, option: str, name: str, reason: str
    ) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "locked").mkdir(mode=0o500)
        if name.startswith("locked") and os.access(tmp_path / "locked", os.W_OK):
            pytest.skip("this user may write everywhere")
        done = run(option, name)
        assert (done.code, done.stdout) == (1, "")
        (error, _) = done.stderr.splitlines()
        assert error.endswith(f" {name}: {reason}")

    def test_a_file_of_something_else_is_left_as_it_is(self, run: Run, tmp_path: Path) -> None:
        notes = tmp_path / "notes.txt"
        notes.write_text("My notes.\n")
        done = run("--metrics-file", notes)
        assert (done.code, done.stdout) == (1, "")
        assert f"{notes} holds something else than metrics" in done.stderr
        assert notes.read_text() == "My notes.\n"

    @pytest.mark.usefixtures("tiny_model")
    @pytest.mark.parametrize("model", [("-m", "tiny.en"), ()], ids=["named", "chosen"])
    def test_a_model_that_needs_too_much_memory_is_not_loaded(
        self, run_echocli: RunEchocli, sentence: Path, model: tuple[str, ...]
    ) -> None:
        done = run_echocli("transcribe", sentence, *model, "--max-memory-mb", "100")
        assert (done.code, done.stdout) == (4, "")
        error, hint = done.stderr.splitlines()
        assert "--max-memory-mb allows" in error
        assert "the smallest, tiny.en, needs about " in hint


class TestSources:
    """A bad value shows that a setting is read: nothing else has to happen."""

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("degrade", "perhaps", "ECHOCLI_DEGRADE"),
            ("ladder", "rtf=1", "rtf=1"),
            ("drop_policy", "lose", "ECHOCLI_DROP_POLICY"),
            ("max_memory_mb", "much", "ECHOCLI_MAX_MEMORY_MB"),
        ],
    )
    def test_the_environment_sets_it(self, run: Run, name: str, value: str, message: str) -> None:
        done = run(live=True, env={f"ECHOCLI_{name.upper()}": value})
        assert (done.code, done.stdout) == (2, "")
        assert message in done.stderr
        assert value in done.stderr

    @pytest.mark.parametrize("line", ["degrade = 3", 'ladder = "rtf=1"', "max_memory_mb = -1"])
    def test_the_config_file_sets_it(self, run: Run, tmp_path: Path, line: str) -> None:
        config = tmp_path / "echocli-config"
        config.mkdir()
        (config / "config.toml").write_text(line + "\n")
        done = run(live=True)
        assert (done.code, done.stdout) == (2, "")
        assert line.split(" = ")[1].strip('"') in done.stderr

    def test_the_command_line_comes_first(self, run: Run) -> None:
        env = {"ECHOCLI_LADDER": "nonsense", "ECHOCLI_DROP_POLICY": "nonsense"}
        done = run("--ladder", "calm=5", "--drop-policy", "discard", live=True, env=env)
        assert (done.code, done.stderr) == (0, "")

    @pytest.mark.parametrize(("degrade", "told"), [("1", True), ("0", False)])
    def test_a_variable_turns_degrading_off(
        self, run_echocli: RunEchocli, script: Script, samples: Path, degrade: str, told: bool
    ) -> None:
        ladder = {"ECHOCLI_LADDER": "rtf=0.002/0.004/0.006,recovery=0.001,dwell=0.1"}
        env = ladder | {"ECHOCLI_DEGRADE": degrade}
        options = script(delay_ms=300)
        done = run_echocli("transcribe", samples / "pauses.flac", *options, env=env)
        assert done.code == 0
        assert ("NORMAL → " in done.stderr) is told


class TestMetrics:
    def test_a_second_run_appends_and_its_totals_go_on(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "metrics.jsonl"
        for _ in range(2):
            assert run("--metrics-file", path).code == 0
        first, second = self.last_of_each(path)
        assert (first["session"], second["session"]) == (1, 2)
        assert second["total"]["sessions"] == 2
        assert first["total"]["audio_seconds"] == pytest.approx(4.2, abs=0.1)
        assert second["total"]["audio_seconds"] == pytest.approx(8.4, abs=0.2)
        assert second["total"]["windows"] > first["total"]["windows"] > 0
        assert (second["provider"], second["degrade_level"]) == ("scripted", "NORMAL")
        assert "secret" not in path.read_text()

    @staticmethod
    def last_of_each(path: Path) -> list[dict[str, Any]]:
        """Return the last line of every session."""
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return list({line["session"]: line for line in lines}.values())


class TestLog:
    @pytest.mark.parametrize("live", [False, True], ids=["transcribe", "live"])
    def test_it_has_events_of_constant_names_and_no_word_of_the_text(
        self, run: Run, live: bool
    ) -> None:
        done = run("--log-level", "debug", live=live)
        assert done.code == 0
        assert "Something secret." in done.stdout
        assert "secret" not in done.stderr
        names = [line.split()[2] for line in done.stderr.splitlines()]
        assert set(names) <= log.EVENTS.keys()
        for name in ("model_load_start", "model_ready", "vad_model_loaded", "inference_complete"):
            assert name in names

    def test_a_file_takes_it_and_levels_below_are_left_out(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "log.txt"
        for _ in range(2):
            done = run("--log-level", "info", "--log-file", path)
            assert (done.code, done.stderr) == (0, "")
        text = path.read_text()
        assert text.count(" INFO model_ready ") == 2
        assert "inference_start" not in text
