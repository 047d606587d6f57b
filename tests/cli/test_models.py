"""The commands about models: help, names that make no sense, paths, and going back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from echocli.cli.models import SUBCOMMANDS
from echocli.models import previous
from echocli.models.records import Record, write_record
from tests.conftest import RunEchocli
from tests.models.modelfiles import make_ggml, make_model

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _nobodys_home(nobodys_home: None) -> None: ...


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
