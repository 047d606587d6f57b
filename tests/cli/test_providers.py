"""``echocli providers``, and a provider from a package of somebody else's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from echocli.providers import registry
from tests.conftest import ROOT, Completed, RunEchocli

pytestmark = pytest.mark.unit

PLUGIN = ROOT / "tests" / "providers" / "example_plugin"

FIELDS = [
    "name",
    "summary",
    "built_in",
    "available",
    "reason",
    "hint",
    "install",
    "devices",
    "live_devices",
    "model_formats",
    "models",
    "word_timestamps",
    "native_streaming",
    "experimental",
]


def listed(done: Completed) -> dict[str, dict[str, Any]]:
    """Return the providers of ``--json`` by name."""
    assert (done.code, done.stderr) == (0, "")
    return {row["name"]: row for row in json.loads(done.stdout)["providers"]}


def with_package(folder: Path) -> dict[str, str]:
    """Return the variables that let the program see the packages in a folder."""
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}


def broken_plugin(folder: Path) -> Path:
    """Install a package whose provider cannot be imported."""
    facts = folder / "broken-1.dist-info"
    facts.mkdir(parents=True)
    (folder / "broken.py").write_text("import no_such_library\n")
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[echocli.providers]\nbroken = broken:Broken\n")
    return folder


def test_every_built_in_provider_is_listed_with_what_it_can(run_echocli: RunEchocli) -> None:
    found = listed(run_echocli("providers", "--json"))
    assert list(found)[: len(registry.BUILTIN)] == list(registry.BUILTIN)
    assert list(found["faster-whisper"]) == FIELDS
    assert found["faster-whisper"]["available"]
    assert found["faster-whisper"]["model_formats"] == ["ct2"]
    assert found["whisper-cpp"]["model_formats"] == ["ggml", "ct2"]
    assert found["voxtral"]["experimental"]
    assert found["voxtral"]["live_devices"] == ["metal", "cuda"]
    assert found["scripted"]["model_formats"] == []


def test_what_is_not_here_comes_with_the_reason_and_the_next_step(run_echocli: RunEchocli) -> None:
    row = listed(run_echocli("providers", "--json"))["voxtral"]
    assert not row["available"]
    assert row["reason"]
    assert "git clone" in row["hint"]
    shown = run_echocli("providers").stdout
    assert f"voxtral is not available: {row['reason']}\n  {row['hint']}\n" in shown


@pytest.mark.model
@pytest.mark.usefixtures("tiny_model")
def test_the_models_it_can_run_here_are_named(run_echocli: RunEchocli) -> None:
    found = listed(run_echocli("providers", "--json"))
    for name in ("faster-whisper", "whisper-cpp"):
        assert "tiny.en" in found[name]["models"]
    assert found["scripted"]["models"] == []


def test_a_broken_plug_in_is_a_row_with_its_error(run_echocli: RunEchocli, tmp_path: Path) -> None:
    env = with_package(broken_plugin(tmp_path / "packages"))
    row = listed(run_echocli("providers", "--json", env=env))["broken"]
    assert not row["built_in"]
    assert not row["available"]
    assert "no_such_library" in row["reason"]
    shown = run_echocli("providers", env=env)
    assert shown.code == 0
    assert "broken is not available: " in shown.stdout


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which pip has installed the example package, offline."""
    folder = tmp_path_factory.mktemp("plugin")
    source = folder / "source"
    # The build writes nothing into the tree of the project.
    shutil.copytree(PLUGIN, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--target"]
    done = subprocess.run(
        [*pip, *options, str(folder / "packages"), str(source)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder / "packages"


class TestThirdParty:
    def test_an_installed_package_is_discovered(
        self, run_echocli: RunEchocli, plugin: Path
    ) -> None:
        found = listed(run_echocli("providers", "--json", env=with_package(plugin)))
        assert list(found)[-1] == "example-echo"
        assert not found["example-echo"]["built_in"]
        assert found["example-echo"]["available"]

    def test_it_transcribes(self, run_echocli: RunEchocli, plugin: Path, samples: Path) -> None:
        done = run_echocli(
            "transcribe",
            samples / "meeting.flac",
            "--provider",
            "example-echo",
            env=with_package(plugin),
        )
        assert done.code == 0, done.stderr
        assert done.stdout.strip().endswith("seconds.")

    def test_a_wrong_name_is_told_the_nearest(self, run_echocli: RunEchocli, plugin: Path) -> None:
        done = run_echocli("detect", "--provider", "exampel-echo", env=with_package(plugin))
        assert (done.code, done.stdout) == (4, "")
        assert "did you mean example-echo?" in done.stderr
