"""The table of models."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from echocli.errors import ExitCode, ModelError
from echocli.models import catalog
from tests.conftest import ROOT

pytestmark = pytest.mark.unit


def test_repositories_are_those_faster_whisper_downloads_from() -> None:
    utils = pytest.importorskip("faster_whisper.utils")
    for name in utils.available_models():
        assert catalog.get(name).repo == utils._MODELS[name]


@pytest.mark.parametrize(
    ("name", "nearest"), [("tinny.en", "tiny.en"), ("larg-v3", "large-v3"), ("TURBO", "turbo")]
)
def test_an_unknown_name_is_an_error_with_the_nearest_one(name: str, nearest: str) -> None:
    with pytest.raises(ModelError) as caught:
        catalog.get(name)
    assert caught.value.exit_code is ExitCode.UNAVAILABLE
    assert nearest in (caught.value.hint or "")


def test_a_name_like_no_other_lists_them_all() -> None:
    assert "tiny.en" in catalog.suggestion("qqqq")


def test_aliases_mean_their_model() -> None:
    assert catalog.get("turbo").name == "large-v3-turbo"
    assert catalog.get("large").name == "large-v3"


@pytest.mark.parametrize(
    ("name", "less"),
    [
        ("tiny.en", None),
        ("base.en", "tiny.en"),
        ("small", "base"),
        ("turbo", "medium"),
        ("distil-small.en", "base.en"),
        ("distil-large-v3", "medium.en"),
    ],
)
def test_one_size_down_keeps_the_languages(name: str, less: str | None) -> None:
    assert catalog.smaller(name) == less


@pytest.mark.parametrize("name", catalog.MODELS)
def test_going_down_ends_at_tiny(name: str) -> None:
    while less := catalog.smaller(name):
        assert catalog.get(less).memory_gb < catalog.get(name).memory_gb
        name = less
    assert catalog.get(name).family == "tiny"


def test_english_only_goes_by_the_catalogue_then_by_the_suffix() -> None:
    names = ["tiny.en", "tiny", "distil-large-v3", "mine.en", "mine"]
    assert [catalog.is_english_only(name) for name in names] == [True, False, True, True, False]


def test_memory_needs_are_the_documented_ones() -> None:
    needs = [catalog.get(n).memory_gb for n in ("tiny", "base", "small", "medium", "large")]
    assert needs == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("name", catalog.MODELS)
def test_every_model_has_a_ggml_file_in_a_repository_of_its_makers(name: str) -> None:
    ggml = catalog.get(name).ggml
    assert ggml is not None
    maker = "distil-whisper/" if name.startswith("distil") else catalog.GGML_REPO
    assert ggml.repo.startswith(maker)
    assert ggml.file.startswith("ggml-")
    assert ggml.file.endswith(".bin")


@pytest.mark.parametrize("name", catalog.MODELS)
def test_downloads_are_two_bytes_a_parameter(name: str) -> None:
    model = catalog.get(name)
    sizes = [size for size in (model.ct2_mb, model.ggml and model.ggml.mb) if size]
    assert all(1.9 <= size / model.parameters <= 2.1 for size in sizes)


def test_the_digests_of_packages_are_those_of_their_files(tiny_model: Path) -> None:
    for file in catalog.PACKAGED["tiny.en"]:
        data = (tiny_model / file.name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)


def test_what_pip_is_asked_for_is_what_the_extras_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert list(catalog.requirements("tiny.en")) == extras["bundled"]
    assert list(catalog.requirements("base")) == extras["bundled-base"]
    assert catalog.requirements("small") == ()
