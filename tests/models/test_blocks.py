"""Numbers in blocks: what comes back, and that ggml itself would write the same bytes."""

from __future__ import annotations

import ctypes
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from echocli.models.blocks import BLOCK, BLOCK_BYTES, BlockType, packed
from echocli.models.ggml import TENSOR_TYPES
from tests.models.made_up_whisper import unpacked

pytestmark = pytest.mark.unit

TYPES: tuple[BlockType, ...] = ("q8_0", "q5_0", "q5_1")
NUMBERS = st.floats(-1000, 1000, width=16)
TENSORS = arrays(np.float16, st.tuples(st.integers(1, 5), st.just(2 * BLOCK)), elements=NUMBERS)


def back(values: NDArray[np.float16], dtype: BlockType) -> NDArray[np.float32]:
    return unpacked(b"".join(packed(values, dtype)), dtype)


@pytest.mark.parametrize("dtype", TYPES)
@given(values=TENSORS)
def test_numbers_come_back_within_a_step_of_their_block(
    dtype: BlockType, values: NDArray[np.float16]
) -> None:
    blocks = values.reshape(-1, BLOCK).astype(np.float32)
    largest = np.abs(blocks).max(axis=1, keepdims=True)
    spread = blocks.max(axis=1, keepdims=True) - blocks.min(axis=1, keepdims=True)
    # q5_0 has no level for the largest number with the other sign: a whole step there.
    step = {"q8_0": largest / 254, "q5_0": largest / 16, "q5_1": spread / 62}[dtype]
    # Scales are halves: eleven bits, and nothing below 2 ** -24.
    rounding = largest * 2.0**-10 + 127 * 2.0**-24
    assert np.all(np.abs(back(values, dtype) - blocks) <= step + rounding)


@pytest.mark.parametrize("dtype", TYPES)
def test_zeros_stay_zeros(dtype: BlockType) -> None:
    assert not back(np.zeros((3, BLOCK), np.float16), dtype).any()


@pytest.mark.parametrize("dtype", TYPES)
def test_numbers_too_small_for_a_scale_become_zeros(dtype: BlockType) -> None:
    tiny = np.full((1, BLOCK), 1e-44, np.float32)
    assert not unpacked(b"".join(packed(tiny, dtype)), dtype).any()


@pytest.mark.parametrize("dtype", TYPES)
def test_a_tensor_of_many_pieces_is_whole(dtype: BlockType) -> None:
    values = np.random.default_rng(1).standard_normal((40_000, BLOCK)).astype(np.float16)
    pieces = list(packed(values, dtype))
    assert len(pieces) > 1
    assert sum(map(len, pieces)) == len(values) * BLOCK_BYTES[dtype]
    assert unpacked(pieces[-1], dtype)[-1] == pytest.approx(values[-1], abs=0.3)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e4])
def test_the_bytes_are_those_of_ggml(dtype: BlockType, size: float) -> None:
    quantize = ggml_quantize_chunk()
    values = np.random.default_rng(2).standard_normal((1000, 12 * BLOCK)).astype(np.float32)
    values *= np.float32(size)
    values[3] = 0
    values[4, :BLOCK] = 1
    theirs = np.zeros(values.size // BLOCK * BLOCK_BYTES[dtype], np.uint8)
    kind = TENSOR_TYPES[dtype]
    size = quantize(kind, values.ctypes.data, theirs.ctypes.data, 0, *values.shape, None)
    assert size == theirs.nbytes
    assert b"".join(packed(values, dtype)) == theirs.tobytes()


def ggml_quantize_chunk() -> ctypes._NamedFuncPointer:
    """Return the function of the library that pywhispercpp brings."""
    spec = find_spec("pywhispercpp")
    if spec is None or spec.origin is None:
        pytest.skip("pywhispercpp is not installed")
    folder = Path(spec.origin).parent.with_name("pywhispercpp.libs")
    libraries = sorted(folder.glob("libggml-base*"))
    if not libraries:
        pytest.skip("this build of pywhispercpp keeps ggml elsewhere")
    function = ctypes.CDLL(str(libraries[0])).ggml_quantize_chunk
    function.restype = ctypes.c_size_t
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    function.argtypes = [ctypes.c_int, pointer, pointer, number, number, number, pointer]
    return function
