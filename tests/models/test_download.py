"""Downloading from a hub: refusals, hubs that are away, and a small one on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models.store import Store

pytestmark = pytest.mark.network

REPO = "Systran/faster-whisper-base"
COMMIT = "a" * 40
FILES = {
    "model.bin": b"weights" * 1000,
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "vocabulary.txt": b"a\nb\n",
}


class Hub(BaseHTTPRequestHandler):
    """The few requests of the hub's interface that a download makes."""

    files: ClassVar[dict[str, bytes]] = FILES

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""

    def do_HEAD(self) -> None:
        self.do_GET(body=False)

    def do_GET(self, body: bool = True) -> None:
        path = self.path.partition("?")[0]
        if path.startswith(f"/{REPO}/resolve/") and path.rpartition("/")[2] in self.files:
            self._send(self.files[path.rpartition("/")[2]], body)
        elif "/tree/" in path:
            self._send(json.dumps([self._entry(name) for name in self.files]).encode(), body)
        elif path.startswith(f"/api/models/{REPO}"):
            names = [{"rfilename": name} for name in self.files]
            info = {"id": REPO, "sha": COMMIT, "siblings": names, "tags": [], "private": False}
            self._send(json.dumps(info).encode(), body)
        else:
            self.send_error(404)

    def _entry(self, name: str) -> dict[str, object]:
        data = self.files[name]
        return {"type": "file", "path": name, "size": len(data), "oid": self._tag(data)}

    @staticmethod
    def _tag(data: bytes) -> str:
        return hashlib.sha1(data, usedforsecurity=False).hexdigest()

    def _send(self, data: bytes, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{self._tag(data)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            self.wfile.write(data)


class HalfHub(Hub):
    """A hub whose repository lacks the tokenizer."""

    files: ClassVar[dict[str, bytes]] = {k: v for k, v in FILES.items() if k != "tokenizer.json"}


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def environment(home: Path, endpoint: str, **more: str) -> Environment:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    places = {"ECHOCLI_DATA_DIR": str(home / "data"), "HF_HOME": str(home / "hf")}
    return Environment(environ={**kept, **places, "HF_ENDPOINT": endpoint, **more})


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://nowhere.invalid", "no-address"])
def test_an_unreachable_hub_is_an_error_within_seconds(tmp_path: Path, endpoint: str) -> None:
    start = time.perf_counter()
    with pytest.raises(ModelError, match=r"base.*cannot be downloaded") as caught:
        Store(environment(tmp_path, endpoint)).fetch("base")
    assert caught.value.hint
    assert time.perf_counter() - start < 15


def put(home: Path, name: str) -> None:
    """Put a model into the store."""
    path = home / "data" / "models" / name
    path.mkdir(parents=True)
    for file, data in FILES.items():
        (path / file).write_bytes(data)


def here(home: Path, *names: str, model: str) -> str:
    """Return the hint for a model that cannot be had while those of ``names`` are here."""
    for name in names:
        put(home, name)
    with pytest.raises(ModelError) as caught:
        Store(environment(home, "http://127.0.0.1:9")).fetch(model, offline=True)
    return str(caught.value.hint)


def test_a_model_that_cannot_be_had_names_the_nearest_that_is_here(tmp_path: Path) -> None:
    hint = here(tmp_path, "tiny", "small", "my-own", model="medium")
    assert hint == "run once with the network; small is installed: --model small"


def test_one_for_english_only_says_so(tmp_path: Path) -> None:
    hint = here(tmp_path, "base.en", model="medium.en")
    assert hint.endswith("; base.en is installed, for English: --model base.en")


def test_an_unreachable_hub_names_what_is_here(tmp_path: Path) -> None:
    put(tmp_path, "small")
    with pytest.raises(ModelError) as caught:
        Store(environment(tmp_path, "http://127.0.0.1:9")).fetch("base")
    assert caught.value.hint == "check the network; small is installed: --model small"


@pytest.mark.slow
def test_a_hub_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ModelError, match="timed out"):
            Store(environment(tmp_path, f"http://127.0.0.1:{port}")).fetch("base")


@pytest.mark.parametrize(("offline", "more"), [(True, {}), (False, {"HF_HUB_OFFLINE": "1"})])
def test_offline_forbids_the_download_at_once(
    tmp_path: Path, offline: bool, more: dict[str, str]
) -> None:
    store = Store(environment(tmp_path, "http://127.0.0.1:9", **more))
    with pytest.raises(ModelError, match="forbids"):
        store.fetch("base", offline=offline)


def test_an_installed_model_needs_no_hub(tmp_path: Path, tiny_model: Path) -> None:
    store = Store(environment(tmp_path, "http://127.0.0.1:9"))
    assert store.fetch("tiny.en", offline=True).path == tiny_model


def test_a_model_is_downloaded_whole_and_then_found_without_the_hub(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    with serving(Hub) as endpoint:
        found = Store(environment(tmp_path, endpoint)).fetch("base")
    assert (found.origin, found.bytes) == ("store", 7000)
    assert Store(environment(tmp_path, "http://127.0.0.1:9")).fetch("base") == found
    assert [path.name for path in (tmp_path / "data/models").iterdir()] == ["base"]


def test_half_a_model_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    with serving(HalfHub) as endpoint:
        store = Store(environment(tmp_path, endpoint))
        with pytest.raises(ModelError, match=r"tokenizer\.json"):
            store.fetch("base")
    assert store.find("base") is None


def test_a_model_the_hub_does_not_have_is_an_error(tmp_path: Path) -> None:
    with serving(Hub) as endpoint, pytest.raises(ModelError, match="Not Found"):
        Store(environment(tmp_path, endpoint)).fetch("small")


def test_a_store_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with serving(Hub) as endpoint, pytest.raises(ModelError, match="cannot be stored"):
        Store(environment(tmp_path, endpoint)).fetch("base")
