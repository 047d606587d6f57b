"""Numbers in blocks of 32 with a scale each, as ggml quantises them.

The layouts are those of ``block_q8_0``, ``block_q5_0`` and ``block_q5_1`` in ggml's
ggml/src/ggml-common.h, the arithmetic is that of the ``quantize_row_*_ref`` functions of
ggml/src/ggml-quants.c, bit by bit: single precision, halves rounded as those do it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float32]
    Bytes: TypeAlias = NDArray[np.uint8]

BlockType: TypeAlias = Literal["q8_0", "q5_0", "q5_1"]

BLOCK = 32
"""Numbers that share a scale (``QK8_0``, ``QK5_0``)."""

BLOCK_BYTES: dict[BlockType, int] = {"q8_0": 34, "q5_0": 22, "q5_1": 24}
"""Bytes of a block."""

_AT_ONCE = 1 << 15
"""Blocks worked on at a time: 4 MB as float32, whatever the size of the tensor."""


def packed(values: NDArray[Any], dtype: BlockType) -> Iterator[bytes]:
    """Yield the bytes of a tensor, in order; its last dimension is a multiple of :data:`BLOCK`."""
    rows = values.reshape(-1, BLOCK)
    pack = _PACKERS[dtype]
    for start in range(0, len(rows), _AT_ONCE):
        yield pack(rows[start : start + _AT_ONCE].astype(np.float32)).tobytes()


def _q8_0(x: Floats) -> Bytes:
    """A scale; 32 signed bytes, the largest of which is 127."""
    scale = np.abs(x).max(axis=1, keepdims=True) / np.float32(127)
    scaled = x * _inverse(scale)
    # roundf: halves away from zero; a sum in double precision cannot round up to the half.
    rounded = np.copysign(np.floor(np.abs(scaled).astype(np.float64) + 0.5), scaled)
    return np.hstack([_bytes_of(scale), rounded.astype(np.int8).view(np.uint8)])


def _q5_0(x: Floats) -> Bytes:
    """A scale, of which the number farthest from zero is -16; the fifth bits; four bits each."""
    farthest = np.abs(x).argmax(axis=1)
    scale = x[np.arange(len(x)), farthest, None] / np.float32(-16)
    levels = np.minimum(31, (x * _inverse(scale) + np.float32(16.5)).astype(np.uint8))
    return np.hstack([_bytes_of(scale), _nibbles(levels)])


def _q5_1(x: Floats) -> Bytes:
    """A scale from the least number (0) to the greatest (31); the least number; bits as above."""
    least = x.min(axis=1, keepdims=True)
    scale = (x.max(axis=1, keepdims=True) - least) / np.float32(31)
    levels = ((x - least) * _inverse(scale) + np.float32(0.5)).astype(np.uint8)
    return np.hstack([_bytes_of(scale), _bytes_of(least), _nibbles(levels)])


_PACKERS: dict[BlockType, Callable[[Floats], Bytes]] = {
    "q8_0": _q8_0,
    "q5_0": _q5_0,
    "q5_1": _q5_1,
}


def _inverse(scale: Floats) -> Floats:
    """Return 1 / scale, and 0 for a block of what a half cannot tell from zeros."""
    usable = np.abs(scale) >= np.finfo(np.float32).tiny
    return np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=usable)


def _bytes_of(scale: Floats) -> Bytes:
    return np.ascontiguousarray(scale, "<f2").view(np.uint8)


def _nibbles(levels: Bytes) -> Bytes:
    """Return the fifth bits, four bytes, and the lower ones: number j with number j + 16."""
    high = np.packbits(levels >> 4, axis=1, bitorder="little")
    low = levels & 15
    return np.hstack([high, low[:, : BLOCK // 2] | low[:, BLOCK // 2 :] << 4])
