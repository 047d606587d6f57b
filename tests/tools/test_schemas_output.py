"""What the program really writes, held against the schemas to the last field.

What a machine leaves that is too slow for a while is in ``tests/cli/test_live_ladder.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import soundfile

from echocli.audio.devices import AudioDevice
from echocli.cli.devices import as_object
from tests.conftest import Completed, RunEchocli
from tests.models.server import serving
from tests.models.weightfiles import make_weights
from tests.pulse import Pulse
from tests.tools.strictly import check

pytestmark = pytest.mark.model

TINY = ("--model", "tiny.en")


@pytest.fixture
def run_echocli(run_here: RunEchocli) -> RunEchocli:
    """Run commands in this process: only what they write is looked at."""
    return run_here


def lines(text: str) -> list[dict[str, Any]]:
    """Return JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def kinds(text: str) -> set[str]:
    """Check every line as an event; return their types."""
    found = lines(text)
    for event in found:
        check("event", event)
    return {event["type"] for event in found}


@pytest.fixture
def sample(samples: Path) -> Path:
    """Six sentences in 21 s."""
    return samples / "meeting.flac"


@pytest.fixture
def short(sample: Path, tmp_path: Path) -> Path:
    """The first sentence, with its text."""
    sound, rate = soundfile.read(sample, dtype="float32")
    soundfile.write(tmp_path / "short.wav", sound[: 4 * rate], rate)
    text = "Good morning, and thank you for joining this short meeting."
    (tmp_path / "short.ref.txt").write_text(text, encoding="utf-8")
    return tmp_path / "short.wav"


def printed(done: Completed) -> Any:
    """Return what a program printed that ended well."""
    assert done.code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.usefixtures("tiny_model")
class TestTranscripts:
    def test_of_a_file(self, run_echocli: RunEchocli, sample: Path) -> None:
        done = run_echocli("transcribe", sample, *TINY, "-f", "json", "--word-timestamps")
        found = printed(done)
        assert all(segment["words"] for segment in found["segments"])
        check("transcript", found)

    def test_of_a_file_as_events(self, run_echocli: RunEchocli, sample: Path) -> None:
        done = run_echocli("transcribe", sample, *TINY, "-f", "jsonl")
        assert kinds(done.stdout) == {"ready", "final", "stats", "end"}

    def test_of_live_speech(self, run_echocli: RunEchocli, sample: Path, tmp_path: Path) -> None:
        command = ("live", "--file", sample, *TINY)
        done = run_echocli(*command, "-f", "json", "-f", "jsonl", "-o", tmp_path / "out")
        assert done.code == 0, done.stderr
        (whole,) = (tmp_path / "out").glob("*.json")
        check("transcript", json.loads(whole.read_text("utf-8")))
        (stream,) = (tmp_path / "out").glob("*.jsonl")
        started = {"ready", "speech_started", "partial", "speech_ended", "final", "meter"}
        assert kinds(stream.read_text("utf-8")) >= {*started, "stats", "end"}


def test_a_provider_that_dies_leaves_a_failover(
    run_echocli: RunEchocli, sample: Path, tmp_path: Path
) -> None:
    dying = {"texts": ["A."], "steps": {str(number): "crash" for number in (1, 2, 3)}}
    (tmp_path / "dying.json").write_text(json.dumps(dying))
    (tmp_path / "other.json").write_text(json.dumps({"texts": ["B."]}))
    command = ("transcribe", sample, "-p", "scripted", "-m", "dying.json")
    options = ("--fallback", "scripted:other.json", "-f", "jsonl")
    done = run_echocli(*command, *options, cwd=tmp_path)
    assert {"failover", "notice"} <= kinds(done.stdout)


@pytest.mark.usefixtures("tiny_model")
class TestCommands:
    @pytest.mark.parametrize(
        "options", [(), ("--measure",), ("--device", "cpu", "--language", "de")]
    )
    def test_detect(self, run_echocli: RunEchocli, options: tuple[str, ...]) -> None:
        found = printed(run_echocli("detect", "--json", *options))
        assert bool(found["measurement"]) == ("--measure" in options)
        check("detect", found)

    def test_models(self, run_echocli: RunEchocli) -> None:
        found = printed(run_echocli("models", "list", "--all", "--json"))
        assert found["models"]
        assert found["available"]
        check("models", found)

    def test_a_check_of_models(self, run_echocli: RunEchocli, tmp_path: Path) -> None:
        damaged = tmp_path / "echocli-data" / "models" / "base"
        damaged.mkdir(parents=True)
        (damaged / "config.json").write_text("{", encoding="utf-8")
        done = run_echocli("models", "verify", "--json")
        found = json.loads(done.stdout)
        assert found["models"]
        check("models-verify", found)

    def test_the_path_of_a_model(self, run_echocli: RunEchocli) -> None:
        check("models-path", printed(run_echocli("models", "path", "tiny.en", "--json")))

    @pytest.mark.network
    def test_updates_of_models(self, run_echocli: RunEchocli, tmp_path: Path) -> None:
        home = {name: str(tmp_path) for name in ("HOME", "HF_HOME", "HF_HUB_CACHE")}
        repo, files = "Systran/faster-whisper-base", {"config.json": b"{}", "tokenizer.json": b"{}"}
        with serving() as hub:
            env = home | {"HF_ENDPOINT": hub.url}
            for commit, newer in (("a" * 40, False), ("b" * 40, True)):
                weights = make_weights(commit[:1], 4_000_000)
                whole = files | {"model.bin": weights, "vocabulary.json": b'["a"]'}
                hub.put_model(repo, whole, commit=commit)
                if not newer:
                    assert run_echocli("models", "pull", "base", env=env).code == 0
                found = printed(run_echocli("models", "update", "--check", "--json", env=env))
                assert [bool(one["newest"]) for one in found["models"]] == [newer]
                check("models-update", found)

    def test_providers(self, run_echocli: RunEchocli) -> None:
        check("providers", printed(run_echocli("providers", "--json")))

    def test_devices(self, run_echocli: RunEchocli) -> None:
        check("devices", printed(run_echocli("devices", "--json")))

    def test_warmup(self, run_echocli: RunEchocli) -> None:
        found = printed(run_echocli("warmup", "--json", *TINY))
        assert found["phases"]
        check("warmup", found)

    def test_a_warmup_that_fails(self, run_echocli: RunEchocli) -> None:
        done = run_echocli("warmup", "--json", "--offline", "--model", "large-v1")
        assert done.code == 4
        check("warmup", json.loads(done.stdout))

    def test_settings(self, run_echocli: RunEchocli, tmp_path: Path) -> None:
        config = tmp_path / "config.toml"
        config.write_text('model = "tiny.en"\nbeam_size = 2\n[profile.fast]\nbeam_size = 1\n')
        variables = {
            "ECHOCLI_CONFIG_DIR": str(tmp_path),
            "ECHOCLI_BEAM_SIZE": "3",
            "ECHOCLI_X": "1",
        }
        found = printed(run_echocli("config", "show", "--json", "--profile", "fast", env=variables))
        assert found["settings"]["beam_size"]["overridden"]
        check("config", found)

    def test_plan(self, run_echocli: RunEchocli, sample: Path, tmp_path: Path) -> None:
        broken = tmp_path / "broken.wav"
        broken.write_bytes(b"nothing")
        files = (sample, broken, tmp_path / "none.wav")
        done = run_echocli("transcribe", "--dry-run", "--json", *files, *TINY)
        assert done.code == 5
        check("plan", json.loads(done.stdout))


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_model")
class TestBench:
    @pytest.fixture
    def report(self, run_echocli: RunEchocli, short: Path) -> Path:
        """A report of one short file, also with what is said there."""
        wanted = ("--runs", "1", "--assert", "rtf<100", "--assert", "cold_start_ms<1")
        done = run_echocli("bench", short, *TINY, *wanted, "--json")
        assert done.code == 6, done.stderr
        path = short.with_suffix(".json")
        path.write_text(done.stdout, encoding="utf-8")
        return path

    def test_of_files_and_its_comparison(self, run_echocli: RunEchocli, report: Path) -> None:
        found = json.loads(report.read_text("utf-8"))
        assert found["overall"]["wer"] is not None
        assert len(found["assertions"]) == 2
        check("bench", found)
        check("compare", printed(run_echocli("bench", "--compare", report, report, "--json")))

    def test_of_everything(self, run_echocli: RunEchocli, short: Path) -> None:
        missing = short.with_name("missing.wav")
        done = run_echocli("bench", short, missing, *TINY, "--runs", "1", "--full", "--json")
        found = json.loads(done.stdout)
        assert found["extras"]
        assert found["failed"]
        check("bench", found)

    def test_of_live_latencies(self, run_echocli: RunEchocli, short: Path) -> None:
        found = printed(run_echocli("bench", "--live", short, *TINY, "--json"))
        assert found["live"]["files"]
        check("bench", found)


@pytest.mark.unit
def test_a_device_is_as_the_schema_says() -> None:
    device = AudioDevice(2, "Monitor", 2, 48_000, is_default=True, kind="system", api="ALSA")
    check("devices", {"devices": [as_object(device)]})


@pytest.mark.audio_device
def test_real_devices_are_as_the_schema_says(run_program: RunEchocli, pulse: Pulse) -> None:
    found = printed(run_program("devices", "--json", env=pulse.env))
    assert found["devices"]
    check("devices", found)
