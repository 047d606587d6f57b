"""``echocli detect`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunEchocli

pytestmark = pytest.mark.unit


def detected(run: RunEchocli, *args: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    done = run("detect", "--json", *args, env=env)
    assert (done.code, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_json_has_the_documented_fields(run_echocli: RunEchocli) -> None:
    found = detected(run_echocli)
    assert list(found) == [
        "tier", "recommendation", "profile", "models", "providers", "overrides", "notices",
    ]  # fmt: skip
    advice = found["recommendation"]
    assert set(advice) == {
        "provider", "model", "device", "compute_type", "chunk_seconds", "vad", "slots", "threads",
        "reason", "fallback", "usable_model", "installed", "run_to_install",
    }  # fmt: skip
    assert set(advice["fallback"]) == {"provider", "model", "device", "compute_type"}
    assert found["overrides"] == {}


def test_the_page_names_every_field(run_echocli: RunEchocli) -> None:
    page = (Path(__file__).parents[2] / "docs" / "detect.md").read_text()
    found = detected(run_echocli)
    fields = {*found, *found["recommendation"], *found["profile"], *found["providers"][0]}
    assert [name for name in sorted(fields) if f"`{name}`" not in page] == []


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
        (["--threads", "0"], 2, "--threads"),
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
    assert advice["run_to_install"] == "echocli warmup --model large-v3-turbo"


def test_a_cuda_wish_without_cuda_becomes_the_processor_with_a_notice(
    run_echocli: RunEchocli,
) -> None:
    found = detected(run_echocli, "--device", "cuda:99")
    assert found["recommendation"]["device"] == "cpu"
    assert "device-absent" in [notice["code"] for notice in found["notices"]]


def test_the_packaged_model_is_listed(run_echocli: RunEchocli, tiny_model: Path) -> None:
    models = {found["name"]: found for found in detected(run_echocli)["models"]}
    assert models["tiny.en"]["path"] == str(tiny_model)
