"""What a GGML file is, told from what lies before its weights."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.errors import ModelError
from echocli.models import ggml
from echocli.models.ggml_header import read_header
from tests.models.modelfiles import make_ggml

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("layers", "family"), [(4, "tiny"), (6, "base"), (12, "small"), (24, "medium"), (32, "large")]
)
def test_the_family_is_told_by_the_layers(tmp_path: Path, layers: int, family: str) -> None:
    assert read_header(make_ggml(tmp_path / "m.bin", layers=layers)).family == family


@pytest.mark.parametrize(("vocabulary", "multilingual"), [(51864, False), (51865, True)])
def test_the_languages_are_told_by_the_vocabulary(
    tmp_path: Path, vocabulary: int, multilingual: bool
) -> None:
    header = read_header(make_ggml(tmp_path / "m.bin", vocabulary=vocabulary))
    assert header.multilingual is multilingual


@pytest.mark.parametrize(
    ("number", "name"), [(0, "float32"), (1, "float16"), (2007, "q8_0"), (2008, "q5_0"), (99, "")]
)
def test_the_quantisation_is_told_without_its_version(
    tmp_path: Path, number: int, name: str
) -> None:
    assert read_header(make_ggml(tmp_path / "m.bin", ftype=number)).quantisation == name


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_file_cut_anywhere_is_no_model(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    base = tmp_path_factory.getbasetemp()
    content = make_ggml(base / "whole.bin").read_bytes()
    cut = base / "cut.bin"
    cut.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(ModelError, match=r"cut short|not a Whisper model"):
        read_header(cut)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200), magic=st.booleans())
def test_any_other_bytes_are_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, magic: bool
) -> None:
    file = tmp_path_factory.getbasetemp() / "other.bin"
    file.write_bytes((struct.pack("<i", ggml.MAGIC) if magic else b"") + content)
    with pytest.raises(ModelError) as caught:
        read_header(file)
    assert caught.value.hint


def test_a_file_cut_between_two_tensors_is_cut_short(tmp_path: Path) -> None:
    file = make_ggml(tmp_path / "m.bin")
    last = 16 + len("decoder.token_embedding.weight") + 4
    file.write_bytes(file.read_bytes()[:-last])
    with pytest.raises(ModelError, match="cut short"):
        read_header(file)


def test_a_file_that_grew_is_read_again(tmp_path: Path) -> None:
    file = make_ggml(tmp_path / "m.bin")
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    with pytest.raises(ModelError, match="cut short"):
        read_header(file)
    file.write_bytes(content)
    assert read_header(file).bytes == len(content)


def test_silence_detectors_in_the_same_format_are_no_model(tmp_path: Path) -> None:
    file = tmp_path / "ggml-silero-v5.1.2.bin"
    file.write_bytes(struct.pack("<2i", ggml.MAGIC, 10) + b"silero-16k" + bytes(100))
    with pytest.raises(ModelError, match="not a Whisper model"):
        read_header(file)


@pytest.mark.parametrize("what", ["nothing", "directory"])
def test_what_cannot_be_read_is_a_clear_error(tmp_path: Path, what: str) -> None:
    path = tmp_path if what == "directory" else tmp_path / "gone.bin"
    with pytest.raises(ModelError, match="cannot be read"):
        read_header(path)


@pytest.mark.model
def test_a_converted_model_is_whole_and_what_it_was(tiny_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "ggml-tiny.en.bin"
    ggml.convert(tiny_model, file)
    header = read_header(file)
    assert (header.family, header.multilingual) == ("tiny", False)
    assert (header.quantisation, header.bytes) == ("float16", file.stat().st_size)
