"""``echocli detect`` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from echocli.api.survey import survey
from echocli.capability import measure_cache
from echocli.capability.measure import Work
from echocli.config import chosen_of
from echocli.environment import Environment
from tests.conftest import RunEchocli, clean_environment

pytestmark = pytest.mark.unit

ARGS = ("-p", "faster-whisper", "--device", "cpu")
WISHES = chosen_of({"provider": "faster-whisper", "device": "cpu"})
TINY_ONLY = {"HF_HOME": "/nonexistent", "HF_HUB_CACHE": "/nonexistent"}
"""No models but those of packages."""


def detected(run: RunEchocli, *args: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    done = run("detect", "--json", *args, env=env)
    assert (done.code, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_json_has_the_documented_fields(run_echocli: RunEchocli) -> None:
    found = detected(run_echocli)
    assert list(found) == [
        "tier", "recommendation", "profile", "models", "providers", "overrides", "notices",
        "measurement",
    ]  # fmt: skip
    assert found["measurement"] is None
    advice = found["recommendation"]
    assert set(advice) == {
        "provider", "model", "device", "compute_type", "chunk_seconds", "vad", "slots", "threads",
        "reason", "fallback", "usable_model", "installed", "run_to_install",
    }  # fmt: skip
    assert set(advice["fallback"]) == {"provider", "model", "device", "compute_type"}
    assert found["overrides"] == {}


def test_overrides_show_their_source(run_echocli: RunEchocli, tmp_path: Path) -> None:
    config = tmp_path / "settings"
    config.mkdir()
    (config / "config.toml").write_text("vad = false\n")
    env = {"ECHOPANEL_ASR_CHUNK_SECONDS": "6", "ECHOCLI_CONFIG_DIR": str(config)}
    found = detected(run_echocli, "--device", "cpu", env=env)
    assert found["overrides"] == {
        "device": {"value": "cpu", "source": "flag"},
        "chunk_seconds": {"value": 6.0, "source": "env ECHOPANEL_ASR_CHUNK_SECONDS"},
        "vad": {"value": False, "source": f"config {config / 'config.toml'}"},
    }
    assert found["recommendation"]["chunk_seconds"] == 6.0
    assert found["recommendation"]["vad"] is False
    shown = run_echocli("detect", env=env).stdout
    assert "[env ECHOPANEL_ASR_CHUNK_SECONDS]" in shown


def test_people_get_plain_lines_in_a_pipe(run_echocli: RunEchocli) -> None:
    done = run_echocli("detect", env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 0
    assert "\x1b" not in done.stdout
    for word in ("This machine", "Recommendation (tier ", "fallback", "why", "Providers"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["--device", "gpu"], 2, "--device"),
        (["--threads", "-1"], 2, "--threads"),
        (["--chunk-seconds", "nan"], 2, "--chunk-seconds"),
        (["--model", "tinny.en"], 4, "did you mean tiny.en"),
        (["--model", "./gone"], 4, "no model at ./gone"),
        (["--provider", "faster-wisper"], 4, "did you mean faster-whisper"),
    ],
)
def test_a_wish_that_makes_no_sense_is_one_line_and_a_hint(
    run_echocli: RunEchocli, args: list[str], code: int, text: str
) -> None:
    done = run_echocli("detect", *args)
    assert (done.code, done.stdout) == (code, "")
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_known_model_that_is_not_here_is_no_error(run_echocli: RunEchocli) -> None:
    advice = detected(run_echocli, "-m", "turbo", env={"HF_HOME": "/nonexistent"})["recommendation"]
    assert (advice["model"], advice["installed"]) == ("large-v3-turbo", False)
    assert advice["run_to_install"] == "echocli models pull large-v3-turbo"


def test_a_cuda_wish_without_cuda_becomes_the_processor_with_a_notice(
    run_echocli: RunEchocli,
) -> None:
    found = detected(run_echocli, "--device", "cuda:99")
    assert found["recommendation"]["device"] == "cpu"
    assert "device-absent" in [notice["code"] for notice in found["notices"]]


def test_the_packaged_model_is_listed(run_echocli: RunEchocli, tiny_model: Path) -> None:
    models = {found["name"]: found for found in detected(run_echocli)["models"]}
    assert models["tiny.en"]["path"] == str(tiny_model)


@pytest.mark.model
def test_a_measurement_predicts_every_model_and_is_known_to_the_next_run(
    run_echocli: RunEchocli, tiny_model: Path
) -> None:
    now = detected(run_echocli, "--measure", env=TINY_ONLY)
    found = now["measurement"]
    assert not found["cached"]
    assert set(found) == {
        "cached", "provider", "device", "compute_type", "slots", "threads", "chunk_seconds",
        "predictions",
    }  # fmt: skip
    tiny = [it for it in found["predictions"] if it["model"] == "tiny.en"]
    assert [it["preset"] for it in tiny] == ["fast", "balanced", "accurate"]
    assert all(it["installed"] and it["measured"] and it["speed"] > 0.5 for it in tiny)
    assert set(tiny[0]) == {
        "model", "preset", "memory_gb", "fits", "speed", "speed_short", "live_load", "live",
        "installed", "measured",
    }  # fmt: skip
    again = detected(run_echocli, env=TINY_ONLY)["measurement"]
    assert again == {**found, "cached": True}
    assert (
        detected(run_echocli, "--threads", "1", "--compute-type", "float32", env=TINY_ONLY)[
            "measurement"
        ]
        is None
    )
    shown = run_echocli("detect", env=TINY_ONLY).stdout
    assert "(measured before)" in shown
    assert "tiny.en" in shown


@pytest.mark.model
def test_a_cache_that_cannot_be_written_is_a_notice(
    run_echocli: RunEchocli, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    env = {**TINY_ONLY, "ECHOCLI_CACHE_DIR": str(tmp_path / "file")}
    found = detected(run_echocli, "--measure", env=env)
    assert found["measurement"]["predictions"]
    assert "measurement-not-kept" in [notice["code"] for notice in found["notices"]]


def test_a_model_that_was_measured_to_be_too_slow_is_stepped_down(
    run_echocli: RunEchocli, tmp_path: Path
) -> None:
    env = {**os.environ, **TINY_ONLY}
    report = survey(Environment(environ={**env, "ECHOCLI_CACHE_DIR": str(tmp_path)}), WISHES)
    slow = {"tiny": Work(encode=0.05, step=1.0, row=0.1)}
    measure_cache.save(tmp_path, report.measurement_key, slow)
    before = detected(run_echocli, *ARGS, env=TINY_ONLY)["recommendation"]
    found = detected(run_echocli, *ARGS, env={**TINY_ONLY, "ECHOCLI_CACHE_DIR": str(tmp_path)})
    assert found["measurement"]["cached"]
    advice = found["recommendation"]
    assert advice["model"] == "tiny.en"
    if before["model"] != "tiny.en":  # a machine with less than 4 GB has nothing to step down from
        assert f"{before['model']} does not keep up live" in advice["reason"]


def test_a_model_that_was_asked_for_is_not_stepped_down(
    run_echocli: RunEchocli, tmp_path: Path
) -> None:
    report = survey(
        Environment(environ={**os.environ, **TINY_ONLY, "ECHOCLI_CACHE_DIR": str(tmp_path)}), WISHES
    )
    slow = {"tiny": Work(encode=0.05, step=1.0, row=0.1)}
    measure_cache.save(tmp_path, report.measurement_key, slow)
    env = {**TINY_ONLY, "ECHOCLI_CACHE_DIR": str(tmp_path)}
    found = detected(run_echocli, *ARGS, "-m", "small.en", env=env)
    assert found["measurement"]["cached"]
    assert found["recommendation"]["model"] == "small.en"


def test_a_provider_without_models_has_nothing_to_measure(run_echocli: RunEchocli) -> None:
    done = run_echocli("detect", "--measure", "-p", "scripted", "-m", "script.json")
    assert (done.code, done.stdout) == (4, "")
    assert "no models whose speed could be predicted" in done.stderr


def test_without_a_model_to_measure_the_error_has_the_command_that_brings_one(
    run_echocli: RunEchocli,
) -> None:
    if any(not it["name"].endswith(".en") for it in detected(run_echocli, env=TINY_ONLY)["models"]):
        pytest.skip("a multilingual model is installed")
    done = run_echocli("detect", "--measure", "-l", "de", env=TINY_ONLY)
    assert (done.code, done.stdout) == (4, "")
    assert "no model is installed that could be measured" in done.stderr
    assert "echocli models pull tiny" in done.stderr


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_broken_cache_is_ignored(run_echocli: RunEchocli, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "measurements.json").write_bytes(content)
    assert detected(run_echocli, env={"ECHOCLI_CACHE_DIR": str(tmp_path)})["measurement"] is None


@pytest.mark.model
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child on Windows")
def test_ctrl_c_ends_a_measurement_and_leaves_nothing(tiny_model: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "echocli", "detect", "--measure"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(tmp_path) | TINY_ONLY,
    )
    this = psutil.Process(process.pid)
    while not (children := this.children(recursive=True)) and process.poll() is None:
        pass
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert not list(tmp_path.rglob("measurements.json*"))
