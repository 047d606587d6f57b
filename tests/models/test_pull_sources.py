"""Where a model is brought from: addresses, their pins, pages in its place, names nobody knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from echocli.errors import ModelError, UsageError
from tests.models.modelfiles import make_ggml
from tests.models.pulling import AWAY, FILES, REPO, a_hub, bring, stored
from tests.models.server import Server, endless, refuse

pytestmark = pytest.mark.network


@pytest.fixture
def hub() -> Iterator[Server]:
    with a_hub() as server:
        yield server


def test_another_model_than_was_asked_for_is_an_error(tmp_path: Path, hub: Server) -> None:
    data = make_ggml(tmp_path / "made.bin", layers=12).read_bytes()
    url = hub.put("/ggml-base.bin", data)
    with pytest.raises(ModelError, match=r"not model 'base'.* of size small"):
        bring(tmp_path, hub.url, source=url)
    assert stored(tmp_path) == [".incoming", ".locks"]


def test_an_address_can_be_pinned(tmp_path: Path, hub: Server) -> None:
    data = make_ggml(tmp_path / "made.bin").read_bytes()
    url = hub.put("/x/ggml-base.bin", data)
    with pytest.raises(ModelError, match="SHA-256") as caught:
        bring(tmp_path, hub.url, "mine", source=f"{url}#sha256={'0' * 64}")
    assert str(caught.value.hint).endswith("or the digest after #sha256= is wrong")
    pin = hashlib.sha256(data).hexdigest()
    found = bring(tmp_path, hub.url, "mine", source=f"{url}#sha256={pin}")
    assert found.path.name == "ggml-mine.bin"
    assert bring(tmp_path, hub.url, "mine", source=url) == found
    assert len(hub.asked_for("/x/ggml-base.bin")) == 2


def test_an_address_may_be_a_directory_that_lacks_what_may_be_lacking(
    tmp_path: Path, hub: Server
) -> None:
    for name, data in FILES.items():
        hub.put(f"/models/mine/{name}", data)
    found = bring(tmp_path, hub.url, "mine", source=f"{hub.url}/models/mine/")
    assert sorted(path.name for path in found.path.iterdir()) == sorted([*FILES, "echocli.json"])


def test_an_address_without_a_vocabulary_has_no_model(tmp_path: Path, hub: Server) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        hub.put(f"/models/mine/{name}", FILES[name])
    with pytest.raises(ModelError, match=r"it lacks vocabulary\.txt"):
        bring(tmp_path, hub.url, "mine", source=f"{hub.url}/models/mine/")


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("config.json", b"<html>Please log in</html>", r"its config\.json is no JSON"),
        ("tokenizer.json", b"[]", r"its tokenizer\.json is no JSON object"),
        ("preprocessor_config.json", b"<html>", r"its preprocessor_config\.json is no JSON"),
        ("model.bin", b"<html>Please log in</html>", "format version"),
    ],
)
def test_a_page_among_the_files_of_a_model_is_an_error(
    tmp_path: Path, hub: Server, name: str, data: bytes, fault: str
) -> None:
    for file, right in {**FILES, name: data}.items():
        hub.put(f"/models/mine/{file}", right)
    with pytest.raises(ModelError, match=fault):
        bring(tmp_path, hub.url, "mine", source=f"{hub.url}/models/mine/")
    assert stored(tmp_path) == [".incoming", ".locks"]


def test_weights_that_end_early_where_nobody_told_their_size_are_an_error(
    tmp_path: Path, hub: Server
) -> None:
    for file, data in FILES.items():
        hub.put(f"/models/mine/{file}", data)
    hub.acts["/models/mine/model.bin"] = [endless(50_000)]
    with pytest.raises(ModelError, match="cut short"):
        bring(tmp_path, hub.url, "mine", source=f"{hub.url}/models/mine/")


@pytest.mark.parametrize(("source", "hint"), [("hf", "HF_TOKEN"), ("address", "--model-dir")])
def test_only_the_hub_is_shown_a_token(tmp_path: Path, hub: Server, source: str, hint: str) -> None:
    weights = f"/{REPO}/resolve/{'a' * 40}/model.bin"
    hub.acts[weights] = [refuse(403)]
    address = hub.url + weights if source == "address" else source
    with pytest.raises(ModelError, match="403") as caught:
        bring(tmp_path, hub.url, source=address)
    assert hint in str(caught.value.hint)


def test_a_page_instead_of_a_model_is_an_error(tmp_path: Path, hub: Server) -> None:
    url = hub.put("/ggml-base.bin", b"<html>Please log in</html>")
    with pytest.raises(ModelError, match=f"what {url} sent is no Whisper model") as caught:
        bring(tmp_path, hub.url, source=url)
    assert ".incoming" not in str(caught.value)


@pytest.mark.parametrize("name", ["base", "mine"])
@pytest.mark.parametrize("source", ["ftp://a/b", "hub", "", "https://"])
def test_an_unknown_source_is_an_error(tmp_path: Path, source: str, name: str) -> None:
    with pytest.raises(UsageError, match=r"source|address"):
        bring(tmp_path, AWAY, name, source=source)


def test_an_unknown_model_is_an_error_with_the_nearest_names(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unknown model") as caught:
        bring(tmp_path, AWAY, "tinny.en")
    assert "tiny.en" in str(caught.value.hint)
