"""Weights that are pinned, and what a transcript says about those that served."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Completed, RunEchocli

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("tiny_model")]

REVISION = "0.1.0"
"""Version of the package that carries tiny.en."""

OTHER = "0" * 64


class Transcribe:
    """The program on the first sentence of the sample."""

    def __init__(self, run: RunEchocli, samples: Path) -> None:
        self._run = run
        self._file = samples / "meeting.flac"

    def __call__(self, *options: str | Path, env: dict[str, str] | None = None) -> Completed:
        return self._run("transcribe", self._file, "--clip", "0-4", *options, env=env)


@pytest.fixture
def transcribe(run_echocli: RunEchocli, samples: Path) -> Transcribe:
    return Transcribe(run_echocli, samples)


@pytest.fixture(scope="module")
def digest(tiny_model: Path) -> str:
    return hashlib.sha256((tiny_model / "model.bin").read_bytes()).hexdigest()


@pytest.mark.parametrize("provider", ["faster-whisper", "whisper-cpp"])
def test_a_transcript_says_which_weights_served(
    transcribe: Transcribe, digest: str, provider: str
) -> None:
    done = transcribe("-f", "json", "-m", "tiny.en", "-p", provider)
    found = json.loads(done.stdout)
    assert (found["model_revision"], found["model_sha256"]) == (REVISION, digest)
    health = found["stats"]["health"]
    assert (health["model_revision"], health["model_sha256"]) == (REVISION, digest)


def test_events_say_it_too(transcribe: Transcribe, digest: str) -> None:
    first = json.loads(transcribe("-f", "jsonl").stdout.splitlines()[0])
    assert (first["type"], first["model_sha256"]) == ("ready", digest)


def test_a_model_that_is_named_by_its_path_has_a_digest_too(
    transcribe: Transcribe, digest: str, tiny_model: Path
) -> None:
    found = json.loads(transcribe("-f", "json", "-m", tiny_model).stdout)
    assert (found["model_revision"], found["model_sha256"]) == (None, digest)


def test_the_weights_that_are_pinned_serve(transcribe: Transcribe, digest: str) -> None:
    env = {"ECHOCLI_MODEL_SHA256": f"sha256:{digest.upper()}"}
    assert transcribe("-m", "tiny.en", "--model-revision", REVISION, env=env).code == 0


@pytest.mark.parametrize("options", [(), ("-p", "whisper-cpp"), ("-m", "tiny.en")])
def test_others_are_refused(transcribe: Transcribe, digest: str, options: tuple[str, ...]) -> None:
    done = transcribe(*options, env={"ECHOCLI_MODEL_SHA256": OTHER})
    assert (done.code, done.stdout) == (4, "")
    assert digest in done.stderr
    assert OTHER in done.stderr
    done = transcribe(*options, "--model-revision", "1.2.3")
    assert (done.code, done.stdout) == (4, "")
    assert REVISION in done.stderr
    assert "1.2.3" in done.stderr


def test_no_other_weights_stand_in_for_those_that_are_pinned(
    run_echocli: RunEchocli, samples: Path, tiny_model: Path, digest: str, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_model, other)
    weights = (other / "model.bin").read_bytes()
    (other / "model.bin").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    options = ("-m", "tiny.en", "--fallback", f"faster-whisper:{other}")
    command = ("transcribe", samples / "meeting.flac", "--clip", "0-4", *options)
    assert run_echocli(*command).code == 0
    done = run_echocli(*command, env={"ECHOCLI_MODEL_SHA256": digest})
    assert (done.code, done.stdout) == (4, "")
    assert "--fallback" in done.stderr


@pytest.mark.parametrize("text", ["abc", "sha256:", OTHER[:-1], OTHER + "0", "g" * 64])
def test_what_is_no_digest_is_refused(transcribe: Transcribe, text: str) -> None:
    done = transcribe(env={"ECHOCLI_MODEL_SHA256": text})
    assert done.code == 2
    assert "model_sha256 from env ECHOCLI_MODEL_SHA256" in done.stderr


def test_weights_that_a_program_reads_itself_cannot_be_pinned(
    transcribe: Transcribe, tmp_path: Path
) -> None:
    options = ("-p", "voxtral", "--voxtral-binary", "/bin/true", "--voxtral-model", tmp_path)
    done = transcribe(*options, "--model-revision", "1")
    assert done.code == 4
    assert "cannot be pinned" in done.stderr


@pytest.mark.parametrize(
    "options", [("--patience", "2"), ("--beam-size", "9"), ("--suppress-tokens", "50,60")]
)
def test_what_a_library_cannot_do_is_refused_where_it_was_chosen(
    transcribe: Transcribe, options: tuple[str, ...]
) -> None:
    done = transcribe("-p", "whisper-cpp", *options)
    assert (done.code, done.stdout) == (2, "")
    assert f"cannot do {options[0]}" in done.stderr
    assert transcribe(*options).code == 0
