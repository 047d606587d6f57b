"""What cannot be converted to GGML is refused before anything is written."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from echocli.errors import ModelError
from echocli.models.ggml import DType, convert
from tests.conftest import clean_environment
from tests.models.made_up_whisper import STATE, made_up, save

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a made-up model in float32."""
    return save(made_up(), tmp_path_factory.mktemp("made-up") / "model")


def refused(source: Path, target: Path, match: str) -> None:
    with pytest.raises(ModelError, match=match) as caught:
        convert(source, target)
    assert caught.value.hint
    assert not target.exists()
    assert not target.with_name(f"{target.name}.part").exists()


@pytest.fixture
def copy(model: Path, tmp_path: Path) -> Path:
    """Directory of a model that a test may break; its files are links."""
    directory = tmp_path / "copy"
    directory.mkdir()
    for path in model.iterdir():
        (directory / path.name).symlink_to(path)
    return directory


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "gone", tmp_path / "m.bin", "No such file")


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    refused(tmp_path / "file", tmp_path / "m.bin", "Not a directory")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "it is empty"),
        (b"\x06", "cut short"),
        (struct.pack("<I", 5), "format version 5|cut short"),
        (struct.pack("<IH", 3, 9) + b"whatever\0" + b"\0" * 8, "format version 3"),
        (struct.pack("<IH", 6, 16) + b"TransformerSpec\0" + b"\0" * 8, "a TransformerSpec"),
        (b"\x89PNG\r\n\x1a\n" * 100, "format version"),
        (struct.pack("<IH", 6, 12) + b"WhisperSpec\0" + b"\3\0\0\0" * 3, "cut short"),
        (struct.pack("<IH", 6, 12) + b"WhisperSpec\0" + b"\0" * 12, "not a whole Whisper"),
    ],
)
def test_something_else_in_place_of_the_weights(
    copy: Path, tmp_path: Path, data: bytes, match: str
) -> None:
    (copy / "model.bin").unlink()
    (copy / "model.bin").write_bytes(data)
    refused(copy, tmp_path / "m.bin", match)


def test_int4_weights_are_refused(tmp_path: Path) -> None:
    spec = made_up()
    linear = spec.encoder.layer[0].ffn.linear_0
    linear.weight = np.zeros((STATE, 4), np.int32)
    linear.weight_scale = np.ones((1, 32), np.float32)
    source = save(spec, tmp_path / "model", None)
    refused(source, tmp_path / "m.bin", "int4")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": {"vocab": {"a": 0}}}', '"x"'])
def test_a_tokenizer_of_something_else(copy: Path, tmp_path: Path, text: str) -> None:
    (copy / "tokenizer.json").unlink()
    (copy / "tokenizer.json").write_text(text)
    refused(copy, tmp_path / "m.bin", r"tokenizer\.json is not the tokenizer")


def test_no_tokenizer(copy: Path, tmp_path: Path) -> None:
    (copy / "tokenizer.json").unlink()
    refused(copy, tmp_path / "m.bin", "No such file")


def test_the_source_and_directories_are_not_overwritten(model: Path) -> None:
    before = (model / "model.bin").read_bytes()
    for target in (model / "model.bin", model):
        with pytest.raises(ModelError, match="cannot be replaced"):
            convert(model, target)
    assert (model / "model.bin").read_bytes() == before


def test_a_target_that_cannot_be_written(model: Path, tmp_path: Path) -> None:
    refused(model, tmp_path / "no" / "m.bin", "cannot be written: No such file")


@pytest.mark.skipif(sys.platform == "win32", reason="limits as on Unix")
def test_a_disk_that_fills_leaves_nothing(model: Path, tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from echocli.errors import ModelError
from echocli.models.ggml import convert
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
except ModelError as error:
    print(error)
"""
    target = tmp_path / "m.bin"
    target.write_bytes(b"the old one")
    done = subprocess.run(
        [sys.executable, "-c", code, model, target],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=clean_environment(tmp_path),
    )
    assert "cannot be written" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"m.bin"}
    assert target.read_bytes() == b"the old one"


@pytest.mark.parametrize("dtype", ["q8_0", "q5_0", "q5_1"])
def test_rows_that_are_no_whole_blocks(model: Path, tmp_path: Path, dtype: DType) -> None:
    with pytest.raises(ModelError, match="rows of 8 numbers cannot be cut") as caught:
        convert(model, tmp_path / "m.bin", dtype=dtype)
    assert caught.value.hint == "convert it as float16"
    assert not list(tmp_path.iterdir())
