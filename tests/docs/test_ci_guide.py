"""The workflow of the guide is a whole one, and what it measures with runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT, blocks_of
from tests.docs.scratch import Scratch

GUIDE = ROOT / "docs" / "guides" / "ci-benchmarks.md"


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    """Return the only YAML of the guide."""
    yaml = pytest.importorskip("yaml")
    (block,) = (block for block in blocks_of(GUIDE) if block.language == "yaml")
    found: dict[Any, Any] = yaml.safe_load(block.text)
    return found


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    """Return the steps of the only job."""
    (job,) = workflow["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


@pytest.mark.unit
def test_the_workflow_is_complete(workflow: dict[Any, Any]) -> None:
    assert {"push", "pull_request"} <= set(workflow[True])  # YAML 1.1 reads `on` as true
    assert all(job["runs-on"] and job["timeout-minutes"] for job in workflow["jobs"].values())
    for step in steps(workflow):
        assert ("uses" in step) != ("run" in step), step
    assert [step["uses"] for step in steps(workflow) if "@" not in step.get("uses", "@")] == []


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.usefixtures("tiny_model")
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_its_steps_measure_compare_and_notice(workflow: dict[Any, Any], tmp_path: Path) -> None:
    scratch = Scratch(tmp_path / "scratch")
    (job,) = workflow["jobs"].values()
    scratch.more = job["env"]
    # Once is enough to see that it works; the limits are those of a machine that is left alone.
    measure, compare = (
        step["run"].replace("--runs 3", "--runs 1").replace("'rtf<0.5'", "'rtf<50'")
        for step in steps(workflow)
        if "echocli bench" in step.get("run", "")
    )
    ran = scratch.shell(measure.replace("'p95_ms<5000'", "'p95_ms<500000'"))
    assert ran.code == 0, ran.output
    assert scratch.shell(compare).code == 0
    assert "--compare" not in "".join(scratch.called())
    shutil.copy(scratch.folder / "now.json", scratch.folder / "before.json")
    ran = scratch.shell(compare)
    assert ran.code == 0, ran.output
    assert "--compare" in scratch.called()[-1]
    assert (scratch.folder / "speech.html").stat().st_size > 0
