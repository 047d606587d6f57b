"""Newer revisions, revisions that are named or pinned, and the one before that is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echocli.errors import ModelError
from echocli.models.found import Found
from echocli.models.pull import Update, update_check
from echocli.models.records import read_record
from tests.models.modelfiles import make_ggml
from tests.models.pulling import FILES, NEW, REPO, a_hub, bring, environment, weights_asked
from tests.models.server import Server
from tests.models.weightfiles import make_weights

pytestmark = pytest.mark.network


@pytest.fixture
def hub() -> Iterator[Server]:
    with a_hub() as server:
        yield server


def test_a_newer_revision_takes_the_name_and_the_old_one_is_kept(
    tmp_path: Path, hub: Server
) -> None:
    found = bring(tmp_path, hub.url)
    hub.put_model(REPO, NEW, commit="b" * 40)
    assert bring(tmp_path, hub.url).path == found.path
    assert (found.path / "model.bin").read_bytes() == NEW["model.bin"]
    before = tmp_path / "data/models/.previous/base"
    assert (before / "model.bin").read_bytes() == FILES["model.bin"]
    assert [len(hub.asked_for(f"/{REPO}/resolve/{'b' * 40}/{name}")) for name in NEW] == [
        1,
        0,
        0,
        0,
    ]


def test_a_revision_with_the_same_files_is_only_recorded(tmp_path: Path, hub: Server) -> None:
    path = bring(tmp_path, hub.url).path
    hub.put_model(REPO, FILES, commit="b" * 40)
    bring(tmp_path, hub.url)
    assert weights_asked(hub) == 1
    record = read_record(path)
    assert record is not None
    assert record.revision == "b" * 40
    assert not (tmp_path / "data/models/.previous/base").exists()


def test_a_revision_can_be_named(tmp_path: Path, hub: Server) -> None:
    hub.put_model(REPO, NEW, commit="b" * 40)
    path = bring(tmp_path, hub.url, revision="a" * 40).path
    assert (path / "model.bin").read_bytes() == FILES["model.bin"]


def test_force_replaces_a_damaged_model_and_keeps_the_one_before(
    tmp_path: Path, hub: Server
) -> None:
    hub.put_model(REPO, NEW, commit="b" * 40)
    bring(tmp_path, hub.url)
    hub.put_model(REPO, FILES)
    path = bring(tmp_path, hub.url).path
    (path / "model.bin").write_bytes(b"x" * 70_000)
    bring(tmp_path, hub.url)
    assert (path / "model.bin").read_bytes() == b"x" * 70_000  # the size agrees
    bring(tmp_path, hub.url, force=True)
    assert (path / "model.bin").read_bytes() == FILES["model.bin"]
    before = tmp_path / "data/models/.previous/base"
    assert (before / "model.bin").read_bytes() == NEW["model.bin"]


class TestPinned:
    """A revision whose files are other ones than they were."""

    @pytest.mark.parametrize("name", ["model.bin", "tokenizer.json"])
    def test_other_bytes_for_the_same_revision_are_refused(
        self, tmp_path: Path, hub: Server, name: str
    ) -> None:
        path = bring(tmp_path, hub.url).path
        (path / "config.json").unlink()  # so that it is asked for again
        data = {**FILES, "tokenizer.json": b'{"evil": 1}', "model.bin": make_weights("evil")}[name]
        hub.put_model(REPO, {**FILES, name: data})
        with pytest.raises(ModelError, match=f"another {name} under revision aaa") as caught:
            bring(tmp_path, hub.url)
        assert hashlib.sha256(FILES[name]).hexdigest() in str(caught.value)
        assert "--force" in str(caught.value.hint)
        assert (path / name).read_bytes() == FILES[name]

    def test_force_takes_them_and_keeps_what_was_there(self, tmp_path: Path, hub: Server) -> None:
        path = bring(tmp_path, hub.url).path
        hub.put_model(REPO, NEW)
        with pytest.raises(ModelError, match="another"):
            bring(tmp_path, hub.url)
        bring(tmp_path, hub.url, force=True)
        assert (path / "model.bin").read_bytes() == NEW["model.bin"]
        before = tmp_path / "data/models/.previous/base"
        assert (before / "model.bin").read_bytes() == FILES["model.bin"]


class TestUpdates:
    """Asking whether there is something newer."""

    def check(self, found: Found, home: Path, endpoint: str, **more: Any) -> Update | None:
        return update_check(found, environment(home, endpoint), **more)

    def test_the_newest_revision_has_no_update(self, tmp_path: Path, hub: Server) -> None:
        assert self.check(bring(tmp_path, hub.url), tmp_path, hub.url) is None

    def test_other_weights_are_an_update(self, tmp_path: Path, hub: Server) -> None:
        found = bring(tmp_path, hub.url)
        hub.put_model(REPO, NEW, commit="b" * 40)
        assert self.check(found, tmp_path, hub.url) == Update("a" * 40, "b" * 40)
        assert weights_asked(hub) == 1

    def test_another_read_me_is_none(self, tmp_path: Path, hub: Server) -> None:
        found = bring(tmp_path, hub.url)
        hub.put_model(REPO, {**FILES, "README.md": b"news"}, commit="b" * 40)
        assert self.check(found, tmp_path, hub.url) is None

    def test_offline_it_is_refused(self, tmp_path: Path, hub: Server) -> None:
        with pytest.raises(ModelError, match="forbids"):
            self.check(bring(tmp_path, hub.url), tmp_path, hub.url, offline=True)

    def test_a_model_from_elsewhere_is_an_error(self, tmp_path: Path, hub: Server) -> None:
        found = bring(tmp_path, hub.url)
        (found.path / "echocli.json").unlink()
        with pytest.raises(ModelError, match="nobody has recorded"):
            self.check(found, tmp_path, hub.url)

    def test_one_from_an_address_is_told_what_brings_it_again(
        self, tmp_path: Path, hub: Server
    ) -> None:
        url = hub.put("/ggml-base.bin", make_ggml(tmp_path / "made.bin").read_bytes())
        found = bring(tmp_path, hub.url, "mine", source=url)
        with pytest.raises(ModelError, match=f"came from {url}, not from the hub") as caught:
            self.check(found, tmp_path, hub.url)
        assert f"pull mine --source {url} --force" in str(caught.value.hint)
