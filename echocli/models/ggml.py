"""Whisper weights of CTranslate2 as one GGML file, the format that whisper.cpp reads.

The target is what ``whisper_model_load`` of whisper.cpp (src/whisper.cpp) reads: hyper-parameters,
mel filters, the bytes of the words, then the tensors, all of it little-endian. Tensors have the
same orientation in both; CTranslate2 fuses the projections that see the same input: query, key and
value of self-attention are the thirds of ``linear_0``, key and value of cross-attention the halves
of ``linear_1``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias, TypeGuard

from echocli.errors import ModelError
from echocli.models.ct2 import AGAIN, WhisperWeights
from echocli.models.parts import PartFile

if TYPE_CHECKING:
    from echocli.models.blocks import BlockType
    from echocli.models.ct2 import Array

DType: TypeAlias = Literal["f32", "f16", "q8_0", "q5_0", "q5_1"]
"""What the matrices are written as."""

MAGIC = 0x67676D6C
"""``ggml`` in hexadecimal, the first four bytes of the file."""

TENSOR_TYPES: dict[DType, int] = {"f32": 0, "f16": 1, "q8_0": 8, "q5_0": 6, "q5_1": 7}
"""Numbers of ``enum ggml_type`` (ggml/include/ggml.h), in front of each tensor."""

FILE_TYPES: dict[DType, int] = {"f32": 0, "f16": 1, "q8_0": 2007, "q5_0": 2008, "q5_1": 2009}
"""Numbers of ``enum ggml_ftype``, in the header of the file; quantised ones with the version of the
formats: ``GGML_QNT_VERSION`` 2 times ``GGML_QNT_VERSION_FACTOR`` 1000."""

_POSITIONS = ("encoder.positional_embedding", "decoder.positional_embedding")
"""Matrices that whisper.cpp wants as float32, like all vectors."""

_COLUMNS = ("encoder.conv1.bias", "encoder.conv2.bias")
"""Vectors that it wants as matrices of one column."""

_MULTILINGUAL = 51865
"""Size of the vocabulary from which whisper.cpp takes a model for multilingual."""

_ORDINARY = 50256
"""Tokens before the special ones; a multilingual vocabulary has one more, the empty word."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the GGML file: rows ``part / of`` of a variable of the source."""

    name: str
    source: str
    part: int = 0
    of: int = 1


def convert(source: Path, target: Path, *, dtype: DType = "f16") -> None:
    """Write the CTranslate2 Whisper model in the directory ``source`` to the GGML file ``target``.

    The file appears under its name when it is whole. Raises ``ModelError`` as :class:`Conversion`
    does, and when the target cannot be written.
    """
    conversion = Conversion(source, dtype)
    if target.is_dir() or target.resolve() == (source / "model.bin").resolve():
        raise ModelError(f"{target} cannot be replaced", hint="name another file to write to")
    try:
        with PartFile(target) as file:
            conversion.write(file.stream)
            file.finish()
    except OSError as error:
        raise ModelError(
            f"{target} cannot be written: {error.strerror or error}",
            hint="free some space, or name a file in a directory that can be written",
        ) from error


class Sink(Protocol):
    """What a file is written to."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take the next bytes."""


class Conversion:
    """A CTranslate2 Whisper model that can be written as GGML, one tensor in memory at a time.

    As ``examples/quantize`` of whisper.cpp has it, ``q8_0``, ``q5_0`` and ``q5_1`` are for the
    matrices; convolutions stay float16, positions and vectors float32. Quantised weights of the
    source are turned back into numbers, with the precision they have left. Mind that whisper.cpp
    1.8 loads ``f32`` and then aborts the process on a CPU, where its convolutions take float16 only
    (``ggml_compute_forward_im2col_f16``). Raises ``ModelError`` for a source that is missing, cut,
    of another format or no Whisper model, or whose matrices do not fit the blocks of ``dtype``.
    """

    def __init__(self, source: Path, dtype: DType) -> None:
        self._weights = WhisperWeights(source / "model.bin")
        self._shape = hyper_parameters(self._weights)
        self._words = vocabulary(source / "tokenizer.json", self._shape.n_vocab)
        self._dtype = dtype
        if is_block_type(dtype):
            self._refuse_broken_rows(source, dtype)

    def write(self, file: Sink) -> None:
        """Write all of it; raises what the file raises."""
        shape, weights = self._shape, self._weights
        _write_start(file, shape, self._words, FILE_TYPES[self._dtype])
        for tensor in tensors(shape.n_audio_layer, shape.n_text_layer):
            values = weights.read(tensor.source, tensor.part, tensor.of)
            _write_tensor(file, tensor.name, values, self._dtype)

    def _refuse_broken_rows(self, source: Path, dtype: DType) -> None:
        from echocli.models.blocks import BLOCK

        for width in (self._shape.n_audio_state, self._shape.n_text_state):
            if width % BLOCK:
                raise ModelError(
                    f"{source}: rows of {width} numbers cannot be cut into blocks of {BLOCK}, as "
                    f"{dtype} wants them",
                    hint="convert it as float16",
                )


class HyperParameters(NamedTuple):
    """The numbers at the start of the file, in their order there."""

    n_vocab: int
    n_audio_ctx: int
    n_audio_state: int
    n_audio_head: int
    n_audio_layer: int
    n_text_ctx: int
    n_text_state: int
    n_text_head: int
    n_text_layer: int
    n_mels: int


def hyper_parameters(weights: WhisperWeights) -> HyperParameters:
    """Return what the shapes of a model's variables say about it."""
    audio_ctx, audio_state = weights.shape("encoder/position_encodings/encodings", 2)
    text_ctx, text_state = weights.shape("decoder/position_encodings/encodings", 2)
    return HyperParameters(
        weights.shape("decoder/embeddings/weight", 2)[0],
        audio_ctx,
        audio_state,
        weights.number("encoder/num_heads"),
        _layers(weights, "encoder"),
        text_ctx,
        text_state,
        weights.number("decoder/num_heads"),
        _layers(weights, "decoder"),
        weights.shape("encoder/conv1/weight", 3)[1],
    )


def _layers(weights: WhisperWeights, side: str) -> int:
    names = (f"{side}/layer_{number}/ffn/linear_0/weight" for number in count())
    return sum(1 for _ in takewhile(weights.__contains__, names))


def tensors(audio_layers: int, text_layers: int) -> Iterator[Tensor]:
    """Yield the tensors of a model with so many encoder and decoder layers.

    Names are those of openai/whisper's ``model.py``, which whisper.cpp keeps.
    """
    for side, layers, norm in (
        ("encoder", audio_layers, "ln_post"),
        ("decoder", text_layers, "ln"),
    ):
        yield Tensor(f"{side}.positional_embedding", f"{side}/position_encodings/encodings")
        yield from _normalisation(f"{side}.{norm}", f"{side}/layer_norm")
        for number in range(layers):
            yield from _layer(f"{side}.blocks.{number}", f"{side}/layer_{number}", side)
    for name in ("conv1", "conv2"):
        yield from _linear(f"encoder.{name}", f"encoder/{name}")
    yield Tensor("decoder.token_embedding.weight", "decoder/embeddings/weight")


def _layer(name: str, source: str, side: str) -> Iterator[Tensor]:
    yield from _attention(f"{name}.attn", f"{source}/self_attention", itself=True)
    if side == "decoder":
        yield from _attention(f"{name}.cross_attn", f"{source}/attention", itself=False)
    yield from _normalisation(f"{name}.mlp_ln", f"{source}/ffn/layer_norm")
    yield from _linear(f"{name}.mlp.0", f"{source}/ffn/linear_0")
    yield from _linear(f"{name}.mlp.2", f"{source}/ffn/linear_1")


def _attention(name: str, source: str, *, itself: bool) -> Iterator[Tensor]:
    fused, of, out = ("linear_0", 3, "linear_1") if itself else ("linear_1", 2, "linear_2")
    yield from _normalisation(f"{name}_ln", f"{source}/layer_norm")
    yield from _linear(f"{name}.query", f"{source}/linear_0", of=3 if itself else 1)
    # Whisper's keys have no bias; CTranslate2 fills zeros in.
    yield Tensor(f"{name}.key.weight", f"{source}/{fused}/weight", of - 2, of)
    yield from _linear(f"{name}.value", f"{source}/{fused}", part=of - 1, of=of)
    yield from _linear(f"{name}.out", f"{source}/{out}")


def _linear(name: str, source: str, *, part: int = 0, of: int = 1) -> Iterator[Tensor]:
    yield Tensor(f"{name}.weight", f"{source}/weight", part, of)
    yield Tensor(f"{name}.bias", f"{source}/bias", part, of)


def _normalisation(name: str, source: str) -> Iterator[Tensor]:
    yield Tensor(f"{name}.weight", f"{source}/gamma")
    yield Tensor(f"{name}.bias", f"{source}/beta")


def vocabulary(tokenizer: Path, n_vocab: int) -> list[bytes]:
    """Return the bytes of the ordinary tokens of a ``tokenizer.json``, by id.

    whisper.cpp makes up the special ones, whose ids it derives from ``n_vocab``; the ordinary ones
    end where it expects the first of them. Raises ``ModelError`` if they do not.
    """
    try:
        model = json.loads(tokenizer.read_bytes())["model"]
        names = {number: name for name, number in model["vocab"].items()}
        ordinary = _ORDINARY + (n_vocab >= _MULTILINGUAL)
        return [token_bytes(names[number]) for number in range(ordinary)]
    except OSError as error:
        raise ModelError(f"{tokenizer} cannot be read: {error.strerror}", hint=AGAIN) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{tokenizer} is not the tokenizer of a Whisper model with {n_vocab} tokens", hint=AGAIN
        ) from error


def token_bytes(token: str) -> bytes:
    """Return what a token of a byte-level vocabulary stands for; ``KeyError`` if it is none."""
    return bytes(byte_decoder()[character] for character in token)


@cache
def byte_decoder() -> dict[str, int]:
    """Return the character → byte table of GPT-2 (openai/gpt-2, src/encoder.py).

    Printable bytes of Latin-1 stand for themselves; the others, in their order, are the characters
    from U+0100 on.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(0x100 + place): byte for place, byte in enumerate(others)}


def _write_start(
    file: Sink, shape: HyperParameters, words: Sequence[bytes], file_type: int
) -> None:
    from faster_whisper.feature_extractor import FeatureExtractor

    filters = FeatureExtractor(feature_size=shape.n_mels).mel_filters
    file.write(struct.pack("<12i", MAGIC, *shape, file_type))
    file.write(struct.pack("<2i", *filters.shape) + filters.astype("<f4").tobytes())
    file.write(struct.pack("<i", len(words)))
    for word in words:
        file.write(struct.pack("<i", len(word)) + word)


def _write_tensor(file: Sink, name: str, values: Array, dtype: DType) -> None:
    if name in _COLUMNS:
        values = values.reshape(-1, 1)
    kind = _kind(name, values.ndim, dtype)
    label = name.encode()
    dimensions = values.shape[::-1]  # GGML names the fastest one first
    start = (len(dimensions), len(label), TENSOR_TYPES[kind], *dimensions)
    file.write(struct.pack(f"<{len(start)}i", *start) + label)
    if is_block_type(kind):
        from echocli.models.blocks import packed

        for blocks in packed(values, kind):
            file.write(blocks)
    else:
        file.write(values.astype("<f2" if kind == "f16" else "<f4", order="C", copy=False).data)


def _kind(name: str, rank: int, dtype: DType) -> DType:
    """Return the type of a tensor in a file of ``dtype``."""
    if rank < 2 or name in (*_COLUMNS, *_POSITIONS):
        return "f32"
    return "f16" if rank > 2 and is_block_type(dtype) else dtype


def is_block_type(dtype: DType) -> TypeGuard[BlockType]:
    """Tell whether numbers of this type come in blocks."""
    return dtype not in ("f32", "f16")
