from __future__ import annotations

import struct
from pathlib import Path

import pytest

from echocli.providers.voxtral import Voxtral
from echocli.providers.voxtral_setup import doctor, find_program
from tests.providers.voxtral_playing import program, weights

pytestmark = pytest.mark.unit


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return weights(tmp_path / "model")


@pytest.fixture(autouse=True)
def no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECHOCLI_VOXTRAL_BINARY", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")


def test_nothing_is_missing_where_all_is_there(tmp_path: Path, model: Path) -> None:
    assert doctor(str(program(tmp_path)), model) == []


def test_the_program_is_found_by_option_variable_and_path(tmp_path: Path) -> None:
    found = str(program(tmp_path))
    assert find_program(found) == found
    assert find_program(environ={"ECHOCLI_VOXTRAL_BINARY": found}) == found
    assert find_program(environ={"PATH": str(tmp_path)}) == found
    assert find_program(environ={}) is None


def test_without_program_and_model_both_steps_are_said(tmp_path: Path) -> None:
    first, second = doctor("", tmp_path / "none")
    assert first.what == "there is no program 'voxtral' on the PATH"
    assert "git clone" in first.step
    assert "make" in first.step
    assert "does not exist" in second.what
    assert "download_model.sh" in second.step


def test_a_program_that_cannot_be_run_is_told_from_one_that_is_not_there(
    tmp_path: Path, model: Path
) -> None:
    path = program(tmp_path)
    path.chmod(0o644)
    assert doctor(str(path), model)[0].step == f"chmod +x {path}"
    assert "is a directory" in doctor(str(tmp_path), model)[0].what
    assert doctor(str(tmp_path / "no"), model)[0].what == f"there is no program {tmp_path / 'no'}"


def test_availability_needs_the_program_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = Voxtral.is_available()
    assert not state.available
    assert "git clone" in state.hint
    monkeypatch.setenv("ECHOCLI_VOXTRAL_BINARY", str(tmp_path / "gone"))
    assert f"{tmp_path}/gone" in Voxtral.is_available().reason
    monkeypatch.setenv("ECHOCLI_VOXTRAL_BINARY", str(program(tmp_path)))
    assert Voxtral.is_available().available


def test_a_model_that_is_a_file_or_lacks_one_is_named(tmp_path: Path, model: Path) -> None:
    path = str(program(tmp_path))
    assert "is no directory" in doctor(path, model / "tekken.json")[0].what
    (model / "tekken.json").unlink()
    assert doctor(path, model)[0].what == f"{model} holds no tekken.json"
    (model / "consolidated.safetensors").unlink()
    assert "no consolidated.safetensors and no tekken.json" in doctor(path, model)[0].what


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is no file of weights"),
        (b"<html>not found</html>", "is no file of weights"),
        (struct.pack("<Q", 9) + b"{}", "is not whole: 10 of 17 bytes"),
        (struct.pack("<Q", 2) + b"[]", "is no file of weights"),
        (struct.pack("<Q", 2) + b"{}", ""),
        (struct.pack("<Q", 30) + b'{"a": {"data_offsets": [0,8]}}', "is not whole: 38 of 46 bytes"),
    ],
)
def test_half_downloaded_weights_are_not_taken_for_whole(
    tmp_path: Path, model: Path, data: bytes, what: str
) -> None:
    (model / "consolidated.safetensors").write_bytes(data)
    found = doctor(str(program(tmp_path)), model)
    assert [one.what.partition("safetensors ")[2] for one in found] == ([what] if what else [])
