"""Whisper models of CTranslate2 with random numbers in them, and a reader of GGML files."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from ctranslate2.specs import WhisperSpec
from numpy.typing import NDArray

from echocli.models.blocks import BLOCK, BLOCK_BYTES, BlockType
from echocli.models.ggml import byte_decoder

STATE, HEADS, MELS = 8, 2, 80
ENCODER, DECODER = 2, 1
HEADER = struct.Struct("<12i")

Quantisation: TypeAlias = Literal[
    None, "float32", "float16", "bfloat16", "int8", "int8_float16", "int16"
]


@dataclass(frozen=True, slots=True)
class Ggml:
    """A GGML file as whisper.cpp would read it."""

    header: tuple[int, ...]
    filters: NDArray[np.float32]
    words: list[bytes]
    tensors: dict[str, NDArray[Any]]
    """Blocks as the numbers they stand for."""
    kinds: dict[str, int]
    """Type number of each tensor."""


BLOCK_TYPES: dict[int, BlockType] = {8: "q8_0", 6: "q5_0", 7: "q5_1"}


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
    tensors, kinds = {}, {}
    while at < len(data):
        rank, length, kind = struct.unpack_from("<3i", data, at)
        shape = struct.unpack_from(f"<{rank}i", data, at + 12)[::-1]
        at += 12 + 4 * rank
        name, at = data[at : at + length].decode(), at + length
        values, size = read_values(data, at, kind, int(np.prod(shape)))
        tensors[name], kinds[name] = values.reshape(shape), kind
        at += size
    return Ggml(header, filters, words, tensors, kinds)


def read_values(data: bytes, at: int, kind: int, count: int) -> tuple[NDArray[Any], int]:
    """Return numbers and how many bytes they take."""
    if kind in BLOCK_TYPES:
        size = count // BLOCK * BLOCK_BYTES[BLOCK_TYPES[kind]]
        return unpacked(data[at : at + size], BLOCK_TYPES[kind]), size
    values = np.frombuffer(data, ("<f4", "<f2")[kind], count, at)
    return values, values.nbytes


def unpacked(data: bytes, dtype: BlockType) -> NDArray[np.float32]:
    """Return the numbers that blocks stand for, shape ``(blocks, 32)``.

    Written from the layouts in ggml-common.h: a scale, for q5_1 the least number, for both with
    five bits first the fifth ones, then the lower four of number j with those of number j + 16.
    """
    blocks = np.frombuffer(data, np.uint8).reshape(-1, BLOCK_BYTES[dtype])
    scale = _half(blocks, 0)
    if dtype == "q8_0":
        signed: NDArray[np.float32] = blocks[:, 2:].view(np.int8).astype(np.float32)
        return scale * signed
    start = 2 if dtype == "q5_0" else 4
    high = np.unpackbits(blocks[:, start : start + 4].copy(), axis=1, bitorder="little")
    low = np.hstack([blocks[:, start + 4 :] & 15, blocks[:, start + 4 :] >> 4])
    levels: NDArray[np.float32] = (low | high << 4).astype(np.float32)
    return scale * (levels - 16) if dtype == "q5_0" else scale * levels + _half(blocks, 2)


def _half(blocks: NDArray[np.uint8], at: int) -> NDArray[np.float32]:
    halves: NDArray[np.float16] = blocks[:, at : at + 2].copy().view("<f2")
    return halves.astype(np.float32)


def made_up(seed: int = 0, state: int = STATE) -> WhisperSpec:
    """Return a Whisper model of CTranslate2 with random numbers in it, ``state`` to a row."""
    spec = WhisperSpec(ENCODER, HEADS, DECODER, HEADS)
    random = np.random.default_rng(seed)

    def numbers(*shape: int) -> NDArray[np.float32]:
        return random.standard_normal(shape).astype(np.float32)

    def linear(at: Any, rows: int, columns: int) -> None:
        at.weight, at.bias = numbers(rows, columns), numbers(rows)

    def norm(at: Any) -> None:
        at.gamma, at.beta = numbers(state), numbers(state)

    def attention(at: Any, rows: tuple[int, ...]) -> None:
        norm(at.layer_norm)
        for place, count in zip(at.linear, rows, strict=True):
            linear(place, count * state, state)

    for side, context in ((spec.encoder, 1500), (spec.decoder, 448)):
        norm(side.layer_norm)
        side.position_encodings.encodings = numbers(context, state)
        for layer in side.layer:
            attention(layer.self_attention, (3, 1))
            if side is spec.decoder:
                attention(layer.attention, (1, 2, 1))
            norm(layer.ffn.layer_norm)
            linear(layer.ffn.linear_0, 4 * state, state)
            linear(layer.ffn.linear_1, state, 4 * state)
    spec.encoder.conv1.weight = numbers(state, MELS, 3)
    spec.encoder.conv2.weight = numbers(state, state, 3)
    spec.encoder.conv1.bias, spec.encoder.conv2.bias = numbers(state), numbers(state)
    spec.decoder.embeddings.weight = numbers(51864, state)
    spec.decoder.projection.weight = spec.decoder.embeddings.weight
    return spec


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
