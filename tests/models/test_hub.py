"""What a hub says about a model, and what it must not be told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog, hub
from echocli.models.http import Waiting, Web
from echocli.models.sources import Manifest
from tests.models.server import Server, redirect, refuse, serving

pytestmark = pytest.mark.network

BASE = catalog.get("base")
API = f"/api/models/{BASE.repo}/revision/main"
FILES = {
    "README.md": b"read me",
    "config.json": b"{}",
    "model.bin": b"weights",
    "tokenizer.json": b"{}",
    "vocabulary.txt": b"a\n",
}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as place:
        place.put_model(BASE.repo, FILES)
        yield place


def ask(server: Server, format: str = "ct2", revision: str = "main", **more: str) -> Manifest:
    env = Environment(environ={"HF_ENDPOINT": server.url, "HOME": "/nowhere", **more})
    waits: list[float] = []
    web = Web(env, waiting=Waiting(sleep=waits.append))
    return hub.manifest(web, env, BASE, format, revision)


def test_only_the_files_of_the_model_are_wanted_with_sizes_and_digests(server: Server) -> None:
    manifest = ask(server)
    assert [file.name for file in manifest.files] == sorted(set(FILES) - {"README.md"}, key=order)
    assert manifest.revision == "a" * 40
    assert all(file.wanted.bytes == len(FILES[file.name]) for file in manifest.files)
    large = {file.name for file in manifest.files if file.wanted.sha256}
    small = {file.name for file in manifest.files if file.wanted.git_sha1}
    assert (large, small) == ({"model.bin"}, {"config.json", "tokenizer.json", "vocabulary.txt"})
    assert f"/resolve/{'a' * 40}/" in manifest.files[0].url


def order(name: str) -> tuple[bool, str]:
    return (name == "model.bin", name)


def test_a_ggml_file_is_called_after_its_model(server: Server) -> None:
    server.put_model("ggerganov/whisper.cpp", {"ggml-base.bin": b"ggml"}, large=("ggml-base.bin",))
    manifest = ask(server, "ggml")
    assert (manifest.entry, manifest.source) == ("ggml-base.bin", "hf:ggerganov/whisper.cpp")
    assert [file.name for file in manifest.files] == ["ggml-base.bin"]


def test_a_revision_may_have_a_slash(server: Server) -> None:
    server.put_model(BASE.repo, FILES, commit="b" * 40, revision="refs%2Fpr%2F1")
    assert ask(server, revision="refs/pr/1").revision == "b" * 40


def test_a_repository_that_has_moved_is_followed(server: Server) -> None:
    there = server.put("/api/models/new/revision/main", server.files[API])
    server.put(API, b"", redirect(there, 307))
    assert ask(server).revision == "a" * 40


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        ({"HF_TOKEN": " secret\n"}, "Bearer secret"),
        ({"HUGGING_FACE_HUB_TOKEN": "old"}, "Bearer old"),
        ({}, None),
    ],
)
def test_a_token_is_shown(server: Server, more: dict[str, str], sent: str | None) -> None:
    ask(server, **more)
    assert server.asked[-1].headers.get("Authorization") == sent


@pytest.mark.parametrize("variable", ["HF_TOKEN_PATH", "HF_HOME", "XDG_CACHE_HOME", "HOME"])
def test_a_token_that_was_kept_is_shown(server: Server, tmp_path: Path, variable: str) -> None:
    below = {"XDG_CACHE_HOME": "huggingface", "HOME": ".cache/huggingface"}.get(variable, "")
    file = tmp_path / below / "token"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("kept\n")
    ask(server, **{variable: str(file if variable == "HF_TOKEN_PATH" else tmp_path)})
    assert server.asked[-1].headers["Authorization"] == "Bearer kept"


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "HF_TOKEN"), (403, "HF_TOKEN"), (404, "no revision 'main'")]
)
def test_a_refusal_says_what_to_do(server: Server, status: int, hint: str) -> None:
    server.put(API, b"", refuse(status))
    with pytest.raises(ModelError, match=str(status)) as caught:
        ask(server)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("lost", ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt"])
def test_half_a_model_is_an_error_before_anything_is_fetched(server: Server, lost: str) -> None:
    server.put_model(BASE.repo, {name: data for name, data in FILES.items() if name != lost})
    with pytest.raises(ModelError, match=lost):
        ask(server)


@pytest.mark.parametrize(
    "info",
    [
        [],
        {"sha": "abc"},
        {"sha": None, "siblings": []},
        {"sha": "../..", "siblings": []},
        {"sha": "abc", "siblings": [{}]},
        {"sha": "abc", "siblings": [{"rfilename": "model.bin", "lfs": {"size": "1"}}]},
        {"sha": "abc", "siblings": [{"rfilename": "model.bin", "size": -1}]},
    ],
)
def test_a_description_that_makes_no_sense_is_an_error(server: Server, info: object) -> None:
    server.put(API, json.dumps(info).encode())
    with pytest.raises(ModelError, match="makes no sense"):
        ask(server)


def test_weights_without_a_digest_are_refused(server: Server) -> None:
    siblings = [{"rfilename": name} for name in FILES]
    server.put(API, json.dumps({"sha": "abc", "siblings": siblings}).encode())
    with pytest.raises(ModelError, match=r"does not tell the SHA-256 of model\.bin") as caught:
        ask(server)
    assert "#sha256=" in str(caught.value.hint)


def test_a_mirror_without_sizes_of_small_files_will_do(server: Server) -> None:
    lfs = {"sha256": "0" * 64, "size": 7}
    siblings = [{"rfilename": name} | ({"lfs": lfs} if name[0] == "m" else {}) for name in FILES]
    server.put(API, json.dumps({"sha": "abc", "siblings": siblings}).encode())
    assert {file.name for file in ask(server).files if file.wanted.digest} == {"model.bin"}
