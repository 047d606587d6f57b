"""Copies of a model in the store that have no name of their own: quantised, or put aside."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from echocli.environment import Environment
from echocli.models import previous
from echocli.models.identity import digest
from echocli.models.records import FileRecord, Record, write_record
from echocli.models.store import Store
from tests.models.modelfiles import make_ggml, make_model

pytestmark = pytest.mark.unit


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return Environment(
        environ={
            "ECHOCLI_DATA_DIR": str(tmp_path / "data"),
            "HF_HOME": str(tmp_path / "hf"),
            "HOME": str(tmp_path / "home"),
        }
    )


@pytest.fixture
def store(env: Environment) -> Store:
    return Store(env)


def make_int8(store: Store, name: str, source: Path | None) -> Path:
    path = make_model(store.directory / f"{name}-int8", weights="small")
    made_from = digest(source / "model.bin", store.directory) if source else "0" * 64
    write_record(path, Record(name, "ct2", "converted:x", None, {}, "int8", made_from))
    return path


class TestInt8:
    def test_the_copy_is_no_model_of_its_own(self, store: Store) -> None:
        make_int8(store, "base", make_model(store.directory / "base"))
        names = [it.name for it in store.installed() if it.origin == "store"]
        assert names == ["base"]
        copies = [it.quantisation for it in store.everything() if it.origin == "store"]
        assert sorted(copies) == ["", "int8"]

    @pytest.mark.parametrize(
        ("compute_type", "taken"),
        [("int8", "int8"), ("int8_float32", "int8"), ("float32", ""), ("int16", ""), (None, "")],
    )
    def test_it_is_taken_for_int8_only(
        self, store: Store, compute_type: str | None, taken: str
    ) -> None:
        make_int8(store, "base", make_model(store.directory / "base"))
        assert store.require("base", compute_type=compute_type).quantisation == taken

    def test_a_copy_of_other_weights_is_left_alone(self, store: Store) -> None:
        path = make_model(store.directory / "base")
        make_int8(store, "base", path)
        (path / "model.bin").write_text("newer weights")
        assert store.require("base", compute_type="int8").quantisation == ""
        digest(path / "model.bin", store.directory)
        assert store.require("base", compute_type="int8").quantisation == ""

    def test_it_is_taken_when_there_is_nothing_else(self, store: Store) -> None:
        make_int8(store, "base", None)
        assert store.require("base", compute_type="float32").quantisation == "int8"
        assert "base" in [found.name for found in store.installed()]

    def test_it_may_be_named(self, store: Store) -> None:
        make_model(store.directory / "base")
        path = make_int8(store, "base", None)
        found = store.require("base-int8")
        assert (found.name, found.path) == ("base", path)


def test_a_model_that_is_called_like_a_quantised_one_is_found(store: Store) -> None:
    file = make_ggml(store.directory / "ggml-mine-q8_0.bin")
    files = {file.name: FileRecord(file.stat().st_size, "0" * 64)}
    write_record(file, Record("mine-q8_0", "ggml", "https://example.org/mine.bin", None, files))
    assert store.require("mine-q8_0", "ggml").path == file


class TestUpdates:
    def test_what_an_update_has_put_aside_is_found(self, store: Store) -> None:
        make_model(store.directory / "base")
        make_ggml(store.directory / "ggml-tiny.bin", layers=4)
        for entry in ("base", "ggml-tiny.bin"):
            previous.keep(store.directory, entry)
            assert not (store.directory / entry).exists()
        assert store.require("base").origin == "store"
        assert store.require("tiny", "ggml").origin == "store"
        names = [found.name for found in store.installed("ggml") if found.origin == "store"]
        assert names == ["tiny", "base"]

    @pytest.mark.skipif(sys.platform == "win32", reason="directories in use keep their names there")
    @pytest.mark.parametrize("entry", ["base", "ggml-base.bin"])
    def test_it_is_found_while_somebody_goes_back_and_forth(self, store: Store, entry: str) -> None:
        for _ in range(2):
            previous.keep(store.directory, entry)
            make_ggml(store.directory / entry) if entry.endswith("bin") else make_model(
                store.directory / entry
            )
        stop = Event()

        def turn() -> None:
            while not stop.is_set():
                previous.rollback(store.directory, entry)

        turning = Thread(target=turn)
        turning.start()
        try:
            looks = [store.find("base", "ggml") for _ in range(300)]
        finally:
            stop.set()
            turning.join()
        assert None not in looks

    def test_what_is_kept_is_not_listed(self, store: Store) -> None:
        make_model(store.directory / "base")
        previous.keep(store.directory, "base")
        make_model(store.directory / "base")
        assert [it.path for it in store.everything() if it.origin == "store"] == [
            store.directory / "base"
        ]
