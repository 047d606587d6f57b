"""Models brought into the store from a hub on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from echocli.errors import ModelError
from echocli.models.http import Web
from echocli.models.pull import Progress, pull
from echocli.models.records import read_record
from echocli.models.store import Store
from tests.models.modelfiles import make_ggml
from tests.models.pulling import (
    AWAY,
    FILES,
    NEW,
    REPO,
    a_hub,
    bring,
    damage,
    environment,
    stored,
    weights_asked,
)
from tests.models.server import Server

pytestmark = pytest.mark.network


@pytest.fixture
def hub() -> Iterator[Server]:
    with a_hub() as server:
        yield server


def test_a_model_comes_whole_with_a_record_of_every_file(tmp_path: Path, hub: Server) -> None:
    found = bring(tmp_path, hub.url)
    assert (found.name, found.origin, found.bytes) == ("base", "store", 70_000)
    assert Store(environment(tmp_path, AWAY)).find("base") == found
    record = read_record(found.path)
    assert record is not None
    assert (record.source, record.revision) == (f"hf:{REPO}", "a" * 40)
    assert {name: (file.bytes, file.sha256) for name, file in record.files.items()} == {
        name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in FILES.items()
    }
    assert stored(tmp_path) == [".incoming", ".locks", ".previous", "base", "digests.json"]


def test_progress_tells_every_file_to_its_end(tmp_path: Path, hub: Server) -> None:
    told: list[Progress] = []
    bring(tmp_path, hub.url, progress=told.append)
    last = {progress.file: progress for progress in told}
    assert last == {name: Progress(name, len(data), len(data)) for name, data in FILES.items()}


def test_what_is_there_is_not_fetched_again(tmp_path: Path, hub: Server) -> None:
    said: list[str] = []
    first = bring(tmp_path, hub.url)
    assert bring(tmp_path, hub.url, notice=said.append) == first
    assert weights_asked(hub) == 1
    assert said == [f"model 'base' is here already, revision {'a' * 40}: nothing is downloaded"]


def test_a_download_is_announced(tmp_path: Path, hub: Server) -> None:
    said: list[str] = []
    bring(tmp_path, hub.url, notice=said.append)
    assert said == [f"downloading model 'base' from hf:{REPO}"]


def test_the_same_weights_without_a_record_get_one(tmp_path: Path, hub: Server) -> None:
    path = bring(tmp_path, hub.url).path
    (path / "echocli.json").unlink()
    bring(tmp_path, hub.url)
    assert weights_asked(hub) == 1
    record = read_record(path)
    assert record is not None
    assert record.revision == "a" * 40


def test_what_is_known_to_be_damaged_is_mended_without_force(tmp_path: Path, hub: Server) -> None:
    said: list[str] = []
    found = bring(tmp_path, hub.url)
    damage(found)
    assert bring(tmp_path, hub.url, notice=said.append) == found
    assert found.weights.read_bytes() == FILES["model.bin"]
    assert said == [
        f"model 'base' is damaged: {found.path}",
        f"downloading model 'base' from hf:{REPO}",
    ]
    assert len(hub.asked_for(f"/{REPO}/resolve/{'a' * 40}/tokenizer.json")) == 1


def test_a_model_that_lost_a_file_is_made_whole_without_its_weights(
    tmp_path: Path, hub: Server
) -> None:
    path = bring(tmp_path, hub.url).path
    (path / "tokenizer.json").unlink()
    bring(tmp_path, hub.url)
    assert (path / "tokenizer.json").read_bytes() == FILES["tokenizer.json"]
    assert weights_asked(hub) == 1


def test_wrong_bytes_leave_the_old_model_alone(tmp_path: Path, hub: Server) -> None:
    path = bring(tmp_path, hub.url).path
    hub.put_model(REPO, NEW, commit="b" * 40)
    hub.files[f"/{REPO}/resolve/{'b' * 40}/model.bin"] = b"evil!!!" * 10_000
    with pytest.raises(ModelError, match=r"model\.bin came damaged: SHA-256"):
        bring(tmp_path, hub.url)
    assert (path / "model.bin").read_bytes() == FILES["model.bin"]
    assert Store(environment(tmp_path, AWAY)).find("base") is not None


def test_too_little_room_is_an_error_before_anything_is_fetched(
    tmp_path: Path, hub: Server
) -> None:
    def little(directory: Path) -> int:
        return 69_000

    env = environment(tmp_path, hub.url)
    with pytest.raises(ModelError, match="are needed"):
        pull(Store(env), env, "base", web=Web(env, free=little))
    assert not weights_asked(hub)


def test_a_ggml_file_comes_under_its_own_name(tmp_path: Path, hub: Server) -> None:
    data = make_ggml(tmp_path / "made.bin").read_bytes()
    hub.put_model("ggerganov/whisper.cpp", {"ggml-base.bin": data}, large=("ggml-base.bin",))
    found = bring(tmp_path, hub.url, format="ggml")
    assert (found.path.name, found.format, found.quantisation) == (
        "ggml-base.bin",
        "ggml",
        "float16",
    )
    assert Store(environment(tmp_path, AWAY)).find("base", "ggml") == found
    record = read_record(found.path)
    assert record is not None
    assert record.source == "hf:ggerganov/whisper.cpp"


@pytest.mark.parametrize("force", [True, False])
def test_a_file_where_a_pull_wants_its_directory_goes(
    tmp_path: Path, hub: Server, force: bool
) -> None:
    place = tmp_path / "data/models/.incoming/base"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"?")
    assert bring(tmp_path, hub.url, force=force).bytes == 70_000
