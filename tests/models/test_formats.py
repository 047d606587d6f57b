"""Which copy of a model is taken: CTranslate2 or GGML, quantised or not, and from where."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import places
from echocli.models.records import Record, write_record
from echocli.models.store import Found, Store, is_multilingual
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


def what(found: Found | None) -> tuple[str, str, str] | None:
    return None if found is None else (found.origin, found.format, found.quantisation)


class TestGgml:
    def test_folders_that_people_have_are_searched_last(
        self, env: Environment, store: Store, tmp_path: Path
    ) -> None:
        make_ggml(tmp_path / "home/.local/share/whisper/ggml-base-q5_0.bin", ftype=2008)
        assert what(store.find("base", "ggml")) == ("folder", "ggml", "q5_0")
        make_ggml(tmp_path / "home/.cache/whisper/ggml-base.bin")
        assert what(store.find("base", "ggml")) == ("folder", "ggml", "float16")
        hub = tmp_path / "hf/hub/models--ggerganov--whisper.cpp/snapshots/abc"
        make_ggml(hub / "ggml-base.bin")
        assert what(store.find("base", "ggml")) == ("cache", "ggml", "float16")
        make_ggml(store.directory / "ggml-base.bin")
        assert what(store.find("base", "ggml")) == ("store", "ggml", "float16")
        make_ggml(tmp_path / "mine/ggml-base.bin")
        mine = Store(env, tmp_path / "mine")
        assert what(mine.find("base", "ggml")) == ("model-dir", "ggml", "float16")

    def test_the_models_of_other_programs_and_of_this_directory_are_found(
        self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        make_ggml(tmp_path / "models/ggml-tiny.bin", layers=4)
        make_ggml(tmp_path / "home/.local/share/pywhispercpp/models/ggml-small.bin", layers=12)
        found = {found.name: found.origin for found in store.installed("ggml")}
        assert found["tiny"] == found["small"] == "folder"

    def test_ctranslate2_weights_serve_where_there_is_no_file(
        self, store: Store, tmp_path: Path
    ) -> None:
        make_model(store.directory / "base")
        assert what(store.find("base", "ggml")) == ("store", "ct2", "")
        make_ggml(tmp_path / "home/.cache/whisper/ggml-base.bin")
        assert what(store.find("base", "ggml")) == ("store", "ct2", "")  # a folder is not trusted
        make_ggml(store.directory / "ggml-base-q5_0.bin", ftype=8)
        assert what(store.find("base", "ggml")) == ("store", "ggml", "q5_0")
        assert what(store.find("base")) == ("store", "ct2", "")

    def test_a_directory_that_was_named_goes_before_files_elsewhere(
        self, env: Environment, tmp_path: Path
    ) -> None:
        make_ggml(tmp_path / "home/.cache/whisper/ggml-base.bin")
        make_model(tmp_path / "mine/base")
        found = Store(env, tmp_path / "mine").find("base", "ggml")
        assert what(found) == ("model-dir", "ct2", "")

    @pytest.mark.parametrize(
        ("compute_type", "taken"),
        [(None, "float16"), ("q5_0", "q5_0"), ("int8", "q8_0"), ("q4_0", "float16")],
    )
    def test_the_quantisation_that_was_asked_for_is_preferred(
        self, store: Store, compute_type: str | None, taken: str
    ) -> None:
        make_ggml(store.directory / "ggml-base-q5_0.bin", ftype=2008)
        make_ggml(store.directory / "ggml-base-q8_0.bin", ftype=2007)
        make_ggml(store.directory / "ggml-base.bin")
        found = store.find("base", "ggml", compute_type=compute_type)
        assert what(found) == ("store", "ggml", taken)

    def test_a_conversion_counts_only_when_its_weights_are_gone(self, store: Store) -> None:
        source = make_model(store.directory / "base")
        file = make_ggml(store.directory / "ggml-base.bin")
        write_record(file, Record("base", "ggml", f"converted:{source}", made_from="0" * 64))
        assert what(store.find("base", "ggml")) == ("store", "ct2", "")
        assert len(store.everything()) == 2 + packaged(store)
        shutil.rmtree(source)
        assert what(store.find("base", "ggml")) == ("store", "ggml", "float16")

    def test_what_was_made_from_a_path_is_no_model_of_a_name(self, store: Store) -> None:
        file = make_ggml(store.directory / "ggml-model-0123456789ab.bin")
        write_record(file, Record("/some/model", "ggml", "converted:/some/model"))
        assert [it.name for it in store.installed("ggml") if it.origin == "store"] == []
        assert [it.name for it in store.everything() if it.origin == "store"] == ["/some/model"]

    def test_one_in_the_directory_that_was_named_is_said(
        self, env: Environment, store: Store, tmp_path: Path
    ) -> None:
        path = make_ggml(tmp_path / "mine/ggml-base.bin", layers=4)
        make_ggml(store.directory / "ggml-base.bin")
        mine = Store(env, path.parent)
        with pytest.raises(ModelError, match=rf"{path} is not model 'base'.* tiny, multi"):
            mine.find("base", "ggml")
        make_model(store.directory / "small")
        assert mine.find("small", "ggml") is not None
        make_model(path.parent / "base")
        assert what(mine.find("base", "ggml")) == ("model-dir", "ct2", "")

    @pytest.mark.parametrize("name", ["ggml-base.en.bin", "ggml-small.bin", "ggml-large-v3.bin"])
    def test_a_file_that_is_not_what_it_is_called_is_no_model(
        self, store: Store, name: str
    ) -> None:
        make_ggml(store.directory / name, layers=6, vocabulary=51865)
        assert [found for found in store.installed("ggml") if found.format == "ggml"] == []

    @pytest.mark.parametrize(
        ("file", "name"),
        [
            ("ggml-distil-large-v3.bin", "distil-large-v3"),
            ("ggml-large-v3-turbo-q5_0.bin", "large-v3-turbo"),
        ],
    )
    def test_large_files_are_named_as_on_the_hub(self, store: Store, file: str, name: str) -> None:
        make_ggml(store.directory / file, layers=32, vocabulary=51866, mels=128)
        assert name in [found.name for found in store.installed("ggml")]

    def test_the_hub_calls_distilled_models_otherwise(self, store: Store, tmp_path: Path) -> None:
        make_ggml(
            tmp_path / "home/.cache/whisper/ggml-medium-32-2.en.bin", layers=24, vocabulary=51864
        )
        repo = "hf/hub/models--distil-whisper--distil-large-v3.5-ggml/snapshots/abc"
        make_ggml(tmp_path / repo / "ggml-model.bin", layers=32, vocabulary=51866, mels=128)
        names = [found.name for found in store.installed("ggml") if found.format == "ggml"]
        assert names == ["distil-medium.en", "distil-large-v3.5"]

    @pytest.mark.parametrize("name", [".ggml-base.bin", "ggml-base.bin.part", "base.pt"])
    def test_hidden_and_unfinished_files_are_no_models(self, store: Store, name: str) -> None:
        make_ggml(store.directory / name)
        assert store.find("base", "ggml") is None

    def test_a_cut_file_is_no_model_unless_it_is_named(self, store: Store) -> None:
        file = make_ggml(store.directory / "ggml-base.bin")
        file.write_bytes(file.read_bytes()[:-1])
        assert store.find("base", "ggml") is None
        with pytest.raises(ModelError, match="cut short"):
            store.find(str(file), "ggml")

    def test_a_model_that_is_here_only_as_a_file_says_who_reads_it(self, store: Store) -> None:
        make_ggml(store.directory / "ggml-base.bin")
        make_ggml(store.directory / "ggml-our-dialect.bin")
        for name in ("base", "our-dialect"):
            with pytest.raises(ModelError, match="only as a GGML file") as caught:
                store.require(name)
            assert "--provider whisper-cpp" in (caught.value.hint or "")
            assert store.require(name, "ggml").format == "ggml"
        assert store.find("base") is None

    def test_a_file_tells_its_languages(self, tmp_path: Path) -> None:
        assert is_multilingual(make_ggml(tmp_path / "a.bin"))
        assert not is_multilingual(make_ggml(tmp_path / "b.bin", vocabulary=51864))


class TestPaths:
    def test_a_file_may_be_named_without_a_separator(
        self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        file = make_ggml(tmp_path / "ggml-base-q5_0.bin", ftype=2008)
        found = store.find(file.name, "ggml")
        assert found == Found(
            file.name, Path(file.name), "path", file.stat().st_size, "ggml", "q5_0"
        )

    def test_so_may_a_directory_that_no_model_is_called_after(
        self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        make_model(tmp_path / "mine")
        make_model(tmp_path / "base")
        assert store.require("mine").origin == "path"
        assert store.find("base") is None

    def test_the_wrong_format_says_which_provider_reads_it(
        self, store: Store, tmp_path: Path
    ) -> None:
        file = make_ggml(tmp_path / "ggml-base.bin")
        with pytest.raises(ModelError, match=r"only whisper\.cpp reads") as caught:
            store.find(str(file))
        assert "--provider whisper-cpp" in (caught.value.hint or "")
        path = make_model(tmp_path / "base")
        assert what(store.find(str(path), "ggml")) == ("path", "ct2", "")

    def test_a_directory_of_files_asks_for_one_of_them(self, store: Store, tmp_path: Path) -> None:
        file = make_ggml(tmp_path / "mine/ggml-base.bin")
        with pytest.raises(ModelError, match="one must be named") as caught:
            store.find(str(file.parent), "ggml")
        assert str(file) in (caught.value.hint or "")

    def test_another_kind_of_file_is_refused(self, store: Store, tmp_path: Path) -> None:
        file = tmp_path / "base.pt"
        file.write_bytes(b"PK\3\4")
        for format in ("ct2", "ggml"):
            with pytest.raises(ModelError, match="not a Whisper model in GGML form"):
                store.find(str(file), format)

    def test_a_name_that_no_file_can_have_is_an_error(self, store: Store) -> None:
        with pytest.raises(ModelError, match="no model"):
            store.find("/" + "x" * 5000)

    def test_the_variable_for_models_may_name_a_file(
        self, env: Environment, tmp_path: Path
    ) -> None:
        file = make_ggml(tmp_path / "ggml-base.bin")
        found = Store(env, file).find("base", "ggml")
        assert what(found) == ("model-dir", "ggml", "float16")


def test_all_copies_are_listed_once(env: Environment, tmp_path: Path) -> None:
    store = Store(env)
    make_model(store.directory / "base")
    make_ggml(store.directory / "ggml-base.bin")
    make_model(tmp_path / "mine/base")
    found = Store(env, tmp_path / "mine").everything()
    copies = [(it.origin, it.format) for it in found if it.name == "base"]
    assert copies == [("model-dir", "ct2"), ("store", "ct2"), ("store", "ggml")]
    same = Store(env, store.directory).everything()
    assert sorted(it.format for it in same if it.name == "base") == ["ct2", "ggml"]


def test_a_model_is_somewhere_in_any_format(store: Store) -> None:
    file = make_ggml(store.directory / "ggml-base.bin")
    assert store.where("base") == file
    assert store.where(str(file)) == file
    path = make_model(store.directory / "base")
    assert store.where("base") == path
    assert store.where("base", "ggml") == file
    with pytest.raises(ModelError, match="not installed"):
        store.where("small")
    with pytest.raises(ModelError, match="unknown model"):
        store.where("smal")


def test_a_provider_without_weights_has_no_models(store: Store) -> None:
    make_model(store.directory / "base")
    assert store.installed("none") == []


def test_folders_follow_the_variables_of_their_standard(tmp_path: Path) -> None:
    env = Environment(
        environ={"HOME": "/h", "XDG_CACHE_HOME": "/c", "XDG_DATA_HOME": str(tmp_path)}
    )
    assert {Path("/c/whisper"), tmp_path / "whisper"} <= set(places.folders(env))
    assert places.hub_cache(env) == Path("/c/huggingface/hub")
    assert places.hub_cache(Environment(environ={"HOME": "/h"})) == Path(
        "/h/.cache/huggingface/hub"
    )


def packaged(store: Store) -> int:
    """Return how many models the packages that are installed here have."""
    return sum(found.origin == "package" for found in store.everything())
