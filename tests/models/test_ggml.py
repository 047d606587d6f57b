"""Weights of CTranslate2 as a GGML file; the sources are written by CTranslate2 itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from ctranslate2.specs import WhisperSpec
from faster_whisper.feature_extractor import FeatureExtractor

from echocli.models.ct2 import WhisperWeights
from echocli.models.ggml import MAGIC, TENSOR_TYPES, DType, convert, tensors
from tests.conftest import clean_environment
from tests.models.made_up_whisper import (
    DECODER,
    ENCODER,
    HEADS,
    MELS,
    STATE,
    Ggml,
    Quantisation,
    made_up,
    read_ggml,
    save,
)

NEEDS_TORCH = pytest.mark.skipif(
    find_spec("torch") is None, reason="torch, which writes such weights, is not installed"
)
STEPS = {"q8_0": 0.02, "q5_0": 0.14, "q5_1": 0.1}
"""Half a step between two levels, for numbers up to 4.5 (q5_0: one that is cut may be a whole)."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a made-up model in float32."""
    return save(made_up(), tmp_path_factory.mktemp("made-up") / "model")


def converted(
    spec: WhisperSpec,
    tmp_path: Path,
    quantisation: Quantisation,
    dtype: DType = "f32",
) -> Ggml:
    target = tmp_path / "model.ggml"
    convert(save(spec, tmp_path / "model", quantisation), target, dtype=dtype)
    return read_ggml(target)


class TestMadeUpModels:
    pytestmark = pytest.mark.unit

    def test_the_header_says_what_the_model_is(self, model: Path, tmp_path: Path) -> None:
        types: dict[int, DType] = {0: "f32", 1: "f16"}
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

    @pytest.mark.parametrize("dtype", ["q8_0", "q5_0", "q5_1"])
    def test_blocks_hold_the_matrices(self, tmp_path: Path, dtype: DType) -> None:
        width = 32
        full = converted(made_up(state=width), tmp_path, "float32")
        found = tmp_path / "blocks.bin"
        convert(tmp_path / "model", found, dtype=dtype)
        blocks = read_ggml(found)
        assert list(blocks.tensors) == list(full.tensors)
        for name, values in full.tensors.items():
            assert blocks.tensors[name].shape == values.shape
            matrix = values.ndim == 2 and name.endswith("weight")
            if matrix:
                assert blocks.kinds[name] == TENSOR_TYPES[dtype], name
                assert np.abs(blocks.tensors[name] - values).max() <= STEPS[dtype] * 2
            elif values.ndim == 3:
                assert np.array_equal(blocks.tensors[name], values.astype(np.float16))
            else:
                assert np.array_equal(blocks.tensors[name], values)

    @pytest.mark.parametrize(("dtype", "number"), [("q8_0", 7), ("q5_0", 8), ("q5_1", 9)])
    def test_the_header_names_blocks_and_their_version(
        self, tmp_path: Path, dtype: DType, number: int
    ) -> None:
        whisper = converted(made_up(state=32), tmp_path, "float16", dtype)
        assert whisper.header[-1] == 2000 + number

    def test_the_filters_are_those_of_whisper(self, model: Path, tmp_path: Path) -> None:
        convert(model, tmp_path / "m.bin")
        filters = read_ggml(tmp_path / "m.bin").filters
        assert filters.shape == (MELS, 201)
        assert np.array_equal(filters, FeatureExtractor().mel_filters)


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

    def test_every_tensor_is_that_of_the_weights(self, tiny_model: Path, file: Path) -> None:
        weights, found = WhisperWeights(tiny_model / "model.bin"), read_ggml(file).tensors
        for tensor in tensors(4, 4):
            values = weights.read(tensor.source, tensor.part, tensor.of)
            assert np.array_equal(found[tensor.name].reshape(values.shape), values), tensor.name

    @pytest.mark.parametrize("dtype", ["f16", "q8_0", "q5_0"])
    def test_whisper_cpp_hears_the_sample_with_it(
        self, tiny_model: Path, samples: Path, tmp_path: Path, dtype: DType
    ) -> None:
        if find_spec("pywhispercpp") is None:
            pytest.skip("pywhispercpp is not installed")
        path = tmp_path / "tiny.en.bin"
        convert(tiny_model, path, dtype=dtype)
        done = subprocess.run(
            [sys.executable, "-c", TRANSCRIBE, path, samples / "meeting.flac"],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
            env=clean_environment(tmp_path),
        )
        path.unlink()  # pytest keeps the directories of several runs
        words = set((samples / "meeting.ref.txt").read_text("utf-8").lower().split())
        heard = set(done.stdout.lower().split())
        assert len(words & heard) > 0.9 * len(words), done.stdout
