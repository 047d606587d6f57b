from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunEchocli

Script = Callable[..., list[str]]


@pytest.mark.unit
class TestScripted:
    def test_people_see_phases_states_and_the_end(
        self, run_echocli: RunEchocli, script: Script
    ) -> None:
        done = run_echocli("warmup", *script(delay_ms=1))
        lines = done.stdout.splitlines()
        assert done.code == 0, done.stderr
        assert any(line.startswith("inference 5 s") for line in lines)
        assert lines[-2].endswith("UNINITIALIZED → LOADING → WARMING_UP → READY")
        assert lines[-1].split() == ["state", "READY"]

    @pytest.mark.parametrize(("level", "count"), [(1, 0), (2, 1), (3, 5)])
    def test_a_level_runs_its_inferences(
        self, run_echocli: RunEchocli, script: Script, level: int, count: int
    ) -> None:
        done = run_echocli("warmup", "--level", str(level), "--json", *script(delay_ms=1))
        found = json.loads(done.stdout)
        inferences = [phase for phase in found["phases"] if phase["name"] == "inference"]
        assert (found["level"], len(inferences)) == (level, count)
        assert (found["first_inference_ms"] is None) == (count == 0)

    @pytest.mark.parametrize(
        ("keys", "cause"),
        [
            ({"load_error": "no memory left"}, "no memory left"),
            ({"steps": {"1": "crash"}}, "signal 9"),
        ],
        ids=["load", "crash"],
    )
    def test_a_failed_start_ends_in_error_with_its_cause(
        self, run_echocli: RunEchocli, script: Script, keys: dict[str, Any], cause: str
    ) -> None:
        options = script(**keys)
        done = run_echocli("warmup", *options)
        assert (done.code, done.stderr.count("echocli: error:")) == (4, 1)
        assert done.stdout.splitlines()[-1].split()[:2] == ["state", "ERROR:"]
        assert cause in done.stdout
        Path(f"{options[-1]}.state").unlink(missing_ok=True)
        again = run_echocli("warmup", "--json", *options)
        found = json.loads(again.stdout)
        assert (again.code, found["state"], found["states"][-1]) == (4, "error", "error")
        assert cause in found["cause"]

    @pytest.mark.parametrize("level", ["0", "4", "two"])
    def test_a_level_that_is_none_is_a_usage_error(
        self, run_echocli: RunEchocli, level: str
    ) -> None:
        done = run_echocli("warmup", "--level", level)
        assert (done.code, done.stdout) == (2, "")
        assert "--level" in done.stderr


@pytest.mark.unit
def test_an_unknown_model_is_an_error_in_json_too(run_echocli: RunEchocli) -> None:
    done = run_echocli("warmup", "--json", "--model", "tinny")
    found = json.loads(done.stdout)
    assert done.code == 4
    assert (found["state"], found["states"]) == ("error", ["uninitialized", "error"])
    assert "tinny" in found["cause"]
    assert "tinny" in done.stderr


@pytest.mark.unit
def test_a_language_nobody_knows_is_a_usage_error(run_echocli: RunEchocli) -> None:
    done = run_echocli("warmup", "--json", "--language", "klingon")
    assert (done.code, done.stdout) == (2, "")


@pytest.mark.model
@pytest.mark.usefixtures("tiny_model")
def test_the_bundled_model_is_warmed(run_echocli: RunEchocli) -> None:
    done = run_echocli("warmup", "--json", "--model", "tiny.en")
    found = json.loads(done.stdout)
    assert done.code == 0, done.stderr
    names = [phase["name"] for phase in found["phases"]]
    assert names == ["start", "import", "weights", "inference"]
    assert sum(phase["ms"] for phase in found["phases"]) <= found["total_ms"]
    assert found["worker_memory_mb"] > 50
