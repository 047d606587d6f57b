"""Weights of CTranslate2 as a GGML file; the sources are written by CTranslate2 itself."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from ctranslate2.specs import WhisperSpec
from faster_whisper.feature_extractor import FeatureExtractor
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers.pre_tokenizers import ByteLevel

from echocli.errors import ModelError
from echocli.models.ct2 import WhisperWeights
from echocli.models.ggml import MAGIC, byte_decoder, convert, token_bytes
from tests.conftest import clean_environment

STATE, HEADS, MELS = 8, 2, 80
ENCODER, DECODER = 2, 1
HEADER = struct.Struct("<12i")


@dataclass(frozen=True, slots=True)
class Ggml:
    """A GGML file as whisper.cpp would read it."""

    header: tuple[int, ...]
    filters: NDArray[np.float32]
    words: list[bytes]
    tensors: dict[str, NDArray[Any]]


def read_ggml(path: Path) -> Ggml:
    data = path.read_bytes()
    header, at = HEADER.unpack_from(data), HEADER.size
    rows, columns = struct.unpack_from("<2i", data, at)
    filters = np.frombuffer(data, "<f4", rows * columns, at + 8).reshape(rows, columns)
    at += 8 + filters.nbytes
    (count,), at = struct.unpack_from("<i", data, at), at + 4
    words = []
    for _ in range(count):
        (size,), at = struct.unpack_from("<i", data, at), at + 4
        words.append(data[at : at + size])
        at += size
    tensors = {}
    while at < len(data):
        rank, length, kind = struct.unpack_from("<3i", data, at)
        shape = struct.unpack_from(f"<{rank}i", data, at + 12)[::-1]
        at += 12 + 4 * rank
        name, at = data[at : at + length].decode(), at + length
        values = np.frombuffer(data, ("<f4", "<f2")[kind], int(np.prod(shape)), at)
        tensors[name] = values.reshape(shape)
        at += values.nbytes
    return Ggml(header, filters, words, tensors)


def made_up(seed: int = 0) -> WhisperSpec:
    """Return a Whisper model of CTranslate2 with random numbers in it."""
    spec = WhisperSpec(ENCODER, HEADS, DECODER, HEADS)
    random = np.random.default_rng(seed)

    def numbers(*shape: int) -> NDArray[np.float32]:
        return random.standard_normal(shape).astype(np.float32)

    def linear(at: Any, rows: int, columns: int) -> None:
        at.weight, at.bias = numbers(rows, columns), numbers(rows)

    def norm(at: Any) -> None:
        at.gamma, at.beta = numbers(STATE), numbers(STATE)

    def attention(at: Any, rows: tuple[int, ...]) -> None:
        norm(at.layer_norm)
        for place, count in zip(at.linear, rows, strict=True):
            linear(place, count * STATE, STATE)

    for side, context in ((spec.encoder, 1500), (spec.decoder, 448)):
        norm(side.layer_norm)
        side.position_encodings.encodings = numbers(context, STATE)
        for layer in side.layer:
            attention(layer.self_attention, (3, 1))
            if side is spec.decoder:
                attention(layer.attention, (1, 2, 1))
            norm(layer.ffn.layer_norm)
            linear(layer.ffn.linear_0, 4 * STATE, STATE)
            linear(layer.ffn.linear_1, STATE, 4 * STATE)
    spec.encoder.conv1.weight = numbers(STATE, MELS, 3)
    spec.encoder.conv2.weight = numbers(STATE, STATE, 3)
    spec.encoder.conv1.bias, spec.encoder.conv2.bias = numbers(STATE), numbers(STATE)
    spec.decoder.embeddings.weight = numbers(51864, STATE)
    spec.decoder.projection.weight = spec.decoder.embeddings.weight
    return spec


NEEDS_TORCH = pytest.mark.skipif(
    find_spec("torch") is None, reason="torch, which writes such weights, is not installed"
)
Quantisation = Literal[None, "float32", "float16", "bfloat16", "int8", "int8_float16", "int16"]


def ordinary_tokens() -> list[str]:
    """Return as many words as the English vocabulary has, made of the characters for bytes."""
    pairs = ("".join(pair) for pair in product(["", *byte_decoder()], byte_decoder()))
    return [next(pairs) for _ in range(50256)]


def save(spec: WhisperSpec, directory: Path, quantisation: Quantisation = "float32") -> Path:
    tokens = ordinary_tokens()
    special = [f"<|{number}|>" for number in range(51864 - len(tokens))]
    spec.register_vocabulary([*tokens, *special])
    spec.validate()
    spec.optimize(quantisation)
    directory.mkdir()
    spec.save(str(directory))
    vocabulary = {token: number for number, token in enumerate([*tokens, "<|endoftext|>"])}
    (directory / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}))
    return directory


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a made-up model in float32."""
    return save(made_up(), tmp_path_factory.mktemp("made-up") / "model")


def converted(
    spec: WhisperSpec,
    tmp_path: Path,
    quantisation: Quantisation,
    dtype: Literal["f16", "f32"] = "f32",
) -> Ggml:
    target = tmp_path / "model.ggml"
    convert(save(spec, tmp_path / "model", quantisation), target, dtype=dtype)
    return read_ggml(target)


class TestMadeUpModels:
    pytestmark = pytest.mark.unit

    def test_the_header_says_what_the_model_is(self, model: Path, tmp_path: Path) -> None:
        types: dict[int, Literal["f16", "f32"]] = {0: "f32", 1: "f16"}
        for number, dtype in types.items():
            convert(model, tmp_path / "m.bin", dtype=dtype)
            file = read_ggml(tmp_path / "m.bin")
            sizes = (51864, 1500, STATE, HEADS, ENCODER, 448, STATE, HEADS, DECODER, MELS)
            assert file.header == (MAGIC, *sizes, number)
        assert [path.name for path in tmp_path.iterdir()] == ["m.bin"]

    def test_projections_that_ctranslate2_fuses_are_taken_apart(self, tmp_path: Path) -> None:
        source = made_up()
        tensors = converted(made_up(), tmp_path, "float32").tensors
        block = source.decoder.layer[0]
        for name, linear, place in (
            ("attn", block.self_attention.linear[0], ("query", "key", "value")),
            ("cross_attn", block.attention.linear[1], ("key", "value")),
        ):
            parts = [tensors[f"decoder.blocks.0.{name}.{part}.weight"] for part in place]
            assert np.array_equal(np.concatenate(parts), linear.weight)
            values = tensors[f"decoder.blocks.0.{name}.value.bias"]
            assert np.array_equal(values, linear.bias[-STATE:])
            assert f"decoder.blocks.0.{name}.key.bias" not in tensors
        query = tensors["decoder.blocks.0.cross_attn.query.weight"]
        assert np.array_equal(query, block.attention.linear[0].weight)
        out = tensors["decoder.blocks.0.cross_attn.out.bias"]
        assert np.array_equal(out, block.attention.linear[2].bias)

    def test_everything_else_is_as_it_was(self, tmp_path: Path) -> None:
        source = made_up()
        tensors = converted(made_up(), tmp_path, "float32").tensors
        encoder, decoder = source.encoder, source.decoder
        expected = {
            "encoder.conv2.weight": encoder.conv2.weight,
            "encoder.conv2.bias": encoder.conv2.bias.reshape(-1, 1),
            "encoder.ln_post.weight": encoder.layer_norm.gamma,
            "encoder.positional_embedding": encoder.position_encodings.encodings,
            "encoder.blocks.1.attn_ln.bias": encoder.layer[1].self_attention.layer_norm.beta,
            "encoder.blocks.1.mlp.0.weight": encoder.layer[1].ffn.linear_0.weight,
            "decoder.ln.bias": decoder.layer_norm.beta,
            "decoder.blocks.0.mlp.2.weight": decoder.layer[0].ffn.linear_1.weight,
            "decoder.token_embedding.weight": decoder.embeddings.weight,
        }
        for name, values in expected.items():
            assert np.array_equal(tensors[name], values), name

    def test_only_large_tensors_become_float16(self, tmp_path: Path) -> None:
        tensors = converted(made_up(), tmp_path, "float16", "f16").tensors
        full = {name for name, values in tensors.items() if values.dtype == np.float32}
        weights = {name for name in tensors if "ln" not in name and name.endswith("weight")}
        assert full == set(tensors) - weights
        source = made_up().encoder.layer[0].ffn.linear_0.weight
        values = tensors["encoder.blocks.0.mlp.0.weight"]
        assert np.array_equal(values, source.astype(np.float16))

    @pytest.mark.parametrize(
        ("quantisation", "tolerance"),
        [
            ("int8", 0.02),
            ("int8_float16", 0.02),
            ("int16", 0.004),
            pytest.param("bfloat16", 0.02, marks=NEEDS_TORCH),
        ],
    )
    def test_quantised_weights_become_numbers_again(
        self, tmp_path: Path, quantisation: Quantisation, tolerance: float
    ) -> None:
        layer = made_up().decoder.layer[0]
        tensors = converted(made_up(), tmp_path, quantisation).tensors
        names = [f"decoder.blocks.0.attn.{part}.weight" for part in ("query", "key", "value")]
        values = np.concatenate([tensors[name] for name in names])
        assert np.allclose(values, layer.self_attention.linear[0].weight, atol=tolerance)
        conv = tensors["encoder.conv1.weight"]
        assert np.allclose(conv, made_up().encoder.conv1.weight, atol=tolerance)

    def test_tensors_that_share_their_numbers_are_all_written(self, tmp_path: Path) -> None:
        spec = made_up()
        same = spec.encoder.layer_norm.beta
        spec.decoder.layer_norm.beta = same.copy()  # stored once by CTranslate2
        tensors = converted(spec, tmp_path, "float32").tensors
        assert np.array_equal(tensors["decoder.ln.bias"], same)
        assert np.array_equal(tensors["encoder.ln_post.bias"], same)

    def test_the_filters_are_those_of_whisper(self, model: Path, tmp_path: Path) -> None:
        convert(model, tmp_path / "m.bin")
        filters = read_ggml(tmp_path / "m.bin").filters
        assert filters.shape == (MELS, 201)
        assert np.array_equal(filters, FeatureExtractor().mel_filters)


class TestErrors:
    pytestmark = pytest.mark.unit

    @staticmethod
    def refused(source: Path, target: Path, match: str) -> None:
        with pytest.raises(ModelError, match=match) as caught:
            convert(source, target)
        assert caught.value.hint
        assert not target.exists()
        assert not target.with_name(f"{target.name}.part").exists()

    @pytest.fixture
    def copy(self, model: Path, tmp_path: Path) -> Path:
        """Directory of a model that a test may break; its files are links."""
        directory = tmp_path / "copy"
        directory.mkdir()
        for path in model.iterdir():
            (directory / path.name).symlink_to(path)
        return directory

    def test_a_directory_that_is_not_there(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "gone", tmp_path / "m.bin", "No such file")

    def test_a_file_in_place_of_the_directory(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        self.refused(tmp_path / "file", tmp_path / "m.bin", "Not a directory")

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
        self, copy: Path, tmp_path: Path, data: bytes, match: str
    ) -> None:
        (copy / "model.bin").unlink()
        (copy / "model.bin").write_bytes(data)
        self.refused(copy, tmp_path / "m.bin", match)

    @given(data=st.data())
    @settings(max_examples=50, deadline=None)
    def test_weights_cut_anywhere_are_never_taken_for_whole(
        self, model: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        whole = (model / "model.bin").read_bytes()
        # Most of it is the embeddings; the structure is at the ends.
        length = data.draw(
            st.integers(0, len(whole) - 1)
            | st.integers(0, 400)
            | st.integers(1, 5000).map(lambda left: len(whole) - left)
        )
        file = tmp_path_factory.getbasetemp() / "cut-model.bin"
        file.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"cut short|empty"):
            WhisperWeights(file)

    def test_int4_weights_are_refused(self, tmp_path: Path) -> None:
        spec = made_up()
        linear = spec.encoder.layer[0].ffn.linear_0
        linear.weight = np.zeros((STATE, 4), np.int32)
        linear.weight_scale = np.ones((1, 32), np.float32)
        source = save(spec, tmp_path / "model", None)
        self.refused(source, tmp_path / "m.bin", "int4")

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": {"vocab": {"a": 0}}}', '"x"'])
    def test_a_tokenizer_of_something_else(self, copy: Path, tmp_path: Path, text: str) -> None:
        (copy / "tokenizer.json").unlink()
        (copy / "tokenizer.json").write_text(text)
        self.refused(copy, tmp_path / "m.bin", r"tokenizer\.json is not the tokenizer")

    def test_no_tokenizer(self, copy: Path, tmp_path: Path) -> None:
        (copy / "tokenizer.json").unlink()
        self.refused(copy, tmp_path / "m.bin", "No such file")

    def test_the_source_and_directories_are_not_overwritten(self, model: Path) -> None:
        before = (model / "model.bin").read_bytes()
        for target in (model / "model.bin", model):
            with pytest.raises(ModelError, match="cannot be replaced"):
                convert(model, target)
        assert (model / "model.bin").read_bytes() == before

    def test_a_target_that_cannot_be_written(self, model: Path, tmp_path: Path) -> None:
        self.refused(model, tmp_path / "no" / "m.bin", "cannot be written: No such file")

    @pytest.mark.skipif(sys.platform == "win32", reason="limits as on Unix")
    def test_a_disk_that_fills_leaves_nothing(self, model: Path, tmp_path: Path) -> None:
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


class TestBytes:
    pytestmark = pytest.mark.unit

    def test_every_byte_has_one_character(self) -> None:
        assert sorted(byte_decoder().values()) == list(range(256))
        assert set(byte_decoder()) == set(ByteLevel.alphabet())

    @given(st.text())
    def test_words_are_the_bytes_of_their_text(self, text: str) -> None:
        # The tokenizers library cuts text as GPT-2 does and writes it with the same characters.
        pieces = ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
        assert b"".join(token_bytes(token) for token, _ in pieces) == text.encode()

    @given(st.binary())
    def test_bytes_that_are_no_text_survive(self, data: bytes) -> None:
        characters = {byte: character for character, byte in byte_decoder().items()}
        assert token_bytes("".join(characters[byte] for byte in data)) == data

    @pytest.mark.parametrize("token", ["a b", "\n", "あ"])
    def test_other_characters_stand_for_nothing(self, token: str) -> None:
        with pytest.raises(KeyError):
            token_bytes(token)


TRANSCRIBE = """
import sys
import soundfile
from pywhispercpp.model import Model
sound, rate = soundfile.read(sys.argv[2], dtype="float32")
assert rate == 16000 and sound.ndim == 1
model = Model(sys.argv[1], n_threads=1, print_progress=False, print_realtime=False)
print(" ".join(segment.text for segment in model.transcribe(sound)))
"""


@pytest.fixture(scope="module")
def file(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the bundled tiny.en as a GGML file."""
    path = tmp_path_factory.mktemp("ggml") / "tiny.en.bin"
    convert(tiny_model, path)
    yield path
    path.unlink()  # pytest keeps the directories of several runs


class TestBundledModel:
    pytestmark = pytest.mark.model

    def test_the_file_is_that_of_tiny_en(self, file: Path) -> None:
        # The published ggml-tiny.en.bin is 17 bytes longer: it was made when the converter still
        # wrote <|endoftext|>, whose name whisper.cpp makes up otherwise.
        assert file.stat().st_size == 77_704_715 - 17
        whisper = read_ggml(file)
        assert whisper.header == (MAGIC, 51864, 1500, 384, 6, 4, 448, 384, 6, 4, 80, 1)
        assert len(whisper.words) == 50256
        assert (whisper.words[0], whisper.words[220], whisper.words[-1]) == (b"!", b" ", b" gazed")
        # As many as `whisper_model_load` creates for four layers on both sides.
        assert len(whisper.tensors) == 7 + 15 * 4 + 4 + 24 * 4

    def test_whisper_cpp_hears_the_sample_with_it(
        self, file: Path, samples: Path, tmp_path: Path
    ) -> None:
        if find_spec("pywhispercpp") is None:
            pytest.skip("pywhispercpp is not installed")
        done = subprocess.run(
            [sys.executable, "-c", TRANSCRIBE, file, samples / "meeting.flac"],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
            env=clean_environment(tmp_path),
        )
        words = set((samples / "meeting.ref.txt").read_text("utf-8").lower().split())
        heard = set(done.stdout.lower().split())
        assert len(words & heard) > 0.9 * len(words), done.stdout
